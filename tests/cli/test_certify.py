"""The commands `certify` and `quality` on a real store, with a labeler that is always sure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result
from typer.testing import CliRunner

from llmlabel.cli import certify as command
from llmlabel.cli.main import app
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold, part_of
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.errors import Conflict, InvalidInput, UnknownGuideline
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.learning.certification import Certification
from llmlabel.learning.watch import Watch
from llmlabel.pipeline import Pipeline
from llmlabel.routing import RawJudge, Routing, Step
from llmlabel.shipped import search_folders
from llmlabel.store import Store

REF = "sentiment@1.0.0"
PROMISE = "delivered:0.05:0.95"


class Positive:
    """Says `positive` of everything, as sure as told."""

    name = "llm"

    async def predict(
        self, documents: list[Document], guideline: Guideline, earlier: object = ()
    ) -> list[Prediction]:
        return [
            Prediction(
                answer=ChoiceAnswer(label="positive"),
                probability=0.9,
                method="fake",
                source=Source(labeler="llm", model="fake"),
            )
            for _ in documents
        ]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}", recordings=tmp_path / "r")
    yield store
    store.close()


@pytest.fixture(autouse=True)
def application(store: Store, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The application, real but for its labeler."""
    guidelines = GuidelineLibrary(search_folders("guidelines"))
    steps = (Step(Positive()),)  # type: ignore[arg-type]

    def routing_for(guideline: Guideline) -> Routing:
        return Routing(steps=steps, judge=RawJudge())

    async def close() -> None:
        """The store outlives a command here."""

    made = SimpleNamespace(
        store=store,
        guidelines=guidelines,
        watch=Watch(store, guidelines.get),
        promise_for=lambda guideline: None,
        close=close,
    )
    made.certify = Certification(
        lambda: store,
        Pipeline(routing_for),
        guidelines.get,
        routing_for=lambda guideline, training: routing_for(guideline),
        identity=lambda guideline, training: {"labelers": ["fake"]},
        promise_for=lambda guideline: made.promise_for(guideline),  # noqa: PLW0108 - a test changes it
        promised_elsewhere=lambda guideline: made.promise_for(guideline),  # noqa: PLW0108
    )
    monkeypatch.setattr(command, "build", lambda settings: made)
    monkeypatch.setattr("llmlabel.cli.quality.build", lambda settings: made)
    return made


def give_gold(store: Store, n: int, wrong: int = 0) -> None:
    texts = (Document.of_text(f"gold {i}") for i in range(10 * n))
    documents = [each for each in texts if part_of(each.text_sha256) == "certify"][:n]
    store.gold.add(
        [
            NewGold(
                document=each,
                answer=ChoiceAnswer(label="negative" if place < wrong else "positive"),
            )
            for place, each in enumerate(documents)
        ],
        REF,
    )


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})


def test_a_certificate_is_told_in_a_sentence_and_numbers(store: Store) -> None:
    give_gold(store, 200, wrong=2)
    result = run("certify", "sentiment", "--promise", PROMISE)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "of all labels delivered, at most 0.05 are wrong, with probability 0.95" in said
    assert "200 documents, attempt 1" in said
    assert "wrong on the gold 1%" in said
    assert "Assumed: " in said
    active = store.certificates.active(REF)
    assert active is not None
    assert active.id in said


def test_gold_that_proves_nothing_ends_with_3_and_says_what_to_do(store: Store) -> None:
    give_gold(store, 30)
    result = run("certify", "sentiment", "--promise", PROMISE)
    assert result.exit_code == 3
    said = " ".join(result.output.split())
    assert "Nothing is certified" in said
    assert "at least 72 are needed" in said
    assert "a first try, with about 105 labels more" in said
    assert "rate of errors" not in said  # none was looked at
    assert "llmlabel gold import FILE -g sentiment@1.0.0" in said


def test_answers_that_are_too_often_wrong_are_not_helped_by_gold(store: Store) -> None:
    give_gold(store, 200, wrong=60)
    result = run("certify", "sentiment", "--promise", PROMISE)
    assert result.exit_code == 3
    assert "only better answers help" in " ".join(result.output.split())


