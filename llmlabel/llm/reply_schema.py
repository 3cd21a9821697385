"""How a provider is asked for JSON: by schema, as any JSON, or in words alone."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

from pydantic import JsonValue

from llmlabel.errors import ReplyUnreadable
from llmlabel.llm.protocol import Message, Prompt


class JsonMode(IntEnum):
    """What the provider was found to offer; a refusal of one steps down to the next."""

    SCHEMA = 2
    OBJECT = 1
    WORDS = 0


def response_format(mode: JsonMode, schema: dict[str, JsonValue]) -> dict[str, Any]:
    """The request parameters that ask for JSON in this mode."""
    if mode is JsonMode.SCHEMA:
        named = {"name": "answer", "schema": schema, "strict": _is_strict(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    if mode is JsonMode.OBJECT:
        return {"response_format": {"type": "json_object"}}
    return {}


def with_schema_in_words(prompt: Prompt, schema: dict[str, JsonValue]) -> Prompt:
    """The chat with the schema added to its system message, for providers without schemas."""
    words = "Reply with one JSON object that follows this JSON schema and nothing else:\n"
    words += json.dumps(schema, ensure_ascii=False)
    first, *rest = prompt.messages
    if first.role == "system":
        return Prompt(messages=(Message(role="system", content=f"{first.content}\n{words}"), *rest))
    return Prompt(messages=(Message(role="system", content=words), *prompt.messages))


def json_text(text: str) -> str:
    """The reply as bare JSON text, without the code fence some models put around it.

    Raises:
        ReplyUnreadable: It is empty or no JSON.
    """
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```") and "\n" in bare:
        bare = bare[bare.index("\n") + 1 : -3].strip()
    if not bare:
        raise ReplyUnreadable("The model replied nothing; JSON was asked for.")
    try:
        json.loads(bare)
    except ValueError as exc:
        raise ReplyUnreadable(f"The reply is not JSON ({exc}): {bare[:80]!r}") from exc
    return bare


def _is_strict(schema: JsonValue) -> bool:
    """Whether every object lists all its properties as required and allows no others.

    Providers refuse `strict` for any other schema.
    """
    if isinstance(schema, list):
        return all(_is_strict(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        properties, required = schema.get("properties"), schema.get("required")
        if schema.get("additionalProperties") is not False:
            return False
        if not isinstance(properties, dict) or not isinstance(required, list):
            return False
        if set(properties) != set(map(str, required)):
            return False
    return all(_is_strict(part) for part in schema.values())
