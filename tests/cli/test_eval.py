"""`llmlabel eval` prints scores, writes reports and fails when a baseline is missed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from moods import MOODS, Run, applications, runner

from llmlabel.cli.eval import eval_command
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.errors import InvalidInput, NotFound
from llmlabel.settings import Settings


class WordsApplication:
    """Answers with the label that the text names; with the last one offered where none."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.guidelines = self
        self.seen: list[Guideline] = []
        self.closed = False

    def get(self, ref: str) -> Guideline:
        assert ref in {"moods", "moods@1.0.0"}
        return MOODS

    async def label(self, documents: Sequence[Document], guideline: Guideline) -> list[Label]:
        self.seen.append(guideline)
        return [self._label(document, guideline) for document in documents]

    def _label(self, document: Document, guideline: Guideline) -> Label:
        named = [name for name in guideline.label_names if name in document.text]
        answer = ChoiceAnswer(label=(named or guideline.label_names)[-1])
        confidence = 0.9 if named else 0.4
        source = Source(labeler="llm", model=self.settings.llm)
        return Label(
            document_id=document.id,
            text_sha256=document.text_sha256,
            guideline=guideline.ref,
            guideline_sha256=guideline.sha256,
            answer=answer,
            confidence=Confidence(value=confidence, method="words"),
            route=Route.ACCEPTED if named else Route.REVIEW,
            reason="named" if named else "not named",
            threshold=0.5,
            opinions=(Prediction(answer=answer, probability=confidence, source=source),),
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )

    async def transcribe(self, path: Path, **_: Any) -> Any:
        raise AssertionError("there is no recording here")

    async def close(self) -> None:
        self.closed = True


@pytest.fixture(name="applications")
def _applications(monkeypatch: pytest.MonkeyPatch) -> list[WordsApplication]:
    return applications(WordsApplication, monkeypatch)


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, applications: list[WordsApplication]
) -> Run:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "eval/suites/moods/test.jsonl", ["glad", "sad", "calm", "sad?"])
    write(tmp_path / "eval/suites/moods/calibration.jsonl", ["glad", "sad"])
    return runner(eval_command, applications)


