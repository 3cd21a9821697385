"""A tiny language model: a distribution over whole replies, written token by token."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Mapping
from typing import Any

END = "<|end|>"
_PIECES = re.compile(r"\s?\w{1,4}|\W", re.DOTALL)


def tokens_of(text: str) -> tuple[str, ...]:
    """The text in pieces of at most four letters; joined, they are the text again."""
    return tuple(_PIECES.findall(text))


class TokenModel:
    """Writes one of several replies, with the log-probabilities that their weights imply."""

    def __init__(self, replies: Mapping[str, float]) -> None:
        """Take replies and their weights, which are scaled to sum to one."""
        total = sum(replies.values())
        self._replies = [(tokens_of(text), w / total) for text, w in replies.items() if w > 0]

    def greedy(self) -> tuple[str, ...]:
        """The most likely token at each position, up to the end."""
        written: tuple[str, ...] = ()
        while (token := self._next(written)[0][0]) != END:
            written += (token,)
        return written

    def sampled(self, dice: random.Random) -> tuple[str, ...]:
        """A reply drawn by its weight."""
        return dice.choices([t for t, _ in self._replies], [w for _, w in self._replies])[0]

    def logprobs(self, written: tuple[str, ...], top: int) -> dict[str, Any]:
        """The `logprobs` field of a chat completion for these tokens."""
        content = []
        for index, token in enumerate(written):
            options = self._next(written[:index])
            chosen = dict(options)[token]
            best = [_entry(text, p) for text, p in options[:top]]
            content.append({**_entry(token, chosen), "top_logprobs": best})
        return {"content": content, "refusal": None}

    def _next(self, written: tuple[str, ...]) -> list[tuple[str, float]]:
        mass: dict[str, float] = {}
        for tokens, weight in self._replies:
            if tokens[: len(written)] == written:
                token = tokens[len(written)] if len(tokens) > len(written) else END
                mass[token] = mass.get(token, 0.0) + weight
        total = sum(mass.values())
        return sorted(((t, m / total) for t, m in mass.items()), key=lambda pair: -pair[1])


def example_of(schema: Mapping[str, Any]) -> str:
    """The smallest JSON text that follows a plain schema: first of an enum, empty lists."""
    return json.dumps(_example(schema))


def _example(schema: Mapping[str, Any]) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _example(part) for name, part in schema.get("properties", {}).items()}
    plain: dict[str, Any] = {"array": [], "string": "", "number": 0, "integer": 0, "boolean": False}
    return plain.get(str(schema.get("type")))


def _entry(token: str, probability: float) -> dict[str, Any]:
    logprob = math.log(max(probability, 1e-12))
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
