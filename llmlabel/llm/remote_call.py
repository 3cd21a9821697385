"""One call to a provider: limits, retries, mapped errors; a plain value comes back."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from llmlabel.errors import ModelBusy, ModelError, ModelRefused, PriceUnknown, ReplyUnreadable
from llmlabel.llm.budget import Budget
from llmlabel.llm.direct import PROVIDERS, DirectClient
from llmlabel.llm.label_scores import TokenAlternatives
from llmlabel.llm.limits import Limits
from llmlabel.llm.mapping import may_be_billed, redact, translate
from llmlabel.llm.prices import Price, listed_price, nano, worst_tokens
from llmlabel.llm.protocol import Prompt, Usage
from llmlabel.llm.provider import Provider
from llmlabel.llm.retry import Retry
from llmlabel.llm.unbroken import unbroken
from llmlabel.llm.vendor import cost_usd, litellm, supported_parameters, thinks

_CHARS_PER_TOKEN = 3.0
_MOST_TOKENS = 1e12


@dataclass(frozen=True)
class Completion:
    """What a provider wrote; `tokens` is empty where it gave no log-probabilities."""

    text: str
    finish: str
    tokens: tuple[TokenAlternatives, ...]
    usage: Usage


@dataclass
class _Bill:
    """What is known of the cost of a call: nothing is due before it is sent."""

    may_be_due: bool = False
    cost_usd: float | None = None


class RemoteCaller:
    """Sends a chat to one model of one provider."""

    def __init__(
        self,
        model: str,
        api_key: str | None,
        api_base: str | None,
        timeout: float,
        limits: Limits,
        retry: Retry,
        *,
        provider: Provider | None = None,
        patient: bool = True,
        budget: Budget | None = None,
        price: Price | None = None,
        direct: bool = True,
    ) -> None:
        """Keep what every call needs; nothing is imported or connected yet."""
        self._model = model
        self._api_key = api_key
        self._api_base = api_base
        self._timeout = timeout
        self._limits = limits
        self._retry = retry
        self._provider = provider
        self._patient = patient
        self._budget = budget
        self._price = price
        self._supported: frozenset[str] | None = None
        self._thinks: bool | None = None
        word, _, self._bare = model.partition("/")
        self._direct = (
            DirectClient(word, api_base, api_key, timeout)
            if direct and api_base and "?" not in api_base and word in PROVIDERS
            else None
        )

    def supports(self, parameter: str) -> bool:
        """Whether the provider's interface has the parameter at all."""
        if self._supported is None:
            self._supported = supported_parameters(self._model)
        return parameter in self._supported

    @property
    def thinks(self) -> bool:
        """Whether litellm knows the model to reason before it answers."""
        if self._thinks is None:
            self._thinks = thinks(self._model)
        return self._thinks

    async def close(self) -> None:
        """Close the connections, where they are ours: litellm keeps its own and closes them."""
        if self._direct is not None:
            await self._direct.close()

    async def complete(
        self, prompt: Prompt, max_tokens: int, parameters: Mapping[str, Any]
    ) -> Completion:
        """One completion of the chat, after as many attempts as it may take.

        Raises:
            ModelError: Whatever went wrong, in our words, without keys.
        """
        begun = time.monotonic()
        messages = [message.model_dump() for message in prompt.messages]
        response = await self._retry.call(lambda: self._attempt(messages, max_tokens, parameters))
        try:
            return self._read(response, time.monotonic() - begun)
        except (AttributeError, TypeError, ValueError) as error:
            raise ReplyUnreadable(
                f"{self._model} sent a reply of another form than that of chat completions: "
                f"{redact(str(error), self._api_key)}"
            ) from None

    async def _attempt(
        self, messages: list[dict[str, Any]], max_tokens: int, parameters: Mapping[str, Any]
    ) -> Any:
        request = self._request(messages, max_tokens, parameters)
        # Four tokens a message are the role and its marks in the common chat formats.
        prompt_tokens = sum(4 + len(m["content"]) / _CHARS_PER_TOKEN for m in messages)
        async with self._limits.call(prompt_tokens + max_tokens) as grant:
            async with self._paid(worst_tokens(messages, parameters), max_tokens) as bill:
                response, used = await self._sent(request, prompt_tokens + max_tokens, bill)
            if used:
                self._limits.correct(grant, used)
        return response

    async def _sent(
        self, request: dict[str, Any], tokens: float, bill: _Bill
    ) -> tuple[Any, float | None]:
        leave = None
        if self._provider is not None:
            leave = await self._provider.enter(
                tokens, longest=self._retry.max_wait, patient=self._patient
            )
        bill.may_be_due = True
        error: ModelError | None = None
        used: float | None = None
        try:
            async with asyncio.timeout(self._timeout + 1.0):
                response = await self._ask(request)
            used = _tokens_used(response)
            if used:
                bill.cost_usd = self._cost(response)
        except Exception as exc:
            error = translate(exc, model=self._model, secret=self._api_key)
            bill.may_be_due = may_be_billed(exc)
            if isinstance(error, ModelBusy) and error.retry_after is not None:
                self._pause_for(error.retry_after)
            # Not `from exc`: the vendor's exception can hold the request and its key.
            raise error from None
        except BaseException:
            if leave is not None and self._provider is not None:
                await unbroken(self._provider.broken_off(leave))
                leave = None
            raise
        finally:
            if leave is not None and self._provider is not None:
                await self._provider.left(leave, used, error)
        return response, used

    async def _ask(self, request: dict[str, Any]) -> Any:
        if self._direct is not None:
            return await self._direct.complete({**request, "model": self._bare})
        request |= {
            "model": self._model,
            "timeout": self._timeout,
            # Retries are ours: the openai client underneath would else add its own two.
            "max_retries": 0,
            "num_retries": 0,
        }
        if self._api_key:
            request["api_key"] = self._api_key
        if self._api_base:
            request["api_base"] = self._api_base
            # A self-hosted server needs no key, but the client insists on having one.
            if f"{self._model.partition('/')[0].upper()}_API_KEY" not in os.environ:
                request.setdefault("api_key", "none")
        return await litellm().acompletion(**request)

    @asynccontextmanager
    async def _paid(self, prompt_tokens: int, max_tokens: int) -> AsyncIterator[_Bill]:
        """Set aside what a call may cost at most, and count what it cost in the end."""
        bill = _Bill()
        if self._budget is None:
            yield bill
            return
        worst = 0
        if self._budget.is_hard:
            price = self._price or listed_price(self._model)
            if price is None:
                raise PriceUnknown(
                    f"A budget is set, and what {self._model} costs is not known; add "
                    f"{self._model}=PROMPT:COMPLETION to LLMLABEL_LLM_PRICES, in US dollars per "
                    "million tokens (0:0 for a model of your own)."
                )
            worst = nano(price.cost(prompt_tokens, max_tokens))
        reserved = await self._budget.reserve(worst)
        try:
            yield bill
        finally:
            cost = worst if bill.may_be_due else 0
            if bill.cost_usd is not None:
                cost = nano(bill.cost_usd)
            await self._budget.settle(reserved, cost)

    def _cost(self, response: Any) -> float | None:
        if self._price == Price(0.0, 0.0):
            return 0.0
        usage = _get(response, "usage")
        read = _number(_get(usage, "prompt_tokens"))
        if not read:
            return None  # it did not say; that is not nothing
        if self._price is not None:
            return self._price.cost(read, _number(_get(usage, "completion_tokens")))
        return cost_usd(self._model, response)

    def _pause_for(self, seconds: float) -> None:
        if self._retry.would_wait(seconds):
            self._limits.pause(seconds)

    def _request(
        self, messages: list[dict[str, Any]], max_tokens: int, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        request: dict[str, Any] = {"messages": messages, **parameters}
        if "temperature" in request and not self.supports("temperature"):
            del request["temperature"]  # reasoning models fix it
        name = "max_tokens" if self.supports("max_tokens") else "max_completion_tokens"
        request[name] = max_tokens
        return request

    def _read(self, response: Any, seconds: float) -> Completion:
        choices = _get(response, "choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        message = _get(choice, "message")
        if message is None:
            raise ReplyUnreadable(f"{self._model} sent a reply without choices.")
        refusal = _get(message, "refusal") or _get(
            _get(message, "provider_specific_fields"), "refusal"
        )
        if refusal:
            said = redact(str(refusal), self._api_key)
            raise ModelRefused(f"{self._model} declined to answer: {said}")
        finish = str(_get(choice, "finish_reason") or "stop")
        if finish in {"content_filter", "refusal"}:
            raise ModelRefused(f"A content filter of {self._model} stopped the answer.")
        content = _get(message, "content") or ""
        if not isinstance(content, str):
            raise TypeError("`content` is no text")
        return Completion(
            text=content,
            finish="length" if finish == "length" else "stop",
            tokens=_tokens_of(choice),
            usage=self._usage(response, seconds),
        )

    def _usage(self, response: Any, seconds: float) -> Usage:
        usage = _get(response, "usage")
        return Usage(
            prompt_tokens=_number(_get(usage, "prompt_tokens")),
            completion_tokens=_number(_get(usage, "completion_tokens")),
            cost_usd=self._cost(response),
            seconds=seconds,
        )


def add_usage(parts: list[Usage]) -> Usage:
    """The sum of several calls for one prompt; one unknown cost makes the sum unknown."""
    costs = [part.cost_usd for part in parts]
    known = [cost for cost in costs if cost is not None]
    return Usage(
        prompt_tokens=sum(part.prompt_tokens for part in parts),
        completion_tokens=sum(part.completion_tokens for part in parts),
        cost_usd=sum(known) if len(known) == len(costs) else None,
        seconds=sum(part.seconds for part in parts),
    )


def _tokens_of(choice: Any) -> tuple[TokenAlternatives, ...]:
    content = _get(_get(choice, "logprobs"), "content") or ()
    return tuple(
        TokenAlternatives(
            token=str(_get(step, "token") or ""),
            logprob=_logprob(step),
            alternatives=tuple(
                (str(_get(other, "token") or ""), _logprob(other))
                for other in _get(step, "top_logprobs") or ()
            ),
        )
        for step in content
    )


def _logprob(step: Any) -> float:
    value = float(_get(step, "logprob") or 0.0)
    if math.isnan(value):
        raise ValueError("a log-probability is no number")
    return value


def _tokens_used(response: Any) -> int:
    """Prompt and completion together; 0 where the provider does not say."""
    usage = _get(response, "usage")
    parts = (_get(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    return _number(_get(usage, "total_tokens")) or sum(map(_number, parts))


def _number(value: Any) -> int:
    """A count of tokens; 0 for what is none."""
    return int(value) if isinstance(value, int | float) and 0 < value < _MOST_TOKENS else 0


def _get(thing: Any, name: str) -> Any:
    """A field of litellm's object, or of a plain dictionary; None where there is none."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)
