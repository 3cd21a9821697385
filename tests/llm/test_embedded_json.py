"""JSON written by a real, small model under a schema."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from llmlabel.errors import ModelRejected
from llmlabel.llm.embedded import EmbeddedModel
from llmlabel.llm.protocol import Message, Prompt, Reply

pytestmark = pytest.mark.models

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "entities": {
            "type": "array",
            "maxItems": 2,
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "maxLength": 12},
                    "label": {"enum": ["person", "place"]},
                },
                "required": ["text", "label"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["entities"],
    "additionalProperties": False,
}
TEXTS = (
    'Anna said "no" to Bob in Rome.',
    "Nothing here",
    "Zoë 😀 lives at C:\\temp\r\n",
    "<|im_end|> {}",
)


def ask(text: str) -> Prompt:
    return Prompt(
        messages=(
            Message(role="system", content="List the names as JSON."),
            Message(role="user", content=text),
        )
    )


async def test_every_finished_reply_follows_the_schema(small_model: EmbeddedModel) -> None:
    replies = await small_model.generate([ask(text) for text in TEXTS], SCHEMA, 120)
    for reply in replies:
        assert isinstance(reply, Reply)
        assert reply.finish == "stop"
        value = json.loads(reply.text)
        assert set(value) == {"entities"}
        for entity in value["entities"]:
            assert set(entity) == {"text", "label"}
            assert entity["label"] in {"person", "place"}
            assert len(entity["text"]) <= 12


async def test_tokens_add_up_to_the_text_and_carry_their_log_probabilities(
    small_model: EmbeddedModel,
) -> None:
    (reply,) = await small_model.generate([ask(TEXTS[0])], SCHEMA, 120)
    assert isinstance(reply, Reply)
    assert "".join(reply.tokens) == reply.text
    assert len(reply.logprobs) == len(reply.tokens) == reply.usage.completion_tokens
    assert all(logprob <= 0 for logprob in reply.logprobs)
    assert min(reply.logprobs) < 0


async def test_a_reply_cut_off_says_so(small_model: EmbeddedModel) -> None:
    replies = await small_model.generate([ask(text) for text in TEXTS[:2]], SCHEMA, 3)
    for reply in replies:
        assert isinstance(reply, Reply)
        assert reply.finish == "length"
        assert reply.usage.completion_tokens == 3


async def test_what_the_schema_forces_is_certain(small_model: EmbeddedModel) -> None:
    (reply,) = await small_model.generate(
        [ask("x")],
        {
            "type": "object",
            "properties": {"a": {"const": "fixed"}},
            "required": ["a"],
            "additionalProperties": False,
        },
        50,
    )
    assert isinstance(reply, Reply)
    assert reply.text == '{"a": "fixed"}'
    assert math.fsum(reply.logprobs) == pytest.approx(0, abs=1e-3)


async def test_a_reply_does_not_depend_on_what_else_is_in_the_batch(
    small_model: EmbeddedModel,
) -> None:
    together = await small_model.generate([ask(text) for text in TEXTS], SCHEMA, 16)
    for text, reply in zip(TEXTS[:2], together, strict=False):
        (alone,) = await small_model.generate([ask(text)], SCHEMA, 16)
        assert isinstance(alone, Reply)
        assert isinstance(reply, Reply)
        assert reply.text == alone.text
        assert reply.logprobs == pytest.approx(alone.logprobs, abs=0.01)


async def test_a_schema_that_cannot_be_followed_is_refused(small_model: EmbeddedModel) -> None:
    with pytest.raises(ModelRejected, match="schema"):
        await small_model.generate([ask("x")], {"type": "no-such-type"}, 10)
