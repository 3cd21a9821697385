"""The words around a part of a text: what a model is shown of a long document."""

from __future__ import annotations

WIDTH = 400
"""Code points shown on either side."""


def window(text: str, start: int, end: int, width: int = WIDTH) -> tuple[str, tuple[int, int]]:
    """A part of the text around a span, cut between words where that can be.

    Returns:
        The part, and the offsets of the span in it.
    """
    low, high = max(0, start - width), min(len(text), end + width)
    if low > 0:
        low = next((i + 1 for i in range(low, start) if text[i].isspace()), low)
    if high < len(text):
        high = next((i for i in range(high - 1, end, -1) if text[i].isspace()), high)
    return text[low:high], (start - low, end - low)
