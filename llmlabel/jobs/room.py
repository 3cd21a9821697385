"""How much more work may wait: what is accepted must be bounded by what is done."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

from llmlabel.errors import QueueFull
from llmlabel.store import Store

FRESH_SECONDS = 1.0
"""For so long a count is good; several processes may together pass the limit by what they accept
in that time."""

WINDOW_SECONDS = 60.0
"""Of the last so many seconds the rate is measured at which work is done."""

UNKNOWN_SECONDS = 30.0
"""What a client is asked to wait where nothing was done lately."""

LONGEST_SECONDS = 600.0


class Room:
    """Counts what waits in a project, and says when there will be room for more.

    Args:
        store: Of the project.
        limit: Documents that may wait, once for each guideline asked of them.
        clock: Tells seconds.
    """

    def __init__(
        self, store: Store, limit: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._counted_at = float("-inf")
        self._waiting = 0
        self._made: deque[tuple[float, int]] = deque()

    def left(self) -> int:
        """How many more there is room for.

        Raises:
            StoreUnavailable: The database cannot be read.
        """
        with self._lock:
            now = self._clock()
            if now - self._counted_at >= FRESH_SECONDS:
                self._count(now)
            return max(0, self._limit - self._waiting)

    def check(self, wanted: int) -> None:
        """Refuse what there is no room for.

        Raises:
            QueueFull: It says when there will be.
        """
        left = self.left()
        if wanted <= left or not wanted:
            return
        wait = self._wait_for(wanted - left)
        raise QueueFull(
            f"{self._limit - left:,} documents wait, counted once for each guideline asked of "
            f"them, and at most {self._limit:,} may; {wanted:,} more have no room. Send them "
            f"again in {wait} seconds, in smaller lists, or raise LLMLABEL_MAX_WAITING.",
            retry_after=wait,
        )

    def taken(self, accepted: int) -> None:
        """So many were accepted."""
        with self._lock:
            self._waiting += accepted

    def _count(self, now: float) -> None:
        self._waiting = self._store.work.count_waiting(self._limit + 1)
        self._made.append((now, self._store.work.labels_made()))
        while self._made[0][0] < now - WINDOW_SECONDS:
            self._made.popleft()
        self._counted_at = now

    def _wait_for(self, places: int) -> int:
        with self._lock:
            (begun, before), (ended, after) = self._made[0], self._made[-1]
        rate = (after - before) / (ended - begun) if ended > begun else 0.0
        seconds = places / rate if rate > 0 else UNKNOWN_SECONDS
        return math.ceil(min(max(seconds, 1.0), LONGEST_SECONDS))
