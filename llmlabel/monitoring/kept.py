"""A value that is made anew only after a while, and never by two at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

SHARE = 20.0
"""What takes a second is made at most every 20: it costs at most a twentieth of a core."""


class Kept(Generic[T]):
    """Keeps what `make` gave for some seconds, longer where it took long.

    Args:
        make: Called in the thread of who asks.
        seconds: For how long a value is good.
        clock: Tells seconds.
    """

    def __init__(
        self, make: Callable[[], T], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._turn = threading.Lock()
        self._until = float("-inf")
        self._value: T | None = None

    def get(self) -> T:
        """The value; what `make` raises is raised, and nothing is kept of it."""
        with self._turn:
            if self._clock() >= self._until:
                begun = self._clock()
                self._value = self._make()
                ended = self._clock()
                self._until = ended + max(self._seconds, SHARE * (ended - begun))
            assert self._value is not None
            return self._value
