"""Models asked in order: the next one where the one before could not be reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog
from pydantic import JsonValue

from llmlabel.errors import ModelBusy, ModelError, ModelUnreachable
from llmlabel.llm.protocol import ChatModel, Prompt, Reply, Scores
from llmlabel.telemetry import told

Result = TypeVar("Result", Scores, Reply)


class FallbackModel:
    """A model with others that stand in for it while its provider is down or too busy.

    It goes by the name of the first. A result of another one says so in `usage.answered_by`.
    What a provider refuses for what it is (a bad request, a refusal, a rejected key, an
    exhausted budget) is not asked of another.
    """

    def __init__(self, models: Sequence[ChatModel]) -> None:
        """Name the models in the order in which they are asked; one or more."""
        self._models = tuple(models)
        self._log = structlog.get_logger(__name__)

    @property
    def name(self) -> str:
        """The first model's name."""
        return self._models[0].name

    @property
    def context_tokens(self) -> int:
        """What every one of them can read."""
        return min(model.context_tokens for model in self._models)

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        """Probability of every candidate; see `ChatModel.score`."""
        shared = not candidates or isinstance(candidates[0], str)

        def ask(model: ChatModel, some: list[int]) -> Awaitable[Sequence[Scores | Exception]]:
            chosen = candidates if shared else [list(candidates[index]) for index in some]
            return model.score([prompts[index] for index in some], chosen)

        return await self._in_order(len(prompts), ask)

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        """Write JSON; see `ChatModel.generate`."""

        def ask(model: ChatModel, some: list[int]) -> Awaitable[Sequence[Reply | Exception]]:
            return model.generate([prompts[index] for index in some], schema, max_tokens)

        return await self._in_order(len(prompts), ask)

    async def close(self) -> None:
        """Nothing: whoever made the models closes them."""

    async def _in_order(
        self,
        n: int,
        ask: Callable[[ChatModel, list[int]], Awaitable[Sequence[Result | Exception]]],
    ) -> list[Result | Exception]:
        results: dict[int, Result | Exception] = {}
        left = list(range(n))
        for model in self._models:
            if not left:
                break
            answers: Sequence[Result | Exception]
            try:
                answers = await ask(model, left)
            except ModelError as error:
                if model is self._models[0]:
                    raise
                # A rejected key of a stand-in: what the others answered, and cost, is kept.
                answers = [error] * len(left)
            for index, result in zip(left, answers, strict=True):
                earlier = results.get(index)
                if isinstance(result, Exception) and earlier is not None:
                    self._log.warning("fallback failed", model=model.name, **told(result))
                    continue  # the first model's reason is the one to know
                results[index] = result if model is self._models[0] else _by(result, model)
            left = [i for i in left if isinstance(results[i], ModelUnreachable | ModelBusy)]
            why = results[left[0]] if left else None
            if isinstance(why, Exception) and model is not self._models[-1]:
                self._log.warning(
                    "asking a fallback model",
                    prompts=len(left),
                    instead_of=model.name,
                    **told(why),
                )
        return [results[index] for index in range(n)]


def _by(result: Result | Exception, model: ChatModel) -> Result | Exception:
    if isinstance(result, Exception):
        return result
    usage = result.usage.model_copy(update={"answered_by": model.name})
    return result.model_copy(update={"usage": usage})
