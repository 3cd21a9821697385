"""Which tokens a JSON schema allows next, by llguidance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from llmlabel.errors import ModelError, ModelRejected
from llmlabel.llm.gguf_tokenizer import GgufTokenizer


class Grammar:
    """A compiled schema; `start` begins one reply under it."""

    def __init__(self, tokenizer: GgufTokenizer, schema: dict[str, JsonValue]) -> None:
        """Compile.

        White space is fixed to that of Python's `json.dumps`: else a model may write blanks
        until its tokens run out.

        Raises:
            ModelRejected: The schema is broken or uses what the compiler does not know.
        """
        from llguidance import LLMatcher  # noqa: PLC0415

        self._vocabulary = tokenizer.grammar_vocabulary
        self._end = tokenizer.end_token
        spacing: Any = {
            "item_separator": ", ",
            "key_separator": ": ",
            "whitespace_flexible": False,
        }
        try:
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides=spacing)
        except ValueError as exc:
            raise ModelRejected(f"The JSON schema cannot be followed: {exc}.") from exc
        self._first = LLMatcher(self._vocabulary, grammar, log_level=0)
        if self._first.is_error():
            raise ModelRejected(f"The JSON schema cannot be followed: {self._first.get_error()}.")

    def start(self) -> Guide:
        """A guide at the beginning of a reply."""
        return Guide(self._first.deep_copy(), self._end)


class Guide:
    """Follows one reply and says what may come next."""

    def __init__(self, matcher: Any, end: int) -> None:
        """Take over a matcher of llguidance."""
        self._matcher = matcher
        self._end = end

    @property
    def finished(self) -> bool:
        """Whether the reply is complete and nothing may follow."""
        return bool(self._matcher.is_stopped())

    def forced(self) -> list[int]:
        """Tokens that must come next, read without asking the model."""
        tokens: list[int] = self._matcher.compute_ff_tokens()
        if tokens:
            self._take(tokens)
        return [token for token in tokens if token != self._end]

    def choose(self, logits: NDArray[np.float32]) -> tuple[int | None, float]:
        """The likeliest token allowed and its log-probability among those allowed.

        Returns:
            None for the token when the model ends its reply.
        """
        mask = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        allowed = np.flatnonzero(np.unpackbits(mask, bitorder="little")[: len(logits)])
        if not len(allowed):
            raise ModelError(
                f"The schema leaves no token to write: {self._matcher.get_error() or 'dead end'}."
            )
        wanted = logits[allowed].astype(np.float64)
        best = int(wanted.argmax())
        logprob = -float(np.log(np.exp(wanted - wanted[best]).sum()))
        token = int(allowed[best])
        self._take([token])
        return (None if token == self._end else token), logprob

    def _take(self, tokens: list[int]) -> None:
        if not self._matcher.consume_tokens(tokens):
            raise ModelError(f"The reply left its schema: {self._matcher.get_error()}.")