def write(path: Path, names: Sequence[str]) -> Path:
    """Cases whose text names the label, but for those with a question mark."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": f"{path.stem}-{i}",
            "text": f"unclear {path.stem} {i}" if "?" in name else f"so {name} {path.stem} {i}",
            "label": name.strip("?"),
        }
        for i, name in enumerate(names)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_suite_is_scored_with_its_own_guideline(run: Run) -> None:
    code, out, _ = run("moods")
    assert code == 0
    assert "moods@1.0.0" in out
    assert "0.7500" in out
    assert "wrong: 1" in out


def test_the_report_is_written_and_printed_as_json(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("moods", "--format", "json", "--report", "out", "--split", "all")
    assert code == 0
    printed = json.loads(out)
    assert printed["metrics"]["accuracy"] == pytest.approx(5 / 6)
    assert printed["throughput"]["documents_per_second"] > 0
    assert printed["throughput"]["audio_seconds_per_second"] is None
    assert json.loads((tmp_path / "out/report.json").read_text()) == printed
    assert (tmp_path / "out/report.html").read_text().startswith("<!doctype html>")


def test_a_missed_baseline_ends_with_1_and_names_metric_value_and_limit(
    run: Run, tmp_path: Path
) -> None:
    assert run("moods", "--update-baseline")[0] == 0
    path = tmp_path / "eval/baselines/moods.json"
    accepted = json.loads(path.read_text())
    assert accepted["guideline"] == "moods@1.0.0"
    assert accepted["metrics"]["accuracy"] == pytest.approx(0.73)
    code, _, err = run("moods")
    assert (code, "Baseline kept" in err) == (0, True)
    accepted["metrics"]["accuracy"] = 0.9
    path.write_text(json.dumps(accepted))
    code, _, err = run("moods")
    assert code == 1
    assert "accuracy is 0.7500, the baseline asks for 0.9000" in err
    assert run("moods", "--no-baseline")[0] == 0
    code, _, err = run("moods", "--limit", "1")
    assert code == 0
    assert "not compared" in err
    accepted["metrics"]["accuracy"] = 1.1
    path.write_text(json.dumps(accepted))
    assert run("moods", "--limit", "1", "--baseline")[0] == 1


def test_a_baseline_of_another_guideline_or_part_is_not_compared(run: Run, tmp_path: Path) -> None:
    run("moods", "--update-baseline")
    code, _, err = run("moods", "--split", "calibration")
    assert code == 0
    assert "about the test part" in err
    with pytest.raises(InvalidInput, match="whole suite"):
        run("moods", "--update-baseline", "--limit", "2")


def test_a_calibration_run_suggests_a_threshold(run: Run) -> None:
    _, out, _ = run("moods", "--split", "calibration")
    assert "Suggested threshold: 0.9000" in out


def test_a_file_is_scored_with_labels_made_of_its_own(
    run: Run, tmp_path: Path, applications: list[WordsApplication]
) -> None:
    write(tmp_path / "more.jsonl", ["glad", "sad", "glad"])
    code, out, _ = run("more.jsonl", "--labels-from-data", "--llm", "other/model")
    assert code == 0
    assert "more@0.0.0" in out
    assert applications[-1].seen[-1].label_names == ("glad", "sad")
    assert applications[-1].settings.llm == "other/model"
    run("more.jsonl", "--labels-from-data", "-g", "moods")
    assert applications[-1].seen[-1].name == "moods"
    assert applications[-1].seen[-1].label_names == ("glad", "sad")
    with pytest.raises(InvalidInput, match="--guideline"):
        run("more.jsonl")


def test_foreign_labels_need_a_map(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "foreign.jsonl"
    path.write_text('{"text": "so glad", "label": "POS"}\n{"text": "so sad", "label": "NEG"}\n')
    with pytest.raises(InvalidInput, match="--label-map"):
        run("foreign.jsonl", "-g", "moods")
    (tmp_path / "map.yaml").write_text("glad: POS\nsad: NEG\ncalm: null\n")
    code, out, _ = run("foreign.jsonl", "-g", "moods", "--label-map", "map.yaml")
    assert code == 0
    assert "1.0000" in out


def test_worked_examples_come_from_another_file(
    run: Run, tmp_path: Path, applications: list[WordsApplication]
) -> None:
    write(tmp_path / "train.jsonl", ["glad", "glad", "sad", "calm", "calm"])
    run("moods", "--examples", "train.jsonl", "--shots", "3")
    shown = applications[-1].seen[-1].examples
    assert {example.label for example in shown} == {"glad", "sad", "calm"}
    with pytest.raises(InvalidInput, match="among those evaluated"):
        run("moods", "--examples", "eval/suites/moods/test.jsonl")
    with pytest.raises(InvalidInput, match="--examples"):
        run("moods", "--shots", "3")


def test_what_does_not_exist_is_said_with_what_does(run: Run) -> None:
    with pytest.raises(NotFound, match="Did you mean `moods`"):
        run("mods")
    with pytest.raises(InvalidInput, match="FIELD=VALUE"):
        run("moods", "--where", "label")
    _, out, _ = run("moods", "--where", "label=sad", "--format", "json")
    assert json.loads(out)["n"] == 2


@pytest.mark.models
def test_the_real_application_tags_words(tmp_path: Path, model_store: Any) -> None:
    assert model_store.path("en_core_web_sm").is_dir()
    words = [(0, 3, "DET"), (4, 7, "NOUN"), (8, 14, "VERB"), (14, 15, "PUNCT")]
    tokens = [{"start": start, "end": end, "pos": tag} for start, end, tag in words]
    (tmp_path / "tags.jsonl").write_text(
        json.dumps({"text": "The dog barked.", "tokens": tokens}) + "\n"
    )
    asked = (str(tmp_path / "tags.jsonl"), "-g", "pos", "--format", "json")
    code, out, _ = runner(eval_command, [])(*asked)
    assert code == 0
    report = json.loads(out)
    assert report["metrics"]["token_accuracy"] == 1.0
    assert report["models"][0]["labeler"] == "spacy"
