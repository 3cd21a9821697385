"""Long texts in pieces a parser can hold in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator

_BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"(?<=[.!?…])\s+|\n"), re.compile(r"\s+"))


def pieces(text: str, limit: int = 10_000) -> Iterator[tuple[int, str]]:
    """The text in pieces of at most `limit` code points, each with its offset.

    A cut is made at the last paragraph break of the second half of a piece, else at the last
    end of a sentence, else at white space, else at the limit. Nothing is lost or changed: the
    pieces joined are the text.
    """
    start = 0
    while len(text) - start > limit:
        cut = _cut(text, start + limit // 2, start + limit)
        yield start, text[start:cut]
        start = cut
    yield start, text[start:]


def _cut(text: str, low: int, high: int) -> int:
    for pattern in _BREAKS:
        cuts = [match.end() for match in pattern.finditer(text, low, high)]
        if cuts:
            return cuts[-1]
    return high
