from __future__ import annotations

from collections.abc import Sequence
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.domain.privacy import strictest
from llmlabel.labelers.align import Quote, align
from llmlabel.privacy import KINDS, Found, Redactor, find, mask, repeated, unmask
from llmlabel.privacy.checks import iban, luhn
from llmlabel.privacy.composed import Composed

# Letters that combine, emoji of several code points, line ends, brackets as placeholders have.
ALPHABET = st.sampled_from(
    [*"aZ9 .@[]_1\r\n", "e\u0301", "👩‍👩‍👧", "🇩🇪", "ß", "ﬁ", "\u200d", "[PERSON_1]"]
)
TEXTS = st.lists(ALPHABET, max_size=40).map("".join)


@st.composite
def texts_with_finds(draw: st.DrawFn) -> tuple[str, list[Found]]:
    text = draw(TEXTS)
    offsets = st.integers(0, len(text))
    spans = draw(st.lists(st.tuples(offsets, offsets, st.sampled_from(KINDS)), max_size=6))
    return text, [Found(min(a, b), max(a, b), kind) for a, b, kind in spans]


@given(texts_with_finds())
def test_what_is_masked_comes_back_letter_by_letter(case: tuple[str, list[Found]]) -> None:
    text, found = case
    assert unmask(mask(text, found)) == text


@given(texts_with_finds(), st.data())
def test_offsets_come_back_exactly(case: tuple[str, list[Found]], data: st.DataObject) -> None:
    text, found = case
    shown = mask(text, found)
    hidden = {at for swap in shown.swaps for at in range(swap.start + 1, swap.end)}
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    back = shown.outward(*shown.inward(start, end))
    assert back[0] <= start
    assert back[1] >= end
    if start not in hidden and end not in hidden:
        assert back == (start, end)
    for swap in shown.swaps:
        assert shown.outward(swap.shown_start, swap.shown_end) == (swap.start, swap.end)
        assert shown.inward(swap.start, swap.end) == (swap.shown_start, swap.shown_end)


@given(texts_with_finds())
def test_a_quoted_placeholder_is_the_masked_words_to_the_code_point(
    case: tuple[str, list[Found]],
) -> None:
    text, found = case
    shown = mask(text, found)
    quotes = [Quote(shown.text[s.shown_start : s.shown_end], s.kind) for s in shown.swaps]
    placed, lost = align(shown.text, quotes)
    assert lost == []
    back = [shown.outward(each.start, each.end) for each in placed]
    assert back == [(swap.start, swap.end) for swap in shown.swaps]


@given(texts_with_finds())
def test_nothing_found_is_left_in_what_is_shown(case: tuple[str, list[Found]]) -> None:
    text, found = case
    shown = mask(text, found)
    masked = {at for swap in shown.swaps for at in range(swap.start, swap.end)}
    assert all(at in masked for each in found for at in range(each.start, each.end))
    assert sum(shown.counts().values()) == len(shown.swaps)


@given(TEXTS)
def test_rules_find_offsets_of_the_text(text: str) -> None:
    assert all(0 <= each.start < each.end <= len(text) for each in find(text))
    assert unmask(mask(text, find(text))) == text


def test_a_person_has_one_number_in_a_document() -> None:
    text = "Dear Anna Berg, who met Anna Berg. anna@berg.example wrote to ANNA@berg.example."
    found = find(text)
    shown = mask(text, [*found, Found(24, 33, "PERSON")])
    assert shown.text == ("Dear [PERSON_1], who met [PERSON_1]. [EMAIL_1] wrote to [EMAIL_1].")
    assert shown.counts() == {"EMAIL": 2, "PERSON": 2}


def test_a_name_that_was_found_once_is_masked_everywhere() -> None:
    text = "Mr. Arjun Okafor paid. Later Okafor's card failed; okaforian stays."
    found = find(text)
    shown = mask(text, [*found, *repeated(text, found)])
    assert shown.text == "Mr. [PERSON_1] paid. Later [PERSON_2]'s card failed; okaforian stays."


