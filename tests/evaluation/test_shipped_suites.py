"""The suites that come with llmlabel fit their guidelines and keep their parts apart."""

from __future__ import annotations

import pytest

from llmlabel.evaluation.cases import load
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.shipped import search_folders, shipped_folder

SUITES = ("sentiment", "intent", "ner", "pos", "transcription")


@pytest.mark.parametrize("name", SUITES)
def test_labels_and_clauses_are_the_guidelines_own(name: str) -> None:
    guideline = GuidelineLibrary(search_folders("guidelines")).get(name)
    suite = load(name, [shipped_folder("suites")], split="all")
    assert suite.kind == guideline.kind
    if suite.kind != "transcript":
        LabelMap().check(guideline.label_names, suite.labels)
        assert len(suite.cases) >= 60
    known = {clause.id for clause in guideline.clauses}
    for case in suite.cases:
        assert set(case.clauses) <= known, case.place
    assert all(case.clauses for case in suite.cases)


@pytest.mark.parametrize("name", SUITES)
def test_no_text_is_in_both_parts_or_among_the_examples(name: str) -> None:
    guideline = GuidelineLibrary(search_folders("guidelines")).get(name)
    parts = [
        {
            case.document.text if case.document else str(case.recording)
            for case in load(name, [shipped_folder("suites")], split=split).cases
        }
        for split in ("calibration", "test")
    ]
    assert not parts[0] & parts[1]
    assert not {example.text for example in guideline.examples} & (parts[0] | parts[1])
