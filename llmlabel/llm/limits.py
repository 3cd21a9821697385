"""How much may be asked of a provider: calls at once, requests and tokens per minute."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

MINUTE = 60.0


@dataclass
class Grant:
    """Leave to make one call, from `at` on (monotonic seconds), and the tokens it counts for."""

    at: float
    tokens: float


class Window:
    """At most `limit` units in any 60 seconds (half-open), granted in the order of asking."""

    def __init__(self, limit: int, weight: Callable[[Grant], float]) -> None:
        """Set the limit; `weight` says the units of a grant, now and after a correction."""
        self._limit = float(limit)
        self._weight = weight
        self._grants: deque[Grant] = deque()

    def earliest(self, now: float, units: float) -> float:
        """The first moment, not before `now` nor before an earlier grant, with room for `units`.

        More units than the limit wait for an empty window: a single huge request passes alone.
        """
        while self._grants and self._grants[0].at <= now - MINUTE:
            self._grants.popleft()
        if not self._grants:
            return now
        moment = max(now, self._grants[-1].at)
        inside = deque(grant for grant in self._grants if grant.at > moment - MINUTE)
        used = sum(self._weight(grant) for grant in inside)
        while inside and used + min(units, self._limit) > self._limit:
            leaves = inside.popleft()
            used -= self._weight(leaves)
            moment = max(moment, leaves.at + MINUTE)
        return moment

    def add(self, grant: Grant) -> None:
        """Count a grant; its moment is not before that of the last one."""
        self._grants.append(grant)


class Limits:
    """One provider's limits, shared by all calls of a process, threads and event loops alike.

    A call reserves its place in line under a lock and then sleeps until its moment, so the
    order is that of asking and nothing is polled.
    """

    def __init__(
        self,
        concurrency: int = 8,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Set the limits.

        Args:
            concurrency: Calls under way at once, per event loop.
            requests_per_minute: Requests in any 60 seconds; None for no limit.
            tokens_per_minute: Prompt and completion tokens in any 60 seconds; None for no limit.
            clock: Monotonic seconds; a test may give its own.
            sleep: What waits; a test may give its own.
        """
        self._concurrency = concurrency
        self._requests = Window(requests_per_minute, lambda _: 1.0) if requests_per_minute else None
        self._tokens = (
            Window(tokens_per_minute, lambda grant: grant.tokens) if tokens_per_minute else None
        )
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._not_before = float("-inf")
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )

    @asynccontextmanager
    async def call(self, tokens: float) -> AsyncIterator[Grant]:
        """Wait for leave to make a call of about `tokens` tokens, and hold it while it runs."""
        async with self._gate():
            grant = self._reserve(tokens)
            while (wait := grant.at - self._clock()) > 0:
                await self._sleep(wait)
            yield grant

    def correct(self, grant: Grant, tokens: float) -> None:
        """Put the tokens a call really took in the place of the estimate."""
        with self._lock:
            grant.tokens = tokens

    def pause(self, seconds: float) -> None:
        """Start no further call for so long: the provider asked all callers to wait."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)

    def _reserve(self, tokens: float) -> Grant:
        with self._lock:
            moment = max(self._clock(), self._not_before)
            if self._requests:
                moment = self._requests.earliest(moment, 1)
            if self._tokens:
                moment = self._tokens.earliest(moment, tokens)
            grant = Grant(moment, tokens)
            if self._requests:
                self._requests.add(grant)
            if self._tokens:
                self._tokens.add(grant)
            return grant

    def _gate(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        with self._lock:
            return self._gates.setdefault(loop, asyncio.Semaphore(self._concurrency))
