"""Retries: only what may succeed, with full jitter, and as long as the provider asks to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, stop_after_attempt, wait_random_exponential
from tenacity.retry import retry_if_exception

from llmlabel.errors import CircuitOpen, ModelBusy, ModelUnreachable, ReplyUnreadable

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


class Retry:
    """Repeats a call that may succeed later.

    A rate limit (`ModelBusy`), a server that cannot be reached or fails, a timeout and a broken
    response body are tried again; a rejected request, a rejected key and a refusal are not. The
    wait before attempt n is drawn from [0, min(max_wait, 0.5 s · 2^(n-1))], never shorter than
    the Retry-After the provider sent. A Retry-After beyond `max_wait` gives up at once.

    Source of the jitter: Brooker 2015, "Exponential Backoff and Jitter" (full jitter).
    """

    def __init__(
        self, attempts: int = 4, max_wait: float = 60.0, *, sleep: Sleep | None = None
    ) -> None:
        """Set the limits.

        Args:
            attempts: Calls made at most, the first included.
            max_wait: Longest wait between two attempts, in seconds.
            sleep: What waits; a test may give its own.
        """
        self._attempts = attempts
        self._max_wait = max_wait
        self._sleep = sleep or asyncio.sleep
        self._jitter = wait_random_exponential(multiplier=0.5, max=max_wait)

    async def call(self, action: Callable[[], Awaitable[T]]) -> T:
        """The result of the first attempt that succeeds, else the error of the last one."""

        async def attempt() -> T:  # tenacity awaits only what it sees to be a coroutine function
            return await action()

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._attempts),
            retry=retry_if_exception(self._may_succeed),
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return await retrying(attempt)
        except CircuitOpen:
            raise
        except ModelBusy as busy:
            if busy.retry_after is not None and busy.retry_after > self._max_wait:
                raise ModelBusy(
                    f"{busy.detail}. That is longer than the {self._max_wait:g} s that "
                    "LLMLABEL_LLM_MAX_WAIT_SECONDS allows; try again later.",
                    retry_after=busy.retry_after,
                ) from None
            raise

    @property
    def max_wait(self) -> float:
        """Longest wait between two attempts, in seconds."""
        return self._max_wait

    def would_wait(self, seconds: float) -> bool:
        """Whether a wait of so many seconds is short enough to be made."""
        return seconds <= self._max_wait

    def _may_succeed(self, error: BaseException) -> bool:
        if isinstance(error, CircuitOpen):
            return False  # it was waited for already, as long as may be
        if isinstance(error, ModelBusy):
            return error.retry_after is None or self.would_wait(error.retry_after)
        return isinstance(error, ModelUnreachable | ReplyUnreadable)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, ModelBusy) else None
        return max(self._jitter(state), asked or 0.0)
