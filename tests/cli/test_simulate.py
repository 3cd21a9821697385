"""`llmlabel simulate` labels once, replays often, and says which option is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from moods import LABELS, MOODS, Run, applications, runner
from numpy.typing import NDArray

from llmlabel.cli.simulate import simulate
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.errors import InvalidInput
from llmlabel.settings import Settings


class WordsApplication:
    """Labels with the word of the text; every tenth text misleads it."""

    asked = 0

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.guidelines = SimpleNamespace(get=lambda _: MOODS)
        self.pipeline = self
        self.embedder = self
        self.closed = False

    def base_steps(self, guideline: Guideline) -> tuple[str, ...]:
        return ("words",)

    def identity(self, guideline: Guideline) -> dict[str, Any]:
        return {"guideline_sha256": guideline.sha256, "training": str(WordsApplication.asked)}

    async def predict(
        self, documents: Sequence[Document], guideline: Guideline, steps: Sequence[str]
    ) -> list[list[Prediction]]:
        assert steps == ("words",)
        WordsApplication.asked += len(documents)
        return [[self._said(document, guideline)] for document in documents]

    def _said(self, document: Document, guideline: Guideline) -> Prediction:
        named = next(name for name in guideline.label_names if name in document.text)
        names = list(guideline.label_names)
        wrong = document.text.endswith("9")
        label = names[(names.index(named) + wrong) % len(names)]
        confidence = 0.6 if wrong else 0.95
        return Prediction(
            answer=ChoiceAnswer(label=label),
            probability=confidence,
            scores={n: confidence if n == label else (1 - confidence) / 2 for n in names},
            source=Source(labeler="llm", model="words"),
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = [[float(n in text) + 0.01 for n in LABELS] for text in texts]
        vectors = np.array(rows, np.float32)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    made = applications(WordsApplication, monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(WordsApplication, "asked", 0)
    write(tmp_path / "gold.jsonl", 0, 120)
    write(tmp_path / "history.jsonl", 200, 400)
    return runner(simulate, made)


def write(path: Path, start: int, end: int, label: str | None = None) -> None:
    rows = []
    for number in range(start, end):
        named = LABELS[number // 7 % 3]
        rows.append({"id": f"r{number}", "text": f"{named} {number}", "label": label or named})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_it_prints_the_policies_and_writes_a_report(run: Run, tmp_path: Path) -> None:
    code, printed, said = run(
        *("--gold", "gold.jsonl", "-g", "moods", "--history", "history.jsonl"),
        *("--orders", "3", "--report", "out", "--promise", "delivered:0.1:0.9"),
    )
    assert code == 0
    for name in ("promise", "no_student", "threshold_0.9", "random", "all_human"):
        assert name in printed
    assert "out/report.json" in said
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert (report["n"], report["history"], report["orders"]) == (120, 200, 3)
    assert report["options"]["promise"] == "delivered:0.1:0.9"
    assert report["policies"]["promise"]["saved"] > 0.5
    assert (tmp_path / "out" / "report.html").read_text().startswith("<!doctype html>")


def test_a_second_run_asks_no_labeler_whatever_was_trained_meanwhile(run: Run) -> None:
    arguments = ("--gold", "gold.jsonl", "--labels-from-data", "--orders", "1", "--format", "json")
    _, first, _ = run(*arguments)
    assert WordsApplication.asked == 120
    _, second, _ = run(*arguments)
    assert WordsApplication.asked == 120
    assert json.loads(first)["policies"] == json.loads(second)["policies"]


def test_texts_shared_with_the_history_are_dropped_with_a_note(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "history.jsonl", 100, 300)
    _, printed, _ = run(
        *("--gold", "gold.jsonl", "-g", "moods", "--history", "history.jsonl", "--orders", "1"),
    )
    assert "20 texts of the history occur in the gold too" in printed
    assert "after 180 verified documents" in printed


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--orders", "0"], "--orders"),
        (["--reviewer-error", "1"], "--reviewer-error"),
        (["--reviewer-error", "nan"], "--reviewer-error"),
        (["--promise", "delivered:5:95"], "--promise"),
        (["--promise", "delivered:0:0.95"], "--promise"),
        (["--audit", "1.5"], "--audit"),
        (["--limit", "0"], "--limit"),
        (["--limit", "49"], "--gold gives 49 documents"),
        (["--history", "gold.jsonl"], "--history"),
        (["--history", "odd.jsonl"], "--history"),
        (["--history", "cut.jsonl"], "--history"),
    ],
)
def test_what_cannot_be_simulated_is_refused_by_option(
    run: Run, tmp_path: Path, arguments: list[str], named: str
) -> None:
    write(tmp_path / "odd.jsonl", 500, 560, label="furious")
    (tmp_path / "cut.jsonl").write_text('{"text": "glad", "lab')
    with pytest.raises(InvalidInput, match=named):
        run("--gold", "gold.jsonl", "-g", "moods", *arguments)
    assert WordsApplication.asked == 0


def test_a_gold_label_that_the_guideline_does_not_have_is_named(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "gold.jsonl", 0, 60, label="furious")
    with pytest.raises(InvalidInput, match=r"--gold: .*gold.jsonl:1: .*'furious'"):
        run("--gold", "gold.jsonl", "-g", "moods")


def test_without_a_guideline_the_labels_must_come_from_the_data(run: Run) -> None:
    with pytest.raises(InvalidInput, match="--guideline"):
        run("--gold", "gold.jsonl")
