"""Remote language models of any provider, behind the `ChatModel` protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from pydantic import JsonValue, SecretStr

from llmlabel.domain.privacy import Privacy
from llmlabel.errors import (
    InvalidInput,
    ModelError,
    ModelRejected,
    ModelUnauthorized,
    ReplyTruncated,
)
from llmlabel.llm.budget import Budget
from llmlabel.llm.label_scores import CandidateMatcher, scores_from_logprobs, scores_from_samples
from llmlabel.llm.limits import Limits
from llmlabel.llm.prices import Price
from llmlabel.llm.private import refuse_private
from llmlabel.llm.protocol import Prompt, Reply, Scores, Usage
from llmlabel.llm.provider import Provider
from llmlabel.llm.remote_call import Completion, RemoteCaller, add_usage
from llmlabel.llm.reply_schema import JsonMode, json_text, response_format, with_schema_in_words
from llmlabel.llm.retry import Retry
from llmlabel.llm.vendor import context_tokens

T = TypeVar("T")

_METHOD = "remote-1"
"""Changes whenever the same reply would give other scores, so that old ones are not served."""

_TOP_LOGPROBS = (20, 5)
"""Alternatives asked for: the most that providers offer, then what the modest ones do."""

_TEMPERATURE = 1.0
"""Of samples: at 1 their shares estimate the model's own distribution."""

_ROOM_TO_THINK = 4096
"""Tokens more for a reasoning model, which spends them before the label."""

_UNKNOWN_CONTEXT = 131_072
"""Where nothing is known of the model, the provider itself refuses what is too long."""


