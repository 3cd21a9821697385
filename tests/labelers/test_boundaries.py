"""Where a span ends is decided by the rules of its guideline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.labelers.boundaries import is_in_phone_number, is_no_name, trim, with_sign
from llmlabel.labelers.pieces import pieces


def cut(text: str, label: str = "") -> str:
    start, end = trim(text, 0, len(text), label=label)
    return text[start:end]


@pytest.mark.parametrize(
    ("surface", "name"),
    [
        ("the Gaza Strip", "Gaza Strip"),
        ("Lisbon's", "Lisbon"),
        ("North Korea ’s", "North Korea"),
        ("Debra -", "Debra"),
        ("“Marguerite Duval”", "Marguerite Duval"),
        ("the Vancouver Canucks of the", "Vancouver Canucks"),
        ("U.S.", "U.S."),
        ("Brightwater Ltd.", "Brightwater Ltd."),
        ("Oslo.", "Oslo"),
        ("$2.5 million", "$2.5 million"),
        ("Acme (UK)", "Acme (UK)"),
        ("last March", "last March"),
        ("the", ""),
        ("\r\n Oslo ", "Oslo"),
    ],
)
def test_what_does_not_belong_to_a_name_is_cut(surface: str, name: str) -> None:
    assert cut(surface) == name


def test_a_title_is_cut_before_a_person_only() -> None:
    assert cut("Dr. Amara Osei", "PERSON") == "Amara Osei"
    assert cut("King Street") == "King Street"


def test_a_word_that_says_which_day_stays_in_a_date() -> None:
    assert cut("this week", "DATE") == "this week"
    assert cut("the 1990s", "DATE") == "1990s"
    assert cut("Nearly 30 percent", "QUANTITY") == "30 percent"


def test_a_guideline_may_keep_what_is_cut_by_default() -> None:
    text = "the Porto's"
    assert trim(text, 0, len(text), rules=()) == (0, len(text))


@given(st.text(alphabet="aT .'’s()-&éthe", max_size=20), st.sampled_from(["PERSON", "DATE"]))
def test_cutting_twice_changes_nothing(text: str, label: str) -> None:
    start, end = trim(text, 0, len(text), label=label)
    assert 0 <= start <= end <= len(text) or start >= end
    if start < end:
        assert trim(text, start, end, label=label) == (start, end)


def test_an_address_is_no_name() -> None:
    assert is_no_name("https://example.org/a")
    assert is_no_name("help@example.org")
    assert is_no_name("--- 12")
    assert not is_no_name("AT&T")


@pytest.mark.parametrize("surface", ["1945", "12/05/2020", "$128", "5%"])
def test_digits_are_no_name_but_may_be_a_date_or_a_sum(surface: str) -> None:
    assert is_no_name(surface)
    assert not is_no_name(surface, number=True)


def test_signs_and_addresses_are_no_number_either() -> None:
    for surface in ("--- %", "$", "", "https://example.org/2020"):
        assert is_no_name(surface, number=True)


@pytest.mark.parametrize(
    ("text", "number", "inside"),
    [
        ("call +1 415 555 2671 now", "2671", True),
        ("call (415) 555-2671", "415", True),
        ("ring 555-2671", "2671", True),
        ("between 1914-1918", "1918", False),
        ("in 2017 2018 2019", "2018", False),
        ("due 2024-01-03", "2024-01-03", False),
        ("$100-200 each", "100-200", False),
        ("in 1945", "1945", False),
        ("up by +20 000 000 €", "20 000 000 €", False),
    ],
)
def test_digits_of_a_phone_number_are_told_from_years(text: str, number: str, inside: bool) -> None:
    start = text.index(number)
    assert is_in_phone_number(text, start, start + len(number)) is inside


@pytest.mark.parametrize(
    ("text", "number", "whole"),
    [
        ("for $128.", "128", "$128"),
        ("€40 a month", "40", "€40"),
        ("40 € a month", "40", "40 €"),
        ("up 3.5 % in May", "3.5", "3.5 %"),
        ("up 5%", "5", "5%"),
        ("£5 million", "5 million", "£5 million"),
        ("$20-$30", "20-$30", "$20-$30"),
        ("40 $20 notes", "40", "40"),
        ("in 1945 (war)", "1945", "1945"),
        ("US$ 20", "US$ 20", "US$ 20"),
        ("40", "40", "40"),
        ("9", "", ""),
    ],
)
def test_the_sign_beside_a_number_belongs_to_it(text: str, number: str, whole: str) -> None:
    start = text.index(number)
    start, end = with_sign(text, start, start + len(number))
    assert text[start:end] == whole
    assert with_sign(text, start, end) == (start, end)


@given(st.text(alphabet="ab. \n!é", max_size=300), st.integers(2, 40))
def test_pieces_are_the_text(text: str, limit: int) -> None:
    parts = list(pieces(text, limit))
    assert "".join(part for _, part in parts) == text
    assert all(text[at : at + len(part)] == part and len(part) <= limit for at, part in parts)
