"""Quotes are placed exactly or not at all."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.labelers.align import Quote, align

PIECES = st.sampled_from(
    [
        "Zoé",
        "Zoe\u0301",
        "Ann",
        "Anna",
        " ",
        "  ",
        "\r\n",
        "\n",
        "🎉",
        "“",
        "'s",
        ",",
        "한국",
        "e\u0323\u0302",
        "x",
    ]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=14).map("".join)


def same(left: str, right: str) -> bool:
    def fold(text: str) -> str:
        return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()

    return fold(left) == fold(right)


def spots(text: str, *quotes: str) -> list[str]:
    return [text[a.start : a.end] for a in align(text, [Quote(q, "X") for q in quotes])[0]]


@given(TEXTS, st.lists(st.one_of(TEXTS, st.text(max_size=6)), max_size=4))
def test_what_is_aligned_is_the_quote(text: str, quotes: list[str]) -> None:
    found, lost = align(text, [Quote(quote, "X") for quote in quotes])
    assert sorted([a.index for a in found] + [u.index for u in lost]) == list(range(len(quotes)))
    for each in found:
        assert same(text[each.start : each.end], each.quote.text)


@given(TEXTS, st.data())
def test_a_quote_copied_once_from_the_only_place_is_found_there(
    text: str, data: st.DataObject
) -> None:
    marked = f"{text} Ödön {text}"
    assert spots(marked, "Ödön") == ["Ödön"]
    assert spots(marked, unicodedata.normalize("NFD", "Ödön")) == ["Ödön"]


def test_the_kth_quote_of_the_same_words_is_their_kth_occurrence() -> None:
    found, lost = align("Oslo is cold. I love Oslo.", [Quote("Oslo", "A"), Quote("Oslo", "B")])
    assert [(a.start, a.quote.label) for a in found] == [(0, "A"), (21, "B")]
    assert not lost


def test_a_quote_of_one_of_two_places_is_not_guessed() -> None:
    found, lost = align("Oslo is cold. I love Oslo.", [Quote("Oslo", "A")])
    assert not found
    assert "which one is meant" in lost[0].reason


def test_more_quotes_than_places_are_all_left_unaligned() -> None:
    found, lost = align("Oslo", [Quote("Oslo", "A"), Quote("Oslo", "A")])
    assert not found
    assert len(lost) == 2


def test_a_whole_word_goes_before_a_part_of_one() -> None:
    text = "Annabel met Ann"
    found, _ = align(text, [Quote("Ann", "A")])
    assert (found[0].start, found[0].end) == (12, 15)


@pytest.mark.parametrize(
    ("text", "quote", "surface"),
    [
        ("I met Rene\u0301 here", "René", "Rene\u0301"),
        ("I met René here", "Rene\u0301", "René"),
        ("New\r\nYork", "New\nYork", "New\r\nYork"),
        ("New\r\n  York", "New York", "New\r\n  York"),
        ("go 🎉 Lagos 🎉", "Lagos", "Lagos"),
        ("A👩‍👩‍👧 B", "👩‍👩‍👧", "👩‍👩‍👧"),
    ],
)
def test_forms_that_lose_nothing_are_seen_through(text: str, quote: str, surface: str) -> None:
    assert spots(text, quote) == [surface]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Wendy’s", "Wendy's"),
        ("Rene", "René"),
        ("René", "Rene"),
        ("OSLO", "Oslo"),
        ("Rene\u0301", "Rene"),
    ],
)
def test_letters_that_differ_are_another_word(text: str, quote: str) -> None:
    found, lost = align(text, [Quote(quote, "X")])
    assert not found
    assert lost[0].reason == "the text does not hold these words"