def test_programs_get_json(store: Store) -> None:
    give_gold(store, 100)
    result = run("certify", "sentiment", "--promise", PROMISE, "--json")
    found = json.loads(result.output)
    assert found["status"] == "active"
    assert Certificate.model_validate(found).threshold is not None


def test_without_a_promise_it_says_how_to_give_one(application: SimpleNamespace) -> None:
    result = run("certify", "sentiment")
    assert isinstance(result.exception, InvalidInput)
    assert "--promise" in result.exception.detail
    application.promise_for = lambda guideline: Promise.parse(PROMISE)
    assert run("certify", "sentiment").exit_code == 3


def test_a_promise_that_cannot_be_meant_is_refused() -> None:
    result = run("certify", "sentiment", "--promise", "delivered:0:0.95")
    assert isinstance(result.exception, InvalidInput)
    assert isinstance(run("certify", "nothing", "--promise", PROMISE).exception, UnknownGuideline)


def test_quality_of_an_empty_home_says_how_to_begin() -> None:
    result = run("quality")
    assert result.exit_code == 0, result.output
    assert "llmlabel gold import" in result.output
    named = " ".join(run("quality", "sentiment").output.split())
    assert "nothing is promised" in named
    assert "not known before the first audit" in named


def test_quality_tells_of_certificate_and_gate(store: Store) -> None:
    give_gold(store, 200)
    run("certify", "sentiment", "--promise", PROMISE)
    said = " ".join(run("quality").output.split())
    assert "sentiment@1.0.0: certified" in said
    assert "accepts from" in said
    store.gates.close(REF, "The promise was found broken.")
    said = " ".join(run("quality").output.split())
    assert "gate closed" in said
    assert said.count("The promise was found broken.") == 1
    [found] = json.loads(run("quality", "sentiment", "--json").output)
    assert found["state"] == "closed"


def test_a_withdrawn_promise_gives_the_threshold_its_say_again(store: Store) -> None:
    give_gold(store, 200, wrong=2)
    assert run("certify", "sentiment", "--promise", PROMISE).exit_code == 0
    result = run("certify", "sentiment", "--withdraw")
    assert result.exit_code == 0, result.output
    assert "promised of sentiment@1.0.0 no longer" in result.output
    assert store.certificates.stated("sentiment@1.0.0") is None
    assert store.certificates.active("sentiment@1.0.0") is None
    assert "nothing changes" in run("certify", "sentiment", "--withdraw").output


def test_what_is_promised_elsewhere_counts_again_after_a_promise_was_withdrawn(
    store: Store, application: SimpleNamespace
) -> None:
    give_gold(store, 200)
    assert run("certify", "sentiment", "--promise", "accepted:0.1:0.9").exit_code == 0
    application.promise_for = lambda guideline: Promise.parse(PROMISE)
    said = " ".join(run("certify", "sentiment", "--withdraw").output.split())
    assert "accepted:0.1:0.9 is promised of sentiment@1.0.0 no longer" in said
    assert f"but {PROMISE} is" in said
    both = run("certify", "sentiment", "--withdraw", "--promise", PROMISE).exception
    assert isinstance(both, InvalidInput)
    again = run("certify", "sentiment", "--withdraw").exception
    assert isinstance(again, Conflict)


def test_mistakes_of_reviewers_are_taken_off_where_that_is_asked_and_from_then_on(
    store: Store,
) -> None:
    give_gold(store, 200)
    result = run("certify", "sentiment", "--promise", PROMISE, "--reviewer-error")
    assert result.exit_code == 3, "nobody decided hidden gold"
    assert "hidden gold" in result.output
    again = run("certify", "sentiment", "--promise", PROMISE)
    assert again.exit_code == 3, "as the last time"
    plain = run("certify", "sentiment", "--promise", PROMISE, "--no-reviewer-error")
    assert plain.exit_code == 0, plain.output
    assert "How often reviewers err was not measured" in " ".join(plain.output.split())
    assert run("certify", "sentiment", "--promise", PROMISE).exit_code == 0
