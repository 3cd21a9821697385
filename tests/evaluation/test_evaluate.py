"""An evaluation scores every case, counts what got no answer as wrong, and says what it did."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from llmlabel.domain.answer import (
    ChoiceAnswer,
    Span,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.document import Document, Transcript, sha256_of
from llmlabel.domain.prediction import Unit
from llmlabel.errors import InvalidAudio, InvalidInput, MissingModel, NotFound
from llmlabel.evaluation import baseline as baselines
from llmlabel.evaluation.cases import load
from llmlabel.evaluation.html import render_html, write_report
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.evaluation.report import Report
from llmlabel.evaluation.run import evaluate
from llmlabel.evaluation.task import guideline_for, pick_examples, with_examples


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


CHOICES = [
    {"id": "1", "text": "good", "label": "positive", "clause": "T-1"},
    {"id": "2", "text": "bad", "label": "negative", "clause": "T-1"},
    {"id": "3", "text": "fine", "label": "positive"},
    {"id": "4", "text": "<b>poor</b> & worse", "label": "negative"},
    {"id": "5", "text": "silent", "label": "negative"},
]


def choice(text: str) -> Any:
    if text == "silent":
        return None, 0.0, ()
    answers = {"bad": ("negative", 0.9), "fine": ("positive", 0.6), "good": ("positive", 0.95)}
    label, confidence = answers.get(text, ("positive", 0.85))
    return ChoiceAnswer(label=label), confidence, ()


async def run_choices(tmp_path: Path, scripted: Any, guideline: Any, **more: Any) -> Report:
    data = load(str(jsonl(tmp_path / "c.jsonl", CHOICES)), [])
    return await evaluate(data, guideline(), scripted(choice), **more)


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


def test_a_bad_case_names_its_line_and_field(tmp_path: Path) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({"text": "x"}, "label"),
        ({"text": " ", "label": "a"}, "text"),
        ({"text": "x", "label": 3}, "label"),
        ({"text": "x", "entities": [{"start": 0, "end": 9, "label": "A"}]}, "entities[0]"),
        ({"text": "x", "entities": [{"start": 0, "label": "A"}]}, "entities[0]"),
        ({"text": "x", "entities": 3}, "entities"),
        ({"file": "none.wav", "transcript": "x"}, "file"),
        ({"id": "1", "text": "x", "label": "a"}, "id"),
    ]
    for row, field in bad:
        good = {"id": "1", "text": "ok", "label": "a"}
        if "entities" in row:
            good = {"id": "1", "text": "ok", "entities": []}  # type: ignore[dict-item]
        if "file" in row:
            (tmp_path / "a.wav").write_bytes(b"R")
            good = {"id": "1", "file": "a.wav", "transcript": "x"}
        path = jsonl(tmp_path / "c.jsonl", [good, row])
        with pytest.raises(InvalidInput, match=re.escape(f"{path}:2")) as caught:
            load(str(path), [])
        assert caught.value.field == field


def test_suites_are_found_by_name_and_split(tmp_path: Path) -> None:
    jsonl(tmp_path / "s" / "moods" / "test.jsonl", CHOICES[:2])
    jsonl(tmp_path / "s" / "moods" / "calibration.jsonl", CHOICES[2:])
    suites = [tmp_path / "missing", tmp_path / "s"]
    assert len(load("moods", suites).cases) == 2
    assert len(load("moods", suites, split="calibration").cases) == 3
    whole = load("moods", suites, split="all")
    assert (len(whole.cases), whole.is_suite) == (5, True)
    with pytest.raises(NotFound, match="Did you mean `moods`"):
        load("mood", suites)
    part = load("moods", suites, split="all", where={"label": "positive"})
    assert [case.id for case in part.cases] == ["3", "1"]


@pytest.mark.parametrize(
    ("names", "data", "told"),
    [
        ({}, ["PER", "ODD"], "`ODD`"),
        ({"PERSON": "PER"}, ["PER"], "`PLACE`"),
        ({"PERSON": "PER", "PLACE": None, "TYPO": "PER"}, ["PER"], "`TYPO`"),
        ({"PERSON": "PER", "PLACE": None}, ["PER", "LOC"], "`LOC`"),
    ],
)
def test_a_label_without_a_place_is_named(names: Any, data: list[str], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        LabelMap(names).check(["PERSON", "PLACE"], data)


def test_a_label_map_is_read_from_yaml_and_a_wrong_one_refused(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text("PERSON: PER\nDATE: null\n")
    names = LabelMap.read(file)
    assert (names.predicted("PERSON"), names.predicted("DATE")) == ("PER", None)
    assert names.guideline_label("PER") == "PERSON"
    file.write_text("- PERSON\n")
    with pytest.raises(InvalidInput, match="label map is an object"):
        LabelMap.read(file)
    with pytest.raises(InvalidInput, match="exactly one"):
        LabelMap({"A": "X", "B": "X"}).guideline_label("X")


async def test_an_answer_mapped_to_null_is_wrong_and_a_gold_one_left_out(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    data = load(str(jsonl(tmp_path / "c.jsonl", CHOICES[:4])), [])
    task = guideline(labels=["positive", "negative"])
    names = LabelMap({"positive": None, "negative": "negative"})
    report = await evaluate(data, task, scripted(choice), label_map=names)
    assert (report.n, report.unscored) == (2, 2)
    assert report.metrics["accuracy"] == 0.5


def test_a_guideline_is_made_of_the_datas_labels_or_restricted_to_them(
    tmp_path: Path, guideline: Any
) -> None:
    data = load(str(jsonl(tmp_path / "moods" / "test.jsonl", CHOICES)), [])
    made = guideline_for(data, None, labels_from_data=True)
    assert made.name == "moods"
    assert made.label_names == ("negative", "positive")
    base = guideline(labels=["positive", "neutral", "negative"])
    restricted = guideline_for(data, base, labels_from_data=True)
    assert restricted.label_names == ("positive", "negative")
    assert restricted.sha256 != base.sha256
    assert guideline_for(data, base) == base
    with pytest.raises(InvalidInput, match="--guideline"):
        guideline_for(data, None)
    with pytest.raises(InvalidInput, match="same kind"):
        guideline_for(data, guideline("spans"))


def test_worked_examples_are_balanced_and_never_from_what_is_scored(
    tmp_path: Path, guideline: Any
) -> None:
    scored = load(str(jsonl(tmp_path / "test.jsonl", CHOICES)), [])
    rows = [{"text": f"p{i}", "label": "positive"} for i in range(20)]
    rows += [{"text": f"n{i}", "label": "negative"} for i in range(3)]
    train = load(str(jsonl(tmp_path / "train.jsonl", rows)), [])
    examples = pick_examples(train, scored, 6, LabelMap())
    assert (
        sorted(example.label or "" for example in examples) == ["negative"] * 3 + ["positive"] * 3
    )
    assert examples == pick_examples(train, scored, 6, LabelMap())
    assert len(pick_examples(train, scored, 10, LabelMap())) == 10
    task = with_examples(guideline(), examples)
    assert task.examples == tuple(examples)
    assert task.sha256 != guideline().sha256
    with pytest.raises(InvalidInput, match="among those evaluated"):
        pick_examples(scored, scored, 2, LabelMap())
    with pytest.raises(InvalidInput, match="has 23"):
        pick_examples(train, scored, 24, LabelMap())


async def test_the_page_stands_alone_and_escapes_what_it_shows(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    report = await run_choices(tmp_path, scripted, guideline)
    as_json, as_html = write_report(report, tmp_path / "deep" / "out")
    assert Report.model_validate_json(as_json.read_bytes()) == report
    page = as_html.read_text()
    assert "<b>poor</b>" not in page
    assert "&lt;b&gt;poor&lt;/b&gt; &amp; worse" in page
    assert not re.search(r"""(src|href)\s*=|url\(|@import|<script|https?://""", page)
    assert page.count("<svg") == 4
    for word in ("accuracy", "T-1", "fake-1", "Wrong answers (2"):
        assert word in page
    parse(page)


def parse(page: str) -> None:
    """Every tag that opens closes."""
    from html.parser import HTMLParser

    stack: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            if tag not in {"meta", "br"}:
                stack.append(tag)

        def handle_startendtag(self, tag: str, attrs: Any) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert stack.pop() == tag

    Checker().feed(page)
    assert not stack


async def test_the_page_of_many_labels_shows_the_most_confused(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    names = [f"label-{i:03}" for i in range(60)]
    rows = [{"text": name, "label": name} for name in names]

    def answer(text: str) -> Any:
        return ChoiceAnswer(label="label-007"), 0.5, ()

    data = load(str(jsonl(tmp_path / "c.jsonl", rows)), [])
    page = render_html(await evaluate(data, guideline(labels=names), scripted(answer)))
    plot = page[page.index('aria-label="confusion matrix"') :]
    assert plot[: plot.index("</svg>")].count('class="name"') == 61
    parse(page)


async def test_a_baseline_is_kept_until_a_score_falls_behind_it(
    tmp_path: Path, scripted: Any, guideline: Any
) -> None:
    report = await run_choices(tmp_path, scripted, guideline)
    accepted = baselines.baseline_of(report)
    assert accepted.metrics["accuracy"] == pytest.approx(0.58)
    assert "auroc" not in accepted.metrics, "five answers rank by chance"
    assert accepted.models == ("fake-1",)
    path = tmp_path / "baselines" / "c.json"
    baselines.write_baseline(path, accepted)
    assert baselines.find_baseline([tmp_path, tmp_path / "baselines"], "c") == path
    assert baselines.read_baseline(path) == accepted
    assert baselines.missed(accepted, report) == []
    strict = accepted.model_copy(update={"metrics": {"accuracy": 0.7, "ece": 0.01, "wer": 0.1}})
    misses = {miss.metric: str(miss) for miss in baselines.missed(strict, report)}
    assert misses["accuracy"] == "accuracy is 0.6000, the baseline asks for 0.7000"
    assert set(misses) == {"accuracy", "ece", "wer"}
    other = accepted.model_copy(update={"guideline": "task@2.0.0"})
    assert "task@2.0.0" in (baselines.why_not_comparable(other, report) or "")
    path.write_text("{}")
    with pytest.raises(InvalidInput, match="--update-baseline"):
        baselines.read_baseline(path)
