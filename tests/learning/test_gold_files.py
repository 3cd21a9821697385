from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.guideline import Guideline
from llmlabel.errors import InvalidInput, NotFound, Unsupported
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.learning.gold import gold_lines, import_gold, read_gold
from llmlabel.shipped import search_folders, shipped_folder
from llmlabel.store import Store


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", recordings=tmp_path / "sound")
    yield store
    store.close()


def task(name: str = "sentiment") -> Guideline:
    return GuidelineLibrary(search_folders("guidelines")).get(name)


def write(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    )
    return path


def good(n: int, label: str | None = "positive") -> dict[str, Any]:
    return {"text": f"text {n}", "label": label}


@pytest.mark.parametrize("name", ["sentiment", "ner", "pos", "intent"])
def test_what_is_exported_can_be_imported_again(name: str, kept: Store, tmp_path: Path) -> None:
    suite = shipped_folder("suites") / name / "test.jsonl"
    done = import_gold(kept, task(name), suite)
    assert done.added > 20
    lines = list(gold_lines(kept.gold.items(task(name).ref)))
    again = import_gold(kept, task(name), write(tmp_path / "out.jsonl", *lines))
    assert (again.added, again.known) == (0, done.added)


def test_a_null_says_that_no_right_answer_exists_and_survives_an_export(
    kept: Store, tmp_path: Path
) -> None:
    import_gold(kept, task(), write(tmp_path / "g.jsonl", good(1), good(2, None)))
    assert [item.answer for item in kept.gold.items("sentiment")] == [
        ChoiceAnswer(label="positive"),
        None,
    ]
    lines = list(gold_lines(kept.gold.items("sentiment")))
    assert lines[1]["label"] is None
    assert import_gold(kept, task(), write(tmp_path / "h.jsonl", *lines)).known == 2


def test_every_bad_line_is_named_and_nothing_is_imported(kept: Store, tmp_path: Path) -> None:
    path = write(
        tmp_path / "g.jsonl",
        good(1),
        {"text": "a", "label": "positiv"},
        "not json",
        "[1]",
        {"text": "b"},
        {"text": " ", "label": "positive"},
        {"text": 5, "label": None},
        {"text": "c", "label": "positive", "language": 7},
        {"label": "positive"},
    )
    with pytest.raises(InvalidInput) as caught:
        import_gold(kept, task(), path)
    summary, *lines = caught.value.detail.splitlines()
    assert "8 lines" in summary and "--skip-bad" in summary
    assert [line.split(":")[1] for line in lines] == [str(n) for n in range(2, 10)]
    assert "Did you mean `positive`?" in lines[0]
    assert kept.gold.items() == []
    done = import_gold(kept, task(), path, skip_bad=True)
    assert (done.added, len(done.problems)) == (1, 8)


@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        ("ner", {"text": "Anna", "entities": [{"start": 0, "end": 9, "label": "PERSON"}]}, "to 9"),
        ("ner", {"text": "Anna", "entities": [{"start": 2, "end": 2, "label": "PERSON"}]}, "2 to"),
        ("ner", {"text": "Anna", "entities": [{"start": 0.5, "end": 4, "label": "PERSON"}]}, "0.5"),
        ("ner", {"text": "Anna", "entities": [{"start": "0", "end": 4, "label": "PERSON"}]}, "'0'"),
        ("ner", {"text": "Anna", "entities": [["PERSON", 0, 4]]}, "whole numbers"),
        ("ner", {"text": "Anna", "entities": [{"start": 0, "end": 4, "label": "PERSN"}]}, "PERSON"),
        (
            "ner",
            {"text": "Anna", "entities": [{"start": 0, "end": 4, "label": "PERSON"}] * 2},
            "tw",
        ),
        ("pos", {"text": "Go on", "tokens": [{"start": 0, "end": 9, "pos": "VERB"}]}, "to 9"),
        (
            "pos",
            {
                "text": "Go on",
                "tokens": [
                    {"start": 0, "end": 3, "pos": "VERB"},
                    {"start": 2, "end": 5, "pos": "ADV"},
                ],
            },
            "overlaps",
        ),
    ],
)
def test_units_that_do_not_fit_the_text_or_the_guideline_are_refused(
    name: str, row: dict[str, Any], said: str, kept: Store, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"g\.jsonl:1") as caught:
        import_gold(kept, task(name), write(tmp_path / "g.jsonl", row))
    assert said in caught.value.detail


def test_exact_duplicates_are_counted_and_harmless(kept: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "g.jsonl", good(1), good(2), good(1), good(1))
    done = import_gold(kept, task(), path)
    assert (done.added, done.repeats, done.problems) == (2, 2, ())


def test_lines_that_contradict_each_other_are_both_named_and_neither_is_imported(
    kept: Store, tmp_path: Path
) -> None:
    path = write(tmp_path / "g.jsonl", good(1), good(2), good(1, "negative"), good(1, None))
    with pytest.raises(InvalidInput) as caught:
        import_gold(kept, task(), path)
    _, third, fourth = caught.value.detail.splitlines()
    for line, place in ((third, ":3:"), (fourth, ":4:")):
        assert place in line
        assert "g.jsonl:1" in line
    done = import_gold(kept, task(), path, skip_bad=True)
    assert [item.document.text for item in kept.gold.items()] == ["text 2"]
    assert done.added == 1


def test_a_line_that_contradicts_imported_gold_names_it(kept: Store, tmp_path: Path) -> None:
    import_gold(kept, task(), write(tmp_path / "g.jsonl", good(1)))
    (stored,) = kept.gold.items()
    path = write(tmp_path / "h.jsonl", good(2), good(1, "negative"))
    with pytest.raises(InvalidInput, match=stored.id):
        import_gold(kept, task(), path)
    assert len(kept.gold.items()) == 1
    done = import_gold(kept, task(), path, replace=True)
    assert (done.added, done.replaced) == (2, 1)
    assert kept.gold.get("h-2").answer == ChoiceAnswer(label="negative")


def test_an_empty_file_and_one_that_is_not_there_are_told_apart(
    kept: Store, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        import_gold(kept, task(), write(tmp_path / "g.jsonl", "", "  "))
    with pytest.raises(NotFound, match=r"none\.jsonl"):
        import_gold(kept, task(), tmp_path / "none.jsonl")


def test_transcripts_cannot_be_imported_and_the_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="review them"):
        read_gold(tmp_path / "g.jsonl", task("transcription"))
