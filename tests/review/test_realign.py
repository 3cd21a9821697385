"""Spans of a transcript move with their words when a person corrects it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.domain.answer import Span
from llmlabel.review.realign import realigned


def _moved(before: str, words: str, after: str) -> str | None:
    start = before.index(words)
    found = realigned(before, [Span(start=start, end=start + len(words), label="X")], after)
    return after[found[0].start : found[0].end] if found else None


@pytest.mark.parametrize(
    ("before", "words", "after", "expected"),
    [
        ("ask Maria Lopez", "Maria Lopez", "please do ask Maria Lopez", "Maria Lopez"),
        ("ask Jon Smit now", "Jon Smit", "ask John Smith now", "John Smith"),
        ("with Jon Smith now", "Jon Smith", "by John Smith now", "John Smith"),
        ("in New York", "New York", "in Newark", "Newark"),
        ("the Parisian way", "Paris", "not the Parisian way", "Paris"),
        ("ask Maria now", "Maria", "ask now", None),
        ("ask Maria", "Maria", "", None),
        ("我在北京住", "北京", "我们在北京住", "北京"),
        ("e\u0301 Ana\u0301 a", "Ana\u0301", "so e\u0301 Ana\u0301 a", "Ana\u0301"),
        ("👩🏽 Ana 🇩🇪", "Ana", "👩🏽👩🏽 Ana 🇩🇪", "Ana"),
    ],
)
def test_a_span_moves_with_its_words_and_takes_in_what_replaced_them(
    before: str, words: str, after: str, expected: str | None
) -> None:
    assert _moved(before, words, after) == expected


def test_of_an_unchanged_text_spans_stay_as_they_are() -> None:
    spans = (Span(start=3, end=5, label="B"), Span(start=0, end=2, label="A"))
    assert realigned("ab cd", spans, "ab cd") == spans


def test_spans_that_come_to_say_the_same_are_one_and_all_are_sorted() -> None:
    spans = [Span(start=4, end=7, label="X"), Span(start=0, end=3, label="X")]
    assert realigned("Ann Bea", spans, "Bea Ann") == realigned("Ann Bea", spans[::-1], "Bea Ann")
    assert realigned("New York", [Span(start=0, end=3, label="X")] * 2, "a New York") == (
        Span(start=2, end=5, label="X"),
    )


_texts = st.text(alphabet="ab c.é北\u0301", max_size=30)


@given(_texts, _texts, st.data())
def test_no_span_is_empty_or_leaves_the_text(before: str, after: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, len(before)))
    for found in realigned(before, [Span(start=start, end=end, label="X")], after):
        assert 0 <= found.start < found.end <= len(after) or before == after


def test_a_transcript_of_hours_is_aligned_whole() -> None:
    before = " ".join(f"word{n % 997}" for n in range(18_000))
    after = before.replace("word5 ", "five ").replace("word900", "nine hundred")
    start = before.rindex("word901")
    span = Span(start=start, end=start + 7, label="X")
    (found,) = realigned(before, [span], after)
    assert found.start == after.rindex("word901")
