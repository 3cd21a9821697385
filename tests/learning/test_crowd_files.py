"""Answers of many people from a file: read with every fault named, measured as published."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from llmlabel.errors import InvalidInput, NotFound
from llmlabel.learning.crowd import crowd_agreement, read_crowd, share_right
from llmlabel.review.consensus import Said, consensus


@pytest.fixture
def lines(tmp_path: Path) -> Any:
    def write(*rows: object) -> Path:
        path = tmp_path / "crowd.jsonl"
        text = (row if isinstance(row, str) else json.dumps(row) for row in rows)
        path.write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
        return path

    return write


def test_both_names_of_a_field_are_read_and_numbers_are_labels(lines: Any) -> None:
    file = read_crowd(
        lines(
            {"task": "t1", "worker": "ann", "label": "a"},
            "",
            {"item": 7, "reviewer": "bea", "label": 3.0, "gold": "3", "text": "ignored"},
        )
    )
    assert file.said == (Said("t1", "ann", "a"), Said("7", "bea", "3"))
    assert file.gold == {"7": "3"}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", r"crowd.jsonl:2: not JSON"),
        ({"task": "t", "worker": "ann"}, r"crowd.jsonl:2: `label` is missing"),
        ({"worker": "ann", "label": "a"}, r"crowd.jsonl:2: `task` is missing"),
        ({"task": "t", "worker": None, "label": "a"}, r"crowd.jsonl:2: `worker` is missing"),
        ({"task": "t", "worker": "w", "label": ["a"]}, r"crowd.jsonl:2: `label` must be a string"),
        ({"task": "t", "worker": "ann", "label": "b"}, r"crowd.jsonl:2: `ann` labels `t` again"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(lines: Any, row: object, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_crowd(lines({"task": "t", "worker": "ann", "label": "a"}, row))


def test_no_file_and_an_empty_one_are_told_apart(lines: Any, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file .*none.jsonl"):
        read_crowd(tmp_path / "none.jsonl")
    with pytest.raises(InvalidInput, match="is empty"):
        read_crowd(lines(""))


def test_two_people_have_a_kappa_and_what_is_not_defined_says_why() -> None:
    said = [Said(f"t{i}", name, "ab"[i % 2]) for i in range(4) for name in ("ann", "bea")]
    found = crowd_agreement(said)
    assert (found.tasks, found.workers, found.answers, found.labels) == (4, 2, 8, 2)
    assert (found.krippendorff, found.fleiss, found.cohen, found.reasons) == (1.0, 1.0, 1.0, {})
    more = crowd_agreement([*said, Said("t0", "cy", "a")])
    assert (more.fleiss, more.cohen) == (None, None)
    assert "from 2 to 3 people" in more.reasons["fleiss"]
    assert "there are 3" in more.reasons["cohen"]


def test_a_scale_of_numbers_refuses_words() -> None:
    said = [
        Said("t", "ann", "1"),
        Said("t", "bea", "9"),
        Said("u", "ann", "5"),
        Said("u", "b", "5"),
    ]
    nominal, interval = crowd_agreement(said), crowd_agreement(said, "interval")
    assert nominal.krippendorff is not None
    assert interval.krippendorff is not None
    with pytest.raises(InvalidInput, match="`good` is none"):
        crowd_agreement([Said("t", "ann", "good"), Said("t", "bea", "1")], "ordinal")


def test_a_consensus_is_judged_only_where_the_right_label_is_known() -> None:
    agreed = consensus([Said("t", "ann", "a"), Said("u", "ann", "b")], "majority").agreed
    assert share_right(agreed, {"t": "a", "u": "a"}) == 0.5
    assert share_right(agreed, {"t": "a"}) == 1.0
    assert share_right(agreed, {}) is None


@pytest.mark.data
def test_the_crowd_sets_come_to_their_reference_values(data_folder: Path) -> None:
    measurement = importlib.import_module("eval.agreement")
    for each in measurement.SETS:
        assert measurement.measure(data_folder, each).off == [], each.name
