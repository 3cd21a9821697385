"""Greedy decoding of many replies at once, each held to its schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from llmlabel.errors import ModelError
from llmlabel.llm.constrain import Grammar, Guide
from llmlabel.llm.runtime import Logits, Runtime


@dataclass
class Draft:
    """A reply being written: its tokens, their log-probabilities, and how it ended."""

    guide: Guide
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    finish: Literal["stop", "length"] | None = None
    error: ModelError | None = None

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.finish is None and self.error is None

    def force(self, limit: int) -> list[int]:
        """Write what the schema forces, at most up to `limit` tokens in all."""
        tokens = self.guide.forced()
        room = limit - len(self.tokens)
        self.tokens += tokens[:room]
        self.logprobs += [0.0] * len(tokens[:room])
        if len(tokens) > room:
            self.finish = "length"
        elif self.guide.finished:
            self.finish = "stop"
        return tokens[:room]

    def write(self, logits: Logits, limit: int) -> list[int]:
        """Write the likeliest allowed token and what it forces; return what was written."""
        if len(self.tokens) >= limit:
            self.finish = "length"
            return []
        token, logprob = self.guide.choose(logits)
        if token is None:
            self.finish = "stop"
            return []
        self.tokens.append(token)
        self.logprobs.append(logprob)
        if self.guide.finished:
            self.finish = "stop"
            return [token]
        return [token, *self.force(limit)]


def generate_batch(
    runtime: Runtime, suffixes: Sequence[Sequence[int]], grammar: Grammar, limit: int
) -> list[Draft]:
    """Write a reply to each document, given the one row (their shared prefix) held now.

    What a schema forces is read in one go with the token before it. A reply that ended leaves
    the batch.

    Args:
        runtime: Holds one row, the prefix all documents share.
        suffixes: Tokens of each document after the prefix, shape (n,).
        grammar: What all replies follow.
        limit: Tokens in a reply at most.
    """
    drafts = [Draft(grammar.start()) for _ in suffixes]
    reads = [
        [*suffix, *_guarded(draft, None, limit)]
        for suffix, draft in zip(suffixes, drafts, strict=True)
    ]
    held = [number for number, draft in enumerate(drafts) if draft.open]
    parents = [0] * len(held)
    while held:
        logits = runtime.extend(parents, [reads[number] for number in held])
        parents = []
        still = []
        for row, number in enumerate(held):
            reads[number] = _guarded(drafts[number], logits[row], limit)
            if drafts[number].open:
                parents.append(row)
                still.append(number)
        held = still
    return drafts


def _guarded(draft: Draft, logits: Logits | None, limit: int) -> list[int]:
    """One step of one reply; its failure stays its own."""
    try:
        return draft.force(limit) if logits is None else draft.write(logits, limit)
    except ModelError as exc:
        draft.error = exc
        return []