def test_a_placeholder_that_the_text_holds_already_stands_for_nobody() -> None:
    text = "[PERSON_1] wrote to Mr. Berg"
    shown = mask(text, find(text))
    assert shown.text == "[PERSON_1] wrote to Mr. [PERSON_2]"
    assert unmask(shown) == text


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("ada@mail.example.org", "EMAIL"),
        ("https://example.org/u/ada?k=1", "URL"),
        ("www.example.org/ada", "URL"),
        ("@ada_codes", "HANDLE"),
        ("+49 170 1234567", "PHONE"),
        ("(555) 123-4567", "PHONE"),
        ("4111 1111 1111 1111", "CARD"),
        ("5500-0000-0000-0004", "CARD"),
        ("DE89 3704 0044 0532 0130 00", "IBAN"),
        ("GB82WEST12345698765432", "IBAN"),
        ("078-05-1120", "SSN"),
        ("192.168.10.44", "IP"),
        ("221 Baker Street", "ADDRESS"),
        ("Lindenstraße 12a", "ADDRESS"),
        ("SW1A 1AA", "ADDRESS"),
        ("9876543210987654321", "NUMBER"),
    ],
)
def test_what_identifies_somebody_is_found(secret: str, kind: str) -> None:
    text = f"Please note {secret}, and thanks."
    assert any(
        text[each.start : each.end] == secret and each.kind == kind for each in find(text)
    ), find(text)
    assert secret not in mask(text, find(text)).text


@pytest.mark.parametrize(
    "text",
    ["born on 12 May 1980", "DOB: 05/12/1980", "birthday is March 3, 1971", "geboren am 3.4.1975"],
)
def test_dates_of_birth_are_found_by_the_words_before_them(text: str) -> None:
    assert [each.kind for each in mask(text, find(text)).swaps] == ["BIRTHDATE"]


@pytest.mark.parametrize("text", ["account number: AB-12345", "ticket #A123", "my order is 55512"])
def test_numbers_of_accounts_are_found_by_the_words_before_them(text: str) -> None:
    assert "ACCOUNT" in mask(text, find(text)).counts()


@pytest.mark.parametrize(
    "text",
    [
        "It costs 1,250.00 and took 45 minutes.",
        "We met on 2024-05-12 and 12/05/2024.",
        "Chapter 12, page 345, in 1987.",
        "The order was late, case closed.",
    ],
)
def test_ordinary_numbers_stay(text: str) -> None:
    assert mask(text, find(text)).text == text


def test_a_mistyped_card_is_still_a_long_number() -> None:
    text = "card 4111 1111 1111 1112"
    assert "4111" not in mask(text, find(text)).text
    assert "CARD" not in mask(text, find(text)).counts()


def test_checksums() -> None:
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert iban("DE89370400440532013000")
    assert not iban("DE89370400440532013001")


class Nobody:
    async def persons(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[] for _ in texts]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    "text",
    [
        "Hans Müller wohnt hier. Müller kam.",
        "I met José García. García left.",
        "Mr Ångström paid, Ångström said.",
        "mail björn@müller.de today",
    ],
)
async def test_accents_of_their_own_hide_no_part_of_a_name(text: str, form: str) -> None:
    written = normalize(form, text)
    [composed, shown] = await Redactor(Nobody()).shown([normalize("NFC", text), written])
    assert shown.text == composed.text
    assert unmask(shown) == written


@given(TEXTS)
def test_offsets_of_a_composed_text_are_those_of_whole_letters_of_the_original(text: str) -> None:
    composed = Composed(text)
    assert composed.text == normalize("NFC", text)
    for at in range(len(composed.text)):
        found = composed.original(Found(at, at + 1, "PERSON"))
        assert composed.text[at] in normalize("NFC", text[found.start : found.end])


def test_a_long_text_without_finds_is_read_in_one_pass() -> None:
    for nasty in ("a" * 200_000, "1 " * 50_000, "a." * 100_000, "Aa " * 60_000, "@" * 100_000):
        assert unmask(mask(nasty, find(nasty))) == nasty


def test_the_stricter_of_two_wins() -> None:
    assert strictest("open", "redact") == "redact"
    assert strictest("local_only", "redact", "open") == "local_only"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Yesterday Natasha Okonkwo called.", "Yesterday [PERSON_1] called."),
        ("ask JENNIFER or László", "ask [PERSON_1] or [PERSON_2]"),
        ("I will mark it, rose by any name", "I will mark it, rose by any name"),
        ("Amy I think so", "[PERSON_1] I think so"),
    ],
)
def test_common_given_names_are_found_without_a_model(text: str, shown: str) -> None:
    assert mask(text, find(text)).text == shown
