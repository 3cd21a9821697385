"""What is counted again and again, at a bounded cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

QUICK = 0.01
"""What takes no longer, in seconds, is counted at every call."""

TIMES = 20
"""Anything else is remembered for so many times as long as it took."""

_KEPT = 256


class Remembered:
    """Counts of a queue that takes a while to count.

    A short queue is counted at every call and the number is exact; a long one costs no more
    than a twentieth of the database's time, and its number is a second or so old.

    Args:
        now: Seconds that only grow.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[Hashable, tuple[float, Any]] = {}

    def of(self, key: Hashable, count: Callable[[], T]) -> T:
        """The count under a key, counted now or a moment ago."""
        began = self._now()
        with self._lock:
            known = self._kept.get(key)
        if known is not None and began < known[0]:
            kept: T = known[1]
            return kept
        counted = count()
        ended = self._now()
        took = ended - began
        with self._lock:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[key] = (ended + (TIMES * took if took > QUICK else 0.0), counted)
        return counted
