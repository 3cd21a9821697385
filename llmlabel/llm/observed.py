"""A language model whose calls are counted and traced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from pydantic import JsonValue

from llmlabel.llm.protocol import ChatModel, Prompt, Reply, Scores
from llmlabel.llm.wrapping import Wrapping
from llmlabel.telemetry import Attribute, Span, SpanKind, calls_ended, outcome_of, span

T = TypeVar("T", Scores, Reply)


class ObservedModel(Wrapping):
    """Tells the telemetry in charge what a model was asked and what that took.

    A batch is one span by the semantic conventions for generative AI, with the tokens of all its
    prompts; what was asked and answered is not told. Without telemetry it costs nothing.

    Args:
        model: The one asked, with its cache.
        provider: `gen_ai.provider.name`: who runs it; empty for a model in this process.
    """

    def __init__(self, model: ChatModel, provider: str = "") -> None:
        super().__init__(model)
        self._provider = provider

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        """Probability of every candidate; see `ChatModel.score`."""
        with self._call(len(prompts)) as current:
            return self._told(current, await self._model.score(prompts, candidates))

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        """Write JSON; see `ChatModel.generate`."""
        with self._call(len(prompts)) as current:
            return self._told(current, await self._model.generate(prompts, schema, max_tokens))

    @contextmanager
    def _call(self, prompts: int) -> Iterator[Span]:
        attributes: dict[str, Attribute] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self._provider or "llmlabel",
            "gen_ai.request.model": self.name,
            "llmlabel.prompts": prompts,
        }
        kind: SpanKind = "client" if self._provider else "internal"
        with span(f"chat {self.name}", attributes, kind) as current:
            try:
                yield current
            except Exception as error:
                calls_ended(self.name, [error] * prompts)
                raise

    def _told(self, current: Span, answers: Sequence[T | Exception]) -> Sequence[T | Exception]:
        calls_ended(self.name, answers)
        fresh = [each.usage for each in answers if not isinstance(each, Exception)]
        paid = [used for used in fresh if not used.cached]
        current.set("gen_ai.usage.input_tokens", sum(used.prompt_tokens for used in paid))
        current.set("gen_ai.usage.output_tokens", sum(used.completion_tokens for used in paid))
        current.set("llmlabel.cache_hits", len(fresh) - len(paid))
        failed = [each for each in answers if isinstance(each, Exception)]
        if failed:
            current.set("llmlabel.failed", len(failed))
            current.fail(outcome_of(failed[0]))
        return answers
