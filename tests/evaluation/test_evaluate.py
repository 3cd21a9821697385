"""An evaluation scores every case, counts what got no answer as wrong, and says what it did."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mood_cases import CHOICES, choice, jsonl, run_choices

from llmlabel.domain.answer import Span, SpansAnswer, TokensAnswer, TranscriptAnswer
from llmlabel.domain.document import Document, Transcript, sha256_of
from llmlabel.domain.prediction import Unit
from llmlabel.errors import InvalidAudio, MissingModel
from llmlabel.evaluation.cases import load
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.evaluation.run import evaluate


async def test_choices_are_scored_and_no_answer_is_wrong(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    report = await run_choices(tmp_path, scripted, guideline)
    assert (report.n, report.failures) == (5, 1)
    assert report.metrics["accuracy"] == pytest.approx(3 / 5)
    assert report.metrics["macro_f1"] == pytest.approx((4 / 5 + 2 / 4) / 2)
    assert report.metrics["coverage"] == pytest.approx(3 / 5)
    assert report.metrics["accepted_accuracy"] == pytest.approx(2 / 3)
    assert report.metrics["clause_coverage"] == 0.5
    assert report.metrics["auroc"] == pytest.approx(2 / 3)
    assert report.clauses_untested == ("T-2",)
    assert report.confusion is not None
    assert report.confusion.labels == ("negative", "positive")
    assert report.confusion.table == ((1, 1, 1), (0, 2, 0))
    assert [wrong.id for wrong in report.wrong] == ["4", "5"]
    assert report.wrong[1].answer is None
    assert report.models[0].failures == 1
    assert report.cost_usd == pytest.approx(2.5)
    assert report.interval is not None
    assert report.interval.low < 0.6 < report.interval.high
    assert report.throughput.documents_per_second > 0
    assert report.throughput.audio_seconds_per_second is None
    assert any("no answer" in note for note in report.notes)


async def test_cases_run_in_batches_after_a_warm_up(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    data = load(str(jsonl(tmp_path / "c.jsonl", CHOICES)), [])
    label, seen = scripted(choice), []
    await evaluate(data, guideline(), label, batch=2, limit=3, progress=seen.append)
    assert label.batches[1:] == [["good", "bad"], ["fine"]]
    assert seen == [2, 1]
    cold = scripted(choice)
    await evaluate(data, guideline(), cold, warm_up=False)
    assert [len(texts) for texts in cold.batches] == [5]


async def test_when_all_are_right_there_is_no_auroc_and_it_says_so(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    data = load(str(jsonl(tmp_path / "c.jsonl", CHOICES[:3])), [])
    report = await evaluate(data, guideline(), scripted(choice))
    assert report.metrics["auroc"] is None
    assert any("all answers are right" in note for note in report.notes)
    assert json.loads(report.model_dump_json())["metrics"]["auroc"] is None


async def test_what_stops_everything_is_raised(tmp_path: Path, guideline: Any) -> None:
    async def label(documents: Any, task: Any) -> Any:
        raise MissingModel("run `llmlabel models pull x`")

    data = load(str(jsonl(tmp_path / "c.jsonl", CHOICES)), [])
    with pytest.raises(MissingModel):
        await evaluate(data, guideline(), label)


SPANS = [
    {
        "text": "Ada met Bob in Rome",
        "entities": [
            {"start": 0, "end": 3, "label": "PER"},
            {"start": 8, "end": 11, "label": "PER"},
            {"start": 15, "end": 19, "label": "LOC"},
        ],
    },
    {"text": "Nothing here", "entities": []},
    {"text": "In May 🍎 Acme rose", "entities": [{"start": 9, "end": 13, "label": "MISC"}]},
]


def entities(text: str) -> Any:
    units = {
        "Ada met Bob in Rome": [(0, 3, "PERSON", 0.9), (15, 19, "PLACE", 0.8), (4, 7, "X", 0.3)],
        "In May 🍎 Acme rose": [(3, 6, "DATE", 0.9), (9, 13, "THING", 0.7)],
    }.get(text, [])
    spans = tuple(Span(start=s, end=e, label=name) for s, e, name, _ in units if name != "X")
    found = tuple(
        Unit(start=s, end=e, label=name, probability=p, kept=name != "X") for s, e, name, p in units
    )
    return SpansAnswer(spans=spans), 0.9, found


NAMES = {"PERSON": "PER", "PLACE": "LOC", "DATE": None, "THING": "MISC"}


async def test_spans_are_scored_under_the_datas_names(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    data = load(str(jsonl(tmp_path / "s.jsonl", SPANS)), [])
    task = guideline("spans", list(NAMES))
    report = await evaluate(data, task, scripted(entities), label_map=LabelMap(NAMES))
    assert report.metrics["span_precision"] == 1.0
    assert report.metrics["span_recall"] == pytest.approx(3 / 4)
    assert report.metrics["span_f1_strict"] == pytest.approx(6 / 7)
    assert report.metrics["exact_match"] == pytest.approx(2 / 3)
    assert report.metrics["unit_auroc"] is None
    assert "accuracy" not in report.metrics
    assert {score.label: score.recall for score in report.per_label} == {
        "LOC": 1.0,
        "MISC": 1.0,
        "PER": 0.5,
    }
    assert report.wrong[0].gold == "Ada [PER], Bob [PER], Rome [LOC]"


async def test_labels_of_the_data_mapped_to_null_are_not_scored(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    data = load(str(jsonl(tmp_path / "s.jsonl", SPANS)), [])
    task = guideline("spans", list(NAMES))
    names = LabelMap({**NAMES, "THING": None, "MISC": None})
    report = await evaluate(data, task, scripted(entities), label_map=names)
    assert {score.label for score in report.per_label} == {"PER", "LOC"}


async def test_tokens_are_scored_by_offset_and_tag(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    rows = [
        {
            "text": "Go home .",
            "tokens": [
                {"start": 0, "end": 2, "pos": "VERB"},
                {"start": 3, "end": 7, "pos": "ADV"},
                {"start": 8, "end": 9, "label": "PUNCT"},
            ],
        }
    ]

    def tags(text: str) -> Any:
        if text != "Go home .":
            return TokensAnswer(), 1.0, ()
        said = [(0, 2, "VERB", 0.9), (3, 7, "NOUN", 0.4), (8, 9, "PUNCT", 1.0)]
        tokens = tuple(Span(start=s, end=e, label=tag) for s, e, tag, _ in said)
        units = tuple(Unit(start=s, end=e, label=tag, probability=p) for s, e, tag, p in said)
        return TokensAnswer(tokens=tokens), 0.4, units

    data = load(str(jsonl(tmp_path / "t.jsonl", rows)), [])
    task = guideline("tokens", ["VERB", "ADV", "NOUN", "PUNCT"])
    report = await evaluate(data, task, scripted(tags))
    assert report.metrics["token_accuracy"] == pytest.approx(2 / 3)
    assert report.metrics["token_alignment"] == 1.0
    assert report.metrics["unit_auroc"] == 1.0
    assert report.metrics["exact_match"] == 0.0
    assert report.wrong[0].gold == "home [ADV]"
    assert report.wrong[0].answer == "home [NOUN]"


async def test_recordings_are_scored_and_a_broken_one_does_not_stop_the_others(
    tmp_path: Path, guideline: Any, label_of: Any
) -> None:
    for name in ("a.wav", "b.wav", "c.wav", "d.wav"):
        (tmp_path / name).write_bytes(b"RIFF")
    rows = [
        {"file": "a.wav", "transcript": "Twenty-one people came.", "language": "en"},
        {"file": "b.wav", "transcript": "they stayed for tea", "language": "en"},
        {"file": "c.wav", "transcript": "", "language": None},
        {"file": "d.wav", "transcript": None, "language": "en"},
    ]
    said = {"a.wav": "21 people came", "c.wav": ""}
    task = guideline("transcript", [], clauses=())

    async def transcribe(path: Path, id: str, language: str | None) -> Any:
        if path.name not in said:
            raise InvalidAudio("cut short")
        text = said[path.name]
        heard = Transcript(
            model="w",
            language="en",
            language_probability=1.0,
            duration_seconds=2.0,
            speech_seconds=1.0,
        )
        document = Document(id=id, text=text, text_sha256=sha256_of(text), transcript=heard)
        return document, label_of(document, task, (TranscriptAnswer(text=text), 0.9, ()))

    async def label(documents: Any, guideline: Any) -> Any:
        raise AssertionError("a recording is not labeled as a text")

    data = load(str(jsonl(tmp_path / "manifest.jsonl", rows)), [])
    assert data.unscored == 1
    report = await evaluate(data, task, label, transcribe=transcribe)
    assert report.metrics["wer"] == pytest.approx(4 / 7)
    assert report.metrics["silence_kept_empty"] == 1.0
    assert report.failures == 1
    assert report.throughput.audio_seconds_per_second is not None
    assert report.wrong[0].reason == "Invalid audio: cut short"
    assert "clause_coverage" not in report.metrics
