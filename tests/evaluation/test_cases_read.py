"""Cases are read, named in every fault, and matched with what a guideline can say of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from mood_cases import CHOICES, choice, jsonl

from llmlabel.errors import InvalidInput, NotFound
from llmlabel.evaluation.cases import load
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.evaluation.run import evaluate
from llmlabel.evaluation.task import guideline_for, pick_examples, with_examples


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