class RemoteModel:
    """A model of any provider that litellm knows, by its litellm name.

    Labels are scored from the provider's top log-probabilities; where it offers none, from the
    shares of `samples` replies. A failure of one prompt is returned in its place.
    """

    def __init__(
        self,
        model: str,
        *,
        api_key: SecretStr | str | None = None,
        api_base: str | None = None,
        timeout: float = 60.0,
        attempts: int = 4,
        max_wait: float = 60.0,
        concurrency: int = 8,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        samples: int = 5,
        limits: Limits | None = None,
        retry: Retry | None = None,
        privacy: Privacy = "open",
        provider: Provider | None = None,
        patient: bool = True,
        budget: Budget | None = None,
        price: Price | None = None,
        direct: bool = True,
    ) -> None:
        """Describe the model; nothing is imported or connected before the first call.

        Args:
            model: litellm's name, as `openai/gpt-4o-mini` or `hosted_vllm/my-model`.
            api_key: The provider's key; None takes it from the provider's own variable.
            api_base: Base URL, for gateways and self-hosted servers.
            timeout: Seconds one attempt may take.
            attempts: Attempts at a call that may succeed later.
            max_wait: Longest wait between two attempts, in seconds.
            concurrency: Calls under way at once.
            requests_per_minute: Requests in any 60 seconds.
            tokens_per_minute: Prompt and completion tokens in any 60 seconds.
            samples: Replies drawn per prompt where there are no log-probabilities.
            limits: In place of the three above, to share one provider's limits among models.
            retry: In place of `attempts` and `max_wait`.
            privacy: What holds for every prompt, also where its task is less strict.
            provider: Limits that all workers share, and the provider's circuit breaker.
            patient: Whether a provider that is left alone is waited for, up to `max_wait`.
            budget: What is asked before every call, and told what it cost.
            price: In place of litellm's price data.
            direct: Ask servers of the OpenAI protocol at `api_base` without litellm, in a
                fraction of the time.
        """
        self._model = model
        self._api_base = api_base
        self._samples = samples
        self._privacy = privacy
        key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
        self._caller = RemoteCaller(
            model,
            key,
            api_base,
            timeout,
            limits or Limits(concurrency, requests_per_minute, tokens_per_minute),
            retry or Retry(attempts, max_wait),
            provider=provider,
            patient=patient,
            budget=budget,
            price=price,
            direct=direct,
        )
        self._top_logprobs: int | None = _TOP_LOGPROBS[0]
        self._json_mode = JsonMode.SCHEMA
        self._probes: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Event] = (
            WeakKeyDictionary()
        )

    @property
    def name(self) -> str:
        """The name by which litellm knows it."""
        return self._model

    @property
    def identity(self) -> Mapping[str, JsonValue]:
        """What decides an answer besides the request itself; part of the reply cache's key."""
        return {"api_base": self._api_base, "samples": self._samples, "method": _METHOD}

    @property
    def context_tokens(self) -> int:
        """Longest prompt by litellm's model data; 131,072 for a model it does not know."""
        return context_tokens(self._model) or _UNKNOWN_CONTEXT

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        """Probability of every candidate; see `ChatModel.score`.

        Raises:
            InvalidInput: The candidates are empty, blank or repeated.
            ModelUnauthorized: The key is not accepted; this fails the whole batch.
            RemoteRefused: The privacy of a prompt forbids it; nothing of the batch is sent.
        """
        refuse_private(prompts, self._model, self._privacy)
        matchers = _matchers(candidates, len(prompts))
        return await _each(
            [
                lambda p=prompt, m=matcher: self._score_one(p, m)  # type: ignore[misc]
                for prompt, matcher in zip(prompts, matchers, strict=True)
            ]
        )

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, JsonValue], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        """Write JSON; see `ChatModel.generate`. A reply cut off has `finish="length"`.

        Raises:
            ModelUnauthorized: The key is not accepted; this fails the whole batch.
            RemoteRefused: The privacy of a prompt forbids it; nothing of the batch is sent.
        """
        refuse_private(prompts, self._model, self._privacy)
        return await _each(
            [
                lambda p=prompt: self._generate_one(p, schema, max_tokens)  # type: ignore[misc]
                for prompt in prompts
            ]
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()

    # Scoring ------------------------------------------------------------------------------

    async def _score_one(self, prompt: Prompt, matcher: CandidateMatcher) -> Scores:
        await self._first_goes_alone()
        try:
            spent: list[Usage] = []
            # UTF-8 bytes bound the tokens of a name from above; the rest is for quotes.
            room = max(len(name.encode()) for name in matcher.candidates) + 8
            room += _ROOM_TO_THINK if self._caller.thinks else 0
            if self._offers_logprobs():
                greedy = await self._greedy(prompt, room)
                if greedy is not None:
                    _refuse_unusable(greedy, self._model, matcher)
                if greedy is not None and greedy.tokens:
                    probabilities, off = scores_from_logprobs(matcher, greedy.text, greedy.tokens)
                    return Scores(
                        probabilities=probabilities,
                        method="logprobs",
                        off_label=off,
                        usage=greedy.usage,
                    )
                self._top_logprobs = None
                spent += [greedy.usage] if greedy is not None else []
        finally:
            self._probes[asyncio.get_running_loop()].set()
        return await self._sampled(prompt, matcher, room, spent)

    async def _first_goes_alone(self) -> None:
        """Let one call find out what the provider offers, so the others need not ask in vain."""
        loop = asyncio.get_running_loop()
        if loop not in self._probes:
            self._probes[loop] = asyncio.Event()
        else:
            await self._probes[loop].wait()

    def _offers_logprobs(self) -> bool:
        return self._top_logprobs is not None and self._caller.supports("top_logprobs")

    async def _greedy(self, prompt: Prompt, room: int) -> Completion | None:
        """The most likely reply with its log-probabilities, or None where they are refused."""
        while (top := self._top_logprobs) is not None:
            parameters = {"temperature": 0.0, "logprobs": True, "top_logprobs": top}
            try:
                return await self._caller.complete(prompt, room, parameters)
            except ModelRejected as refusal:
                if "logprob" not in refusal.detail.lower():
                    raise
                if self._top_logprobs == top:
                    fewer = [n for n in _TOP_LOGPROBS if n < top]
                    self._top_logprobs = fewer[0] if fewer else None
        return None

    async def _sampled(
        self, prompt: Prompt, matcher: CandidateMatcher, room: int, spent: list[Usage]
    ) -> Scores:
        calls = [
            self._caller.complete(prompt, room, {"temperature": _TEMPERATURE})
            for _ in range(self._samples)
        ]
        done = await asyncio.gather(*calls, return_exceptions=True)
        replies: list[str] = []
        for result in done:
            if isinstance(result, BaseException):
                raise result
            replies.append("" if result.finish == "length" else result.text)
            spent.append(result.usage)
        probabilities, off = scores_from_samples(matcher, replies)
        return Scores(
            probabilities=probabilities, method="samples", off_label=off, usage=add_usage(spent)
        )

    # Generating ---------------------------------------------------------------------------

    async def _generate_one(
        self, prompt: Prompt, schema: dict[str, JsonValue], max_tokens: int
    ) -> Reply:
        done = await self._json(prompt, schema, max_tokens)
        cut = done.finish == "length"
        if cut and not done.text:
            raise ReplyTruncated(f"{self._model} wrote nothing within {max_tokens} tokens.")
        return Reply(
            text=done.text if cut else json_text(done.text),
            finish="length" if cut else "stop",
            tokens=tuple(step.token for step in done.tokens),
            logprobs=tuple(step.logprob for step in done.tokens),
            usage=done.usage,
        )

    async def _json(
        self, prompt: Prompt, schema: dict[str, JsonValue], max_tokens: int
    ) -> Completion:
        if not self._caller.supports("response_format"):
            self._json_mode = JsonMode.WORDS
        while True:
            mode = self._json_mode
            asked = prompt if mode is JsonMode.SCHEMA else with_schema_in_words(prompt, schema)
            parameters: dict[str, Any] = {"temperature": 0.0, **response_format(mode, schema)}
            logprobs = self._offers_logprobs()
            if logprobs:
                parameters["logprobs"] = True
            try:
                return await self._caller.complete(asked, max_tokens, parameters)
            except ModelRejected as refusal:
                said = refusal.detail.lower()
                if logprobs and "logprob" in said:
                    self._top_logprobs = None
                elif mode is not JsonMode.WORDS and _is_about_format(said):
                    self._json_mode = min(self._json_mode, JsonMode(mode - 1))
                else:
                    raise


def _is_about_format(said: str) -> bool:
    return any(word in said for word in ("response_format", "json_schema", "json_object"))


def _refuse_unusable(done: Completion, model: str, matcher: CandidateMatcher) -> None:
    if done.finish == "length":
        raise ReplyTruncated(f"{model} wrote more than a label and was cut off: {done.text[:80]!r}")
    if not done.text.strip():
        raise matcher.unreadable(done.text)


def _matchers(
    candidates: Sequence[str] | Sequence[Sequence[str]], n: int
) -> Sequence[CandidateMatcher]:
    try:
        if not candidates or isinstance(candidates[0], str):
            return [CandidateMatcher([str(name) for name in candidates])] * n
        return [CandidateMatcher(list(names)) for names in candidates]
    except ValueError as exc:
        raise InvalidInput(f"The {exc}.", field="candidates") from exc


async def _each(
    actions: Sequence[Callable[[], Coroutine[Any, Any, T]]],
) -> list[T | Exception]:
    """Run all at once; a prompt's own failure stands in its place, a rejected key is raised."""

    async def guarded(action: Callable[[], Coroutine[Any, Any, T]]) -> T | Exception:
        try:
            return await action()
        except ModelUnauthorized:
            raise
        except ModelError as error:
            return error

    tasks = [asyncio.ensure_future(guarded(action)) for action in actions]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
