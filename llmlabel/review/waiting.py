"""How many items wait, counted again and again at a bounded cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable

from llmlabel.domain.review import Waiting

_KEPT = 256


class WaitingCounts:
    """Remembers a count for as long as twenty times what it took to count.

    A short queue is counted at every call and the number is exact; a long one costs no more
    than a twentieth of the database's time, and its number is a second or so old.

    Args:
        now: Seconds that only grow.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, Waiting]] = {}

    def of(self, key: Hashable, count: Callable[[], Waiting]) -> Waiting:
        """The count under a key, counted now or a moment ago."""
        began = self._now()
        with self._lock:
            until, waiting = self._kept.get(key, (0.0, None))
        if waiting is not None and began < until:
            return waiting
        waiting = count()
        took = self._now() - began
        with self._lock:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = (began + 21 * took if took > 0.01 else began, waiting)
        return waiting
