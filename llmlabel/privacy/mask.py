"""A text with placeholders in the place of what must not be seen, and the way back."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from llmlabel.privacy.rules import KINDS, Found, Kind

_JOINERS = "\u200d\ufe0e\ufe0f"
_WORD = re.compile(r"[^\W\d_]+")
_PLACEHOLDER = re.compile(r"\[[A-Z]+_[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Swap:
    """One placeholder: what it stands for in the original, and where it stands in what is shown.

    Offsets count code points, ends are exclusive.
    """

    kind: Kind
    start: int
    end: int
    shown_start: int
    shown_end: int


@dataclass(frozen=True)
class Shown:
    """A text as a model may see it.

    Attributes:
        original: The text as it was sent to us.
        text: The same with placeholders, such as `[PERSON_1]`.
        swaps: The placeholders, in order.
    """

    original: str
    text: str
    swaps: tuple[Swap, ...] = field(default=())

    def inward(self, start: int, end: int) -> tuple[int, int]:
        """Offsets of the original as offsets of `text`.

        What begins or ends inside of something masked takes in the whole placeholder.
        """
        spots = self._spots
        return _across(spots, start, last=False), _across(spots, end, last=True)

    def outward(self, start: int, end: int) -> tuple[int, int]:
        """Offsets of `text` as offsets of the original; the inverse of `inward`."""
        spots = self._back
        return _across(spots, start, last=False), _across(spots, end, last=True)

    def counts(self) -> dict[str, int]:
        """How many of each kind were masked; says nothing of what they were."""
        seen = Counter(swap.kind for swap in self.swaps)
        return {kind: seen[kind] for kind in KINDS if seen[kind]}

    @cached_property
    def _spots(self) -> list[tuple[int, int, int, int]]:
        return [(s.start, s.end, s.shown_start, s.shown_end) for s in self.swaps]

    @cached_property
    def _back(self) -> list[tuple[int, int, int, int]]:
        return [(s.shown_start, s.shown_end, s.start, s.end) for s in self.swaps]


def _across(spots: Sequence[tuple[int, int, int, int]], offset: int, *, last: bool) -> int:
    at = bisect_right(spots, offset, key=lambda spot: spot[0]) - 1
    if at < 0:
        return offset
    start, end, there, there_end = spots[at]
    if offset >= end:
        return there_end + offset - end
    return there if offset == start or not last else there_end


def mask(text: str, found: Iterable[Found]) -> Shown:
    """Put a placeholder in the place of everything found.

    Finds that overlap become one. Equal values of a kind get the same number, so that a model
    still sees who is who; a number that the text itself uses in this form is passed over.
    """
    numbers: dict[tuple[str, str], int] = {}
    used: Counter[str] = Counter()
    parts: list[str] = []
    swaps: list[Swap] = []
    taken = set(_PLACEHOLDER.findall(text))
    at = length = 0
    for each in _merged(text, found):
        value = (each.kind, _folded(text[each.start : each.end], each.kind))
        if value not in numbers:
            used[each.kind] += 1
            while f"[{each.kind}_{used[each.kind]}]" in taken:
                used[each.kind] += 1
            numbers[value] = used[each.kind]
        placeholder = f"[{each.kind}_{numbers[value]}]"
        parts += [text[at : each.start], placeholder]
        start = length + each.start - at
        length = start + len(placeholder)
        swaps.append(Swap(each.kind, each.start, each.end, start, length))
        at = each.end
    return Shown(text, "".join([*parts, text[at:]]), tuple(swaps))


def unmask(shown: Shown) -> str:
    """The original, put together again from what is shown and what was swapped."""
    parts, at = [], 0
    for swap in shown.swaps:
        parts += [shown.text[at : swap.shown_start], shown.original[swap.start : swap.end]]
        at = swap.shown_end
    return "".join([*parts, shown.text[at:]])


def repeated(text: str, persons: Iterable[Found]) -> list[Found]:
    """Further places of the names of persons: whole words of theirs, wherever they stand."""
    words = {
        word
        for each in persons
        for word in _WORD.findall(text[each.start : each.end])
        if len(word) > 2 and word[0].isupper()
    }
    return [Found(*m.span(), "PERSON") for m in _WORD.finditer(text) if m[0] in words]


def _merged(text: str, found: Iterable[Found]) -> list[Found]:
    merged: list[Found] = []
    for each in sorted(_whole_characters(text, one) for one in found if one.start < one.end):
        if merged and each.start < merged[-1].end:
            before = merged.pop()
            kind = min(before.kind, each.kind, key=KINDS.index)
            each = Found(before.start, max(before.end, each.end), kind)  # noqa: PLW2901
        merged.append(each)
    return merged


def _whole_characters(text: str, found: Found) -> Found:
    """Take in the marks that combine with the last character, so that no half of one is left."""
    start, end = found.start, found.end
    while end < len(text) and (unicodedata.combining(text[end]) or text[end] in _JOINERS):
        end += 1
    while start > 0 and unicodedata.combining(text[start]):
        start -= 1
    return Found(start, end, found.kind)


def _folded(value: str, kind: Kind) -> str:
    if kind in ("CARD", "IBAN", "SSN", "PHONE", "NUMBER"):
        return "".join(char for char in value if char.isalnum() or char == "+").casefold()
    return " ".join(unicodedata.normalize("NFC", value).casefold().split())
