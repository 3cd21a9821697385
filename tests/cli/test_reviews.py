"""The commands under `reviews` on a real store that a small labeler filled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from llmlabel.cli.main import app
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.errors import InvalidInput, NotFound, UnknownGuideline
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.learning.losses import loss_of
from llmlabel.review import ReviewQueue
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.review.people import flag
from llmlabel.shipped import search_folders
from llmlabel.store import ReviewItem, Store

REF = "sentiment@1.0.0"
POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = tmp_path / "home"
    store = Store.open(f"sqlite:///{home / 'llmlabel.db'}", recordings=home / "recordings")
    yield store
    store.close()


@pytest.fixture
def guideline() -> Guideline:
    found = GuidelineLibrary(search_folders("guidelines")).get("sentiment")
    return found.model_copy(update={"policy": found.policy.model_copy(update={"benchmarks": 0.5})})


@pytest.fixture
def queue(store: Store, guideline: Guideline) -> ReviewQueue:
    hidden = BenchmarkQueue(store, lambda ref: guideline, loss_of, chance=lambda: 0.0)
    return ReviewQueue(store, lambda ref: guideline, benchmarks=hidden)


def put(store: Store, *texts: str, route: Route = Route.REVIEW, sure: float = 0.5) -> None:
    for text in texts:
        document = Document.of_text(text)
        store.documents.add([document], [REF])
        label = Label(
            document_id=document.id,
            text_sha256=document.text_sha256,
            guideline=REF,
            guideline_sha256="0" * 64,
            answer=POSITIVE,
            confidence=Confidence(value=sure, method="fake"),
            route=route,
            reason="doubtful",
            threshold=0.8,
            created_at=datetime.now(UTC),
        )
        store.labels.save([label])


def take(queue: ReviewQueue, reviewer: str = "ann") -> ReviewItem:
    item = queue.next(reviewer)
    assert item is not None
    return item


def reviews(*words: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["reviews", *words])


def said(*words: str) -> str:
    result = reviews(*words)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_an_empty_home_says_so_and_how_to_begin() -> None:
    assert "Nothing waits for review." in said("queues")
    assert "Nothing waits for ann." in said("queues", "--reviewer", "ann")
    assert "Nobody has decided anything yet" in said("scores")
    assert "llmlabel reviews reviewers clear" in said("reviewers", "list")
    assert "No flag waits" in said("flags", "list")
    assert "No reviewer has flagged anything" in said("flags", "list", "--all")
    assert "No label of sentiment@1.0.0 is as wanted" in said("relabel", "sentiment")
    for words in (("queues",), ("scores",), ("reviewers", "list"), ("flags", "list")):
        assert json.loads(said(*words, "--json")) == []


def test_queues_tell_what_waits_and_how_long_it_takes(store: Store, queue: ReviewQueue) -> None:
    put(store, "one", "two", "three")
    item = take(queue)
    queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann", seconds=30.0)
    assert "sentiment@1.0.0 doubt" in said("queues")
    assert "30.0 s" in said("queues")
    [found] = json.loads(said("queues", "--json"))
    assert (found["open"], found["seconds_to_clear"]) == (2, 60.0)
    said("reviewers", "clear", "eve", "-g", "ner")
    assert "Nothing waits for eve." in said("queues", "--reviewer", "eve")


def test_scores_tell_of_decisions_and_of_hidden_gold(store: Store, queue: ReviewQueue) -> None:
    put(store, "one")
    item = take(queue)
    queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann", seconds=6.0)
    assert "nothing is known of errors" in said("scores")
    put(store, "two")
    gold = [NewGold(document=Document.of_text(text), answer=POSITIVE) for text in ("a", "b")]
    store.gold.add(gold, REF)
    for answer in (POSITIVE, NEGATIVE):
        item = take(queue)
        queue.verdict(item.id, token=item.token, kind="correct", reviewer="ann", answer=answer)
    table = said("scores", "-g", "sentiment")
    assert "ann 1 6.0 s 600 2 1 50.0% 97.5%" in table
    assert "1 of 2 wrong, which is 50.0%, at most 97.5%" in said("reviewers", "show", "ann")
    [score] = json.loads(said("scores", "--json"))
    assert (score["decided"], score["benchmarks"], score["wrong"]) == (1, 2, 1.0)


def test_a_clearance_changes_only_what_is_said(store: Store) -> None:
    assert said("reviewers", "clear", "ann", "-g", "sentiment", "-g", "ner") == (
        "ann may review sentiment, ner, and adjudicates."
    )
    assert "ner, and does not adjudicate" in said("reviewers", "clear", "ann", "--no-adjudicates")
    assert "every guideline, and does not" in said("reviewers", "clear", "ann", "--everything")
    assert "may review nothing" in said("reviewers", "clear", "ann", "--nothing")
    said("reviewers", "clear", "ann", "--note", "knows [red]Spanish[/]")
    assert "knows [red]Spanish[/]" in said("reviewers", "list")
    shown = said("reviewers", "show", "ann")
    assert "may review nothing adjudicates no note knows" in shown
    assert store.people.get("ann").guidelines == ()


def test_a_clearance_that_cannot_be_meant_is_refused() -> None:
    both = reviews("reviewers", "clear", "ann", "-g", "ner", "--everything")
    assert isinstance(both.exception, InvalidInput)
    unknown = reviews("reviewers", "clear", "ann", "-g", "nothing")
    assert isinstance(unknown.exception, InvalidInput)
    assert "choose from" in unknown.exception.detail
    assert isinstance(reviews("reviewers", "show", "bob").exception, NotFound)
    assert isinstance(reviews("scores", "-g", "nothing").exception, UnknownGuideline)


def test_flags_are_listed_and_answered(
    store: Store, queue: ReviewQueue, guideline: Guideline
) -> None:
    put(store, "one")
    made = flag(store, take(queue), guideline, reviewer="ann", comment="what of [irony]?")
    listed = said("flags", "list", "-g", "sentiment")
    assert made.id in listed
    assert "what of [irony]?" in listed
    assert "is answered" in said("flags", "resolve", made.id, "A clause more.", "--by", "eve")
    assert "No flag waits" in said("flags", "list")
    assert "A clause more. (eve," in said("flags", "list", "--all")
    [found] = json.loads(said("flags", "list", "--all", "--json"))
    assert found["resolved_by"] == "eve"
    unknown = reviews("flags", "resolve", "f-none", "-", "--by", "eve")
    assert isinstance(unknown.exception, NotFound)


def test_labels_are_counted_then_queued(store: Store, queue: ReviewQueue) -> None:
    put(store, "one", "two", route=Route.ACCEPTED, sure=0.9)
    put(store, "three", route=Route.ACCEPTED, sure=0.99)
    words = ("relabel", "sentiment", "--label", "positive", "--confidence-below", "0.95")
    assert "2 labels of sentiment@1.0.0 would be looked at again" in said(*words, "--dry-run")
    assert store.counts().reviews_open == 0
    assert "1 label of sentiment@1.0.0 chosen, 1 of them queued" in said(*words, "--limit", "1")
    counted = json.loads(said(*words, "--json", "--since", "2020-01-01", "--unverified"))
    assert counted == {"selected": 1, "queued": 1}
    assert "No label of" in said(*words)
    item = take(queue)
    assert "with the label positive, with a confidence below 0.95" in item.reason


def test_what_cannot_be_relabeled_is_refused() -> None:
    wrong = reviews("relabel", "sentiment", "--label", "joy")
    assert isinstance(wrong.exception, InvalidInput)
    assert wrong.exception.field == "label"
    assert isinstance(reviews("relabel", "nothing").exception, UnknownGuideline)
    both = reviews("relabel", "sentiment", "--suspected-errors", "--unverified")
    assert isinstance(both.exception, InvalidInput)
    assert both.exception.field == "verified"
    assert reviews("relabel", "sentiment", "--limit", "0").exit_code == 2
    assert reviews("relabel", "sentiment", "--since", "yesterday").exit_code == 2


def test_the_history_marks_what_was_taken_back(store: Store, queue: ReviewQueue) -> None:
    put(store, "one")
    item = take(queue)
    assert "nobody has decided it yet" in said("history", item.id)
    queue.verdict(item.id, token=item.token, kind="reject", reviewer="ann", comment="[sic]")
    again = queue.undo_last("ann")
    queue.verdict(item.id, token=again.token, kind="confirm", reviewer="ann")
    told = said("history", item.id)
    assert "ann reject (taken back) – [sic]" in told
    assert "ann confirm positive" in told
    found = json.loads(said("history", item.id, "--json"))
    assert [each["undone"] for each in found] == [True, False]
    assert isinstance(reviews("history", "r-none").exception, NotFound)
