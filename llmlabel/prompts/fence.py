"""The fence around a document: what stands inside is data and cannot end it.

A document is put between `<text>` and `</text>`. Where its own words look like the fence, or
like the control tokens of a chat (`<|im_end|>`, `</s>`, `<start_of_turn>`, `[INST]`, …), an
invisible U+2060 WORD JOINER goes after the first sign. `restore` takes it out again, so nothing
of a document is ever lost.

The embedded runtime needs no such care: it encodes a document as letters, whatever it spells.
A provider's server may read control tokens wherever they stand.
"""

from __future__ import annotations

import re

OPEN, CLOSE = "<text>", "</text>"
MARK_OPEN, MARK_CLOSE = "[[", "]]"

_JOINER = "\u2060"
_TAG = (
    r"[|｜]"  # ChatML, Llama 3, Phi, gpt-oss; DeepSeek writes it wide
    r"|\s*(?:/\s*)?text\b"  # the fence
    r"|/?(?:s|bos|eos|pad|unk|think|tools?|tool_call|tool_response)>"
    r"|/?(?:system|user|assistant|human|instructions?|function_calls?)>"
    r"|(?:start|end)_of_\w+>"  # Gemma
    r"|</?SYS>>"  # Llama 2
)
_WORD = r"/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|IMG)\]"  # Mistral
_AHEAD = rf"(?:(?<=<)(?={_JOINER}*(?:{_TAG}))|(?<=\[)(?={_JOINER}*{_WORD}))"
_LOOKALIKE = re.compile(_AHEAD, re.IGNORECASE)
_DISARMED = re.compile(rf"{_AHEAD}{_JOINER}", re.IGNORECASE)
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
    return _LOOKALIKE.sub(_JOINER, text)


def restore(text: str) -> str:
    """Undo `disarm`, also in a part of the text that a model quotes."""
    return _DISARMED.sub("", text)
