from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.prompts import fence, restore
from llmlabel.prompts.fence import CLOSE, OPEN

CONTROL = (
    *("<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|end|>", "<|channel|>", "<｜User｜>", "<s>"),
    *("</s>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<<SYS>>", "<</SYS>>"),
    *("[INST]", "[/INST]", "[TOOL_CALLS]", "[SYSTEM_PROMPT]", "<think>", "</think>"),
    *("<tool_call>", "<system>", "</user>", "<ASSISTANT>"),
)
TAGS = ("<text>", "</text>", "< / text >", "</TEXT", "<\u2060", "\u2060", *CONTROL)
SIGNS = ("<", ">", "/", "|", " ", "\n", "text", "[", "]", "[[", "]]", "é", "🐦", "{{ 1 }}")
pieces = st.sampled_from(TAGS + SIGNS)
hostile = st.lists(pieces | st.text(max_size=3), max_size=12).map("".join)


def _inside(fenced: str) -> str:
    assert fenced.startswith(OPEN)
    assert fenced.endswith(CLOSE)
    return fenced[len(OPEN) : -len(CLOSE)]


@given(hostile)
def test_nothing_inside_looks_like_the_fence_or_a_control_token(text: str) -> None:
    inside = _inside(fence(text))
    assert not re.search(r"<\s*/?\s*text\b", inside, re.IGNORECASE)
    for token in CONTROL:
        assert token.casefold() not in inside.casefold()
    assert "<|" not in inside


@given(hostile)
def test_the_text_can_be_had_back(text: str) -> None:
    assert restore(_inside(fence(text))) == text


@given(hostile, st.data())
def test_exactly_one_part_is_marked(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    inside = _inside(fence(text, (start, end)))
    # a bracket of the text's own may touch the mark; two of them never stand together elsewhere
    assert len(re.findall(r"\[\[(?!\[)", inside)) == 1
    assert len(re.findall(r"(?<!\])\]\]", inside)) == 1


@pytest.mark.parametrize(
    "text",
    ["a < b and b > a", "<texture>", "<b>bold</b>", "x | y", "[1]", "<small>", "[instead]", "a <s"],
)
def test_harmless_text_is_left_as_it_is(text: str) -> None:
    assert fence(text) == f"<text>{text}</text>"


def test_the_marked_words_stand_in_brackets() -> None:
    assert fence("I saw a wren.", (8, 12)) == "<text>I saw a [[wren]].</text>"


@pytest.mark.parametrize("text", ["<" + " " * 200_000, "< " * 100_000, "[" + "\u2060" * 200_000])
def test_a_long_text_that_never_becomes_the_fence_takes_no_time(text: str) -> None:
    # With time that grows as the square of the length, this would take the better part of an hour.
    assert restore(_inside(fence(text))) == text
