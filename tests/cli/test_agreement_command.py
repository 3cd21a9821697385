"""The command `agreement`, on a store and on a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from llmlabel.cli import agreement as command
from llmlabel.cli.main import app
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.errors import InvalidInput
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.review import ReviewQueue
from llmlabel.shipped import search_folders
from llmlabel.store import Store

REF = "sentiment@1.0.0"
ROWS = [
    {"task": f"t{n}", "worker": name, "label": "ab"[n % 2], "gold": "a"}
    for n in range(4)
    for name in ("ann", "bea")
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}", recordings=tmp_path / "r")
    yield store
    store.close()


@pytest.fixture(autouse=True)
def application(store: Store, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    guidelines = GuidelineLibrary(search_folders("guidelines"))
    made = SimpleNamespace(store=store, guidelines=guidelines)
    monkeypatch.setattr(command, "build", lambda settings: made)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "crowd.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def run(*words: object) -> str:
    found = CliRunner().invoke(
        app, ["agreement", *map(str, words)], catch_exceptions=False, env={"COLUMNS": "200"}
    )
    assert found.exit_code == 0, found.output
    return found.output


def test_a_guideline_without_panels_says_so() -> None:
    assert "nothing was answered by two people" in run("sentiment")
    told = json.loads(run("sentiment", "--json"))
    assert (told["guideline"], told["panels"], told["krippendorff"]) == (REF, 0, None)


def test_panels_are_told_with_their_pairs(store: Store, application: SimpleNamespace) -> None:
    for n in range(2):
        document = Document.of_text(f"text {n}", id=f"d{n}")
        store.documents.add([document], [REF])
        label = Label(
            document_id=document.id,
            text_sha256=document.text_sha256,
            guideline=REF,
            guideline_sha256="0" * 64,
            answer=ChoiceAnswer(label="positive"),
            confidence=Confidence(value=0.5, method="fake"),
            route=Route.REVIEW,
            reason="-",
            threshold=0.8,
            reviewers=2,
            created_at=datetime.now(UTC),
        )
        store.labels.save([label])
    queue = ReviewQueue(store, application.guidelines.get)
    said = {"ann": ("positive", "negative"), "bea": ("positive", "positive")}
    for name, labels in said.items():
        for item in queue.take(name, 2):
            answer = ChoiceAnswer(label=labels[int(item.document.id[1:])])
            queue.verdict(item.id, token=item.token, kind="correct", reviewer=name, answer=answer)
    shown = run("sentiment")
    assert "ann and bea" in shown
    assert "50.0%" in shown
    told = json.loads(run("sentiment", "--json"))
    assert (told["panels"], told["settled"]) == (2, 1)


def test_a_file_is_measured_and_its_consensus_written(file: Path, tmp_path: Path) -> None:
    told = json.loads(
        run("--file", file, "--consensus", "majority", "-o", tmp_path / "out.jsonl", "--json")
    )
    assert (told["tasks"], told["workers"], told["krippendorff"], told["cohen"]) == (4, 2, 1.0, 1.0)
    assert (told["consensus"], told["right"], told["tied"]) == ("majority", 0.5, 0)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert lines[0] == {"task": "t0", "label": "a", "probability": 1.0, "answers": 2}
    assert "100.0%" in run("--file", file, "--consensus", "majority")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Name a guideline, or a file"),
        (["sentiment", "--file", "x"], "one of the two"),
        (["sentiment", "--consensus", "mace"], "is for a --file"),
        (["--file", "FILE", "-o", "x"], "name a method"),
        (["--file", "FILE", "--consensus", "majority", "-o", "/"], "cannot be written"),
        (["--file", "FILE", "--scale", "ordinal"], "needs numbers, and `a` is none"),
    ],
)
def test_what_cannot_be_asked_is_explained(file: Path, words: list[str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        run(*[str(file) if word == "FILE" else word for word in words])
