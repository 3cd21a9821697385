"""From the quotes of a language model to exact offsets, or to none at all.

A quote is found where the text holds it letter by letter. Three differences that lose nothing
are seen through, with the offsets kept: the Unicode form (NFC or NFD), the form of a line break,
and the length of a run of white space. Nothing is ever guessed: a quote that stands nowhere, or
in more places than it was quoted, stays unaligned.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a text as a model copied them, with its label for them."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Aligned:
    """A quote and where it stands: code points of the text, end exclusive."""

    quote: Quote
    index: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unaligned:
    """A quote whose place cannot be told, and why."""

    quote: Quote
    index: int
    reason: str


def align(text: str, quotes: Sequence[Quote]) -> tuple[list[Aligned], list[Unaligned]]:
    """Find the place of every quote.

    The k-th quote of the same words is their k-th occurrence, provided that every occurrence
    was quoted: a name that stands twice and was quoted once could be either. Occurrences that
    are whole words go before those inside of words.

    Args:
        text: The document's text.
        quotes: In the model's order.

    Returns:
        What was found, in the order of the quotes, and what was not.
    """
    folded = _Folded(text)
    places = [folded.find(quote.text) for quote in quotes]
    sure: dict[int, tuple[int, int]] = {}
    groups: dict[str, list[int]] = {}
    for index, quote in enumerate(quotes):
        groups.setdefault(_fold(quote.text), []).append(index)
    for members in groups.values():
        spots = places[members[0]]
        if len(spots) == len(members):
            sure.update(zip(members, spots, strict=True))
    found, lost = [], []
    for index, quote in enumerate(quotes):
        if index in sure:
            found.append(Aligned(quote, index, *sure[index]))
        else:
            members = groups[_fold(quote.text)]
            lost.append(Unaligned(quote, index, _reason(len(places[index]), len(members))))
    return found, lost


def _reason(places: int, quoted: int) -> str:
    if places == 0:
        return "the text does not hold these words"
    if places < quoted:
        return f"quoted {quoted} times, but the text holds it {places} times"
    return f"the text holds it {places} times; which one is meant cannot be told"


class _Folded:
    """The text in folded form, with the offset each folded character came from."""

    def __init__(self, text: str) -> None:
        self.text, self.starts = _fold_with_offsets(text)

    def find(self, quote: str) -> list[tuple[int, int]]:
        wanted = _fold(quote)
        if not wanted:
            return []
        spots = [match.start() for match in re.finditer(f"(?={re.escape(wanted)})", self.text)]
        spots = _apart(spots, len(wanted))
        whole = [at for at in spots if self._is_whole(at, at + len(wanted))]
        found = []
        for at in whole or spots:
            start, end = self.starts[at], self.starts[at + len(wanted)]
            if start < end and self._is_boundary(at) and self._is_boundary(at + len(wanted)):
                found.append((start, end))
        return found

    def _is_whole(self, at: int, end: int) -> bool:
        before, after = self.text[at - 1 : at], self.text[end : end + 1]
        return not (before.isalnum() and self.text[at].isalnum()) and not (
            after.isalnum() and self.text[end - 1].isalnum()
        )

    def _is_boundary(self, at: int) -> bool:
        """False inside of what was one character before it was folded."""
        return at == 0 or self.starts[at] != self.starts[at - 1] or at == len(self.text)


def _apart(spots: list[int], length: int) -> list[int]:
    """Occurrences that do not overlap, from the left."""
    kept: list[int] = []
    for spot in spots:
        if not kept or spot >= kept[-1] + length:
            kept.append(spot)
    return kept


def _fold(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def _fold_with_offsets(text: str) -> tuple[str, list[int]]:
    """NFC and single spaces; `starts[i]` is where folded character i began, one more at the end."""
    folded: list[str] = []
    starts: list[int] = []
    for start, end in _clusters(text):
        piece = unicodedata.normalize("NFC", text[start:end])
        if piece.isspace():
            if folded and folded[-1] == " ":
                continue
            piece = " "
        folded.extend(piece)
        starts.extend([start] * len(piece))
    starts.append(len(text))
    return "".join(folded), starts


def _clusters(text: str) -> list[tuple[int, int]]:
    """Runs that normalisation may join: a character and all that combines with it."""
    if text.isascii():
        return [(i, i + 1) for i in range(len(text))]
    bounds = [
        i
        for i, char in enumerate(text)
        if i == 0
        or not (unicodedata.combining(char) or _is_jamo(char) or _joins(text[i - 1], char))
    ]
    return list(zip(bounds, [*bounds[1:], len(text)], strict=True))


def _is_jamo(char: str) -> bool:
    return "\u1161" <= char <= "\u11ff"


def _joins(before: str, char: str) -> bool:
    return len(unicodedata.normalize("NFC", before + char)) < len(
        unicodedata.normalize("NFC", before)
    ) + len(unicodedata.normalize("NFC", char))
