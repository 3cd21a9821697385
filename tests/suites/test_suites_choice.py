"""The shipped suites of choices are well formed, balanced and cover their guideline."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from llmlabel.domain.document import Document
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.guidelines.lint import lint_folder
from llmlabel.prompts import PromptLibrary
from llmlabel.released import drafts, lock_path, released_files
from llmlabel.shipped import shipped_folder

NAMES = ("sentiment", "intent")
PARTS = ("calibration", "test")
GUIDELINES = GuidelineLibrary([shipped_folder("guidelines")])


def _cases(name: str, part: str) -> list[dict[str, Any]]:
    path = shipped_folder("suites") / name / f"{part}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _all(name: str) -> list[dict[str, Any]]:
    return [case for part in PARTS for case in _cases(name, part)]


@pytest.mark.parametrize("name", NAMES)
def test_a_case_has_an_id_a_text_a_label_and_a_clause(name: str) -> None:
    guideline = GUIDELINES.get(name)
    clauses = {clause.id for clause in guideline.clauses}
    for case in _all(name):
        assert set(case) == {"id", "text", "label", "clause"}, case
        assert case["label"] in guideline.label_names, case
        assert case["clause"] in clauses, case
        Document.of_text(case["text"])


@pytest.mark.parametrize("name", NAMES)
def test_no_case_is_given_twice_or_shown_as_an_example(name: str) -> None:
    cases = _all(name)
    shown = [example.text for example in GUIDELINES.get(name).examples]
    texts = Counter([case["text"].casefold() for case in cases] + [t.casefold() for t in shown])
    assert max(texts.values()) == 1, texts.most_common(1)
    assert max(Counter(case["id"] for case in cases).values()) == 1


@pytest.mark.parametrize(("name", "fewest"), [("sentiment", 80), ("intent", 100)])
def test_labels_are_in_balance_and_in_both_parts(name: str, fewest: int) -> None:
    labels = GUIDELINES.get(name).label_names
    assert len(_all(name)) >= fewest
    counts = Counter(case["label"] for case in _all(name))
    assert min(counts.values()) >= 3
    assert max(counts.values()) <= 2.5 * min(counts.values())
    for part in PARTS:
        assert {case["label"] for case in _cases(name, part)} == set(labels)


@pytest.mark.parametrize("name", NAMES)
def test_every_clause_is_tested(name: str) -> None:
    clauses = {clause.id for clause in GUIDELINES.get(name).clauses}
    assert clauses - {case["clause"] for case in _all(name)} == set()


@pytest.mark.parametrize("name", NAMES)
def test_an_example_of_the_body_names_only_clauses_and_labels_there_are(name: str) -> None:
    guideline = GUIDELINES.get(name)
    prefix = guideline.clauses[0].id.split("-")[0]
    known = {clause.id for clause in guideline.clauses}
    cited = {
        word.strip("`.,:;()|*") for word in guideline.body.split() if word.startswith(prefix + "-")
    }
    assert cited <= known


def test_shipped_guidelines_lint_clean_are_released_and_unchanged() -> None:
    folder = shipped_folder("guidelines")
    problems = lint_folder(folder, PromptLibrary([shipped_folder("prompts")]).refs())
    assert [str(problem) for problem in problems] == []
    draft = drafts(lock_path(folder, "guidelines"), dict(released_files(folder, ".md")))
    assert draft == [], "release with: llmlabel guidelines lint --update"


def test_shipped_files_lie_where_the_wheel_puts_them() -> None:
    wheel = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    for name in ("guidelines", "prompts", "suites", "baselines"):
        assert f'"llmlabel/_shipped/{name}"' in wheel
        assert shipped_folder(name).is_dir()
