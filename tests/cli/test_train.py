"""The commands `train` and `audit` on real models and a real store."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from llmlabel.bootstrap import build
from llmlabel.cli.main import app
from llmlabel.domain.answer import ChoiceAnswer, Span, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.errors import InvalidInput, LlmlabelError, NotFound, UnknownGuideline
from llmlabel.settings import Settings
from llmlabel.store import Store

pytestmark = pytest.mark.models

POS = "pos@1.0.0"
WORDS = {
    "DET": ["the", "every"],
    "NOUN": ["dog", "cook", "train", "garden", "letter", "child", "boat", "cup"],
    "VERB": ["sees", "finds", "carries", "loses", "paints"],
    "ADV": ["quickly", "often", "again"],
}
PATTERN = ("DET", "NOUN", "VERB", "DET", "NOUN", "ADV")


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})


def shown(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return " ".join(result.output.split())


def refused(*words: str) -> LlmlabelError:
    result = run(*words)
    assert isinstance(result.exception, LlmlabelError), result.output
    return result.exception


def tagged(number: int) -> NewGold:
    choose = random.Random(number)
    text, tokens = "", []
    for label in PATTERN:
        word = choose.choice(WORDS[label])
        start = len(text) + bool(text)
        text = f"{text} {word}".strip()
        tokens.append(Span(start=start, end=start + len(word), label=label))
    return NewGold(document=Document.of_text(text), answer=TokensAnswer(tokens=tuple(tokens)))


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    opened = build(Settings()).store
    yield opened
    opened.close()


@pytest.fixture
def tags(store: Store) -> Store:
    made = {gold.document.text: gold for gold in map(tagged, range(90))}
    store.gold.add(list(made.values()), POS)
    return store


def test_a_guideline_is_trained_by_its_name_alone(tags: Store) -> None:
    said = shown("train", "pos")
    [row] = tags.trainings.list(POS)
    assert row.active
    narrow = CliRunner().invoke(app, ["train", "list"], env={"COLUMNS": "72"}).output
    assert row.id[:14] in narrow
    assert "in use" in narrow
    assert f"{POS} learned from {row.report['n']} of" in said
    assert "kept to certify" in said
    for word in ("accuracy", "ECE", "Brier", "AUROC", "AURC", "before", "after"):
        assert word in said
    assert "head joins" in said
    assert "llmlabel train rollback pos@1.0.0" in said


def test_options_may_stand_before_the_guideline(tags: Store) -> None:
    shown("train", "--no-student", "pos")
    [row] = tags.trainings.list(POS)
    assert row.report["head"] is False
    assert f"uses its labelers as they are; {row.id}" in shown("train", "rollback", "pos", "none")
    assert tags.trainings.active(POS, row.guideline_sha256) is None
    assert "nothing changes" in shown("train", "rollback", "pos", "none")
    assert row.id in shown("train", "rollback", "pos", row.id[:10])
    assert "in use" in shown("train", "list", "pos")
    assert "It is in use." in shown("train", "show", row.id[:10])
    assert json.loads(run("train", "show", row.id, "--json").output)["id"] == row.id


def test_what_was_declined_says_so_when_it_is_shown(tags: Store) -> None:
    shown("train", "pos")
    [row] = tags.trainings.list(POS)
    shown("train", "rollback", "pos", "none")
    assert "It is not in use." in shown("train", "show", row.id)
    tags.certificates.add(
        Certificate(
            id="c-1",
            guideline=POS,
            guideline_sha256=row.guideline_sha256,
            pipeline_sha256="",
            pipeline={"training": row.id},
            promise=Promise(error=0.05),
            loss="exact",
            n=90,
            threshold=0.9,
            observed_risk=0.0,
            bound=0.04,
            coverage=0.5,
            floor=0.0,
            status="declined",
            reason="it would accept 50% of the documents",
            created_at=row.created_at,
        )
    )
    said = shown("train", "show", row.id)
    assert "c-1 is declined: it would accept 50% of the documents." in said


def test_what_cannot_be_trained_says_why_and_is_listed(store: Store) -> None:
    error = refused("train", "run", "pos")
    assert isinstance(error, InvalidInput)
    assert "0 verified labels" in error.detail
    assert "At least 10 are needed" in error.detail
    assert "failed" in shown("train", "list")
    [row] = store.trainings.list()
    assert "At least 10" in shown("train", "show", row.id)


def test_what_does_not_exist_is_refused(store: Store) -> None:
    assert isinstance(refused("train", "no-such-task"), UnknownGuideline)
    assert isinstance(refused("train", "show", "t-none"), NotFound)
    assert isinstance(refused("train", "rollback", "pos", "t-none"), NotFound)
    assert "nothing to go back from" in refused("train", "rollback", "pos").detail
    assert "No training yet" in shown("train", "list")


def test_help_names_the_commands(home: Path) -> None:
    said = shown("train", "--help")
    for word in ("run", "list", "show", "rollback", "GUIDELINE"):
        assert word in said


FOOD = ["soup", "bread", "cheese", "dinner", "kitchen", "cake", "sauce", "apple"]
SPORT = ["match", "goal", "referee", "stadium", "race", "trophy", "team", "sprint"]
SAYS = ["I talked about the {}.", "They showed me a {} today.", "What a {}!", "The {} was large."]


@pytest.fixture
def moods(store: Store) -> Store:
    rows = [
        (each.format(word), label)
        for each in SAYS
        for label, words in (("positive", FOOD), ("negative", SPORT))
        for word in words
    ]
    wrong = {rows[3][0], rows[30][0]}
    store.gold.add(
        [
            NewGold(
                document=Document.of_text(text),
                answer=ChoiceAnswer(
                    label=label
                    if text not in wrong
                    else {"positive": "negative", "negative": "positive"}[label]
                ),
            )
            for text, label in rows
        ],
        build(Settings()).guidelines.get("sentiment").ref,
    )
    return store


def test_verified_labels_that_are_likely_wrong_come_first(moods: Store) -> None:
    result = run("audit", "labels", "sentiment", "--limit", "5", "--format", "jsonl")
    assert result.exit_code == 0, result.exception
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(found) == 5
    assert [each["quality"] for each in found] == sorted(each["quality"] for each in found)
    assert all(each["verified"] != each["suggested"] for each in found if each["likely"])
    wrong = {"I talked about the dinner.", "They showed me a team today."}
    assert wrong <= {each["text"] for each in found}


def test_imported_gold_cannot_be_queued_and_says_what_to_do(moods: Store) -> None:
    result = run("audit", "labels", "sentiment", "--queue")
    assert result.exit_code == 0, result.exception
    assert "import it again with --replace" in result.output
    assert "suggested" in result.output


def test_too_few_verified_labels_cannot_be_compared(store: Store) -> None:
    assert "at least 30" in refused("audit", "labels", "sentiment").detail
