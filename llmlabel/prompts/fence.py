"""The fence around a document: what stands inside is data and cannot end it.

A document is put between `<text>` and `</text>`. Where its own words look like the fence, or
like the control tokens of a chat (`<|im_end|>`), an invisible U+2060 WORD JOINER goes after the
`<`. `restore` takes it out again, so nothing of a document is ever lost.
"""

from __future__ import annotations

import re

OPEN, CLOSE = "<text>", "</text>"
MARK_OPEN, MARK_CLOSE = "[[", "]]"

_JOINER = "\u2060"
_LOOKALIKE = re.compile(rf"<({_JOINER}*)(?=\||\s*/?\s*text\b)", re.IGNORECASE)
_DISARMED = re.compile(rf"<{_JOINER}({_JOINER}*)(?=\||\s*/?\s*text\b)", re.IGNORECASE)
_BRACKET = re.compile(rf"([\[\]])({_JOINER}*)(?=\1)")
_APART = re.compile(rf"([\[\]]){_JOINER}({_JOINER}*)(?=\1)")


def fence(text: str, mark: tuple[int, int] | None = None) -> str:
    """The text between the fence's tags, with `[[` and `]]` around the marked part.

    Args:
        text: The document's text.
        mark: First and last offset (end exclusive) of what to mark, in code points of `text`.
    """
    if mark is None:
        return f"{OPEN}{disarm(text)}{CLOSE}"
    start, end = mark
    before, marked, after = (
        _BRACKET.sub(rf"\1{_JOINER}\2", disarm(part))
        for part in (text[:start], text[start:end], text[end:])
    )
    return f"{OPEN}{before}{MARK_OPEN}{marked}{MARK_CLOSE}{after}{CLOSE}"


def disarm(text: str) -> str:
    """The text with everything that looks like the fence or a control token made harmless."""
    return _LOOKALIKE.sub(rf"<{_JOINER}\1", text)


def restore(text: str) -> str:
    """Undo `disarm`, also in a part of the text that a model quotes."""
    return _DISARMED.sub(r"<\1", text)
