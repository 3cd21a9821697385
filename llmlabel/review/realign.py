"""Spans of a transcript as they stand in the text that a person made of it."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from llmlabel.domain.answer import Span

# Scripts without spaces: each of their characters is compared by itself.
_UNSPACED = ("CJK ", "HIRAGANA ", "KATAKANA ", "THAI ", "LAO ", "MYANMAR ", "KHMER ")


class _Piece(NamedTuple):
    """A run of letters and digits, a character of a script without spaces, or another mark."""

    start: int
    end: int


def realigned(before: str, spans: Sequence[Span], after: str) -> tuple[Span, ...]:
    """Spans of one text where they stand in a later form of it.

    A span moves with its words. What was written in the place of some of them belongs to it, and
    one of whose words nothing is left is left out. A border inside a word that is unchanged stays
    inside it. Two spans that come to say the same are one.

    Args:
        before: The text that the spans count.
        spans: In any order.
        after: The text as it was changed.

    Returns:
        The spans, sorted by start, then end.
    """
    if before == after or not spans:
        return tuple(spans)
    alignment = _Alignment(before, after)
    found = {moved for span in spans if (moved := alignment.moved(span)) is not None}
    return tuple(sorted(found, key=lambda span: (span.start, span.end, span.label)))


class _Alignment:
    """What of one text stands where in another."""

    def __init__(self, before: str, after: str) -> None:
        self._before, self._after = _pieces(before), _pieces(after)
        self._starts = [piece.start for piece in self._before]
        self._ends = [piece.end for piece in self._before]
        self._match = _matched(
            [before[start:end] for start, end in self._before],
            [after[start:end] for start, end in self._after],
        )

    def moved(self, span: Span) -> Span | None:
        """A span in the text after; None where nothing of it is left."""
        touched = bisect_right(self._ends, span.start), bisect_left(self._starts, span.end)
        if touched[0] >= touched[1]:
            return None
        head, tail = touched[0], touched[1] - 1
        first, last = self._border(head, closing=False), self._border(tail, closing=True) - 1
        if first > last:
            return None
        start, end = self._after[first].start, self._after[last].end
        if self._match[head] == first:
            start += max(0, span.start - self._before[head].start)
        if self._match[tail] == last:
            end -= max(0, self._before[tail].end - span.end)
        return span.model_copy(update={"start": start, "end": end})

    def _border(self, place: int, *, closing: bool) -> int:
        """The piece after at which a border beside a piece before stands.

        Beside an unchanged one it stays there; among changed ones it moves in proportion.
        """
        if self._match[place] >= 0:
            return self._match[place] + closing
        low = high = place
        while low >= 0 and self._match[low] < 0:
            low -= 1
        while high < len(self._match) and self._match[high] < 0:
            high += 1
        floor = self._match[low] + 1 if low >= 0 else 0
        ceiling = self._match[high] if high < len(self._match) else len(self._after)
        share = (place + closing - low - 1) / (high - low - 1)
        return floor + int(share * (ceiling - floor) + 0.5)


def _matched(before: Sequence[str], after: Sequence[str]) -> list[int]:
    """For each element of `before` the place of its equal in `after`, ascending, or -1."""
    match = [-1] * len(before)
    for one, other, size in SequenceMatcher(None, before, after).get_matching_blocks():
        match[one : one + size] = range(other, other + size)
    return match


def _pieces(text: str) -> list[_Piece]:
    found: list[_Piece] = []
    word: int | None = None  # where the word that goes on began
    for place, char in enumerate(text):
        in_word = unicodedata.category(char)[0] in "LNM"
        if in_word and char > "\u0dff" and unicodedata.name(char, "").startswith(_UNSPACED):
            in_word = False
        if word is not None and not in_word:
            found.append(_Piece(word, place))
            word = None
        if in_word:
            word = place if word is None else word
        elif not char.isspace():
            found.append(_Piece(place, place + 1))
    return found if word is None else [*found, _Piece(word, len(text))]
