"""The gold cases of `ner` and `pos` are well formed and cover their guidelines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmlabel.domain.guideline import Guideline

SUITES = Path(__file__).parents[2] / "eval" / "suites"


def cases(name: str) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for part in ("calibration", "test")
        for line in (SUITES / name / f"{part}.jsonl").read_text("utf-8").splitlines()
    ]


@pytest.mark.parametrize(("name", "key"), [("ner", "entities"), ("pos", "tokens")])
def test_a_suite_has_sixty_cases_each_with_its_own_id_and_text(name: str, key: str) -> None:
    rows = cases(name)
    assert len(rows) >= 60
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["text"] for row in rows}) == len(rows)
    assert all(set(row) == {"id", "text", key, "clause"} for row in rows)


@pytest.mark.parametrize("name", ["ner", "pos"])
def test_every_clause_is_tested(name: str, request: pytest.FixtureRequest) -> None:
    guideline: Guideline = request.getfixturevalue(name)
    assert {row["clause"] for row in cases(name)} == {clause.id for clause in guideline.clauses}


def test_entities_lie_in_order_in_their_text_and_have_known_labels(ner: Guideline) -> None:
    for row in cases("ner"):
        end = 0
        for entity in row["entities"]:
            assert end <= entity["start"] < entity["end"] <= len(row["text"]), row["id"]
            surface = row["text"][entity["start"] : entity["end"]]
            assert surface == surface.strip(), row["id"]
            assert entity["label"] in ner.label_names
            end = entity["end"]


def test_every_label_has_a_case(ner: Guideline, pos: Guideline) -> None:
    used = {entity["label"] for row in cases("ner") for entity in row["entities"]}
    assert used == set(ner.label_names)
    tags = {token["pos"] for row in cases("pos") for token in row["tokens"]}
    assert tags == set(pos.label_names)


def test_tokens_are_the_text_without_its_white_space() -> None:
    for row in cases("pos"):
        words = "".join(row["text"][t["start"] : t["end"]] for t in row["tokens"])
        assert words == "".join(row["text"].split()), row["id"]
