"""A text with every letter and its accents as one sign, and the way back to its offsets."""

from __future__ import annotations

import unicodedata

from llmlabel.privacy.rules import Found


class Composed:
    """A text as the rules read it, whose patterns take a letter for one code point.

    `text` is the same where it holds no accents of their own; `original` leads offsets back.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: list[int] | None = None
        if unicodedata.is_normalized("NFC", text):
            return
        parts: list[str] = []
        starts: list[int] = []
        at = 0
        while at < len(text):
            end = at + 1
            while end < len(text) and unicodedata.combining(text[end]):
                end += 1
            part = unicodedata.normalize("NFC", text[at:end])
            parts.append(part)
            starts += [at] * len(part)
            at = end
        self.text = "".join(parts)
        self._starts = [*starts, len(text)]

    def original(self, found: Found) -> Found:
        """A find in `text` as one in the original."""
        starts = self._starts
        if starts is None:
            return found
        end = found.end
        # Of what became several code points no part is left over.
        while starts[end] == starts[end - 1]:
            end += 1
        return Found(starts[found.start], starts[end], found.kind)
