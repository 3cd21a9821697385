"""A value that is made anew in the background, so that whoever asks for it never waits long."""

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
        make: Called on a thread of its own, never by two at once.
        seconds: For how long a value is good.
        wait: Who asks waits so many seconds for a new value; then an old one must do.
        clock: Tells seconds.
    """

    def __init__(
        self,
        make: Callable[[], T],
        seconds: float,
        wait: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._wait = wait
        self._clock = clock
        self._state = threading.Condition()
        self._making = False
        self._until = float("-inf")
        self._value: T | None = None
        self._error: Exception | None = None

    def get(self) -> T | None:
        """The value, None where the first one is not there yet.

        Raises: what `make` raised when it was last called; the next to ask has it called again.
        """
        with self._state:
            if not self._making and self._clock() >= self._until:
                self._making = True
                threading.Thread(target=self._renew, name="metrics", daemon=True).start()
            self._state.wait_for(lambda: not self._making, self._wait)
            if self._error is not None:
                raise self._error
            return self._value

    def _renew(self) -> None:
        begun = self._clock()
        value, error = None, None
        try:
            value = self._make()
        except Exception as raised:
            error = raised
        ended = self._clock()
        with self._state:
            self._making = False
            self._error = error
            if error is None:
                self._value = value
                self._until = ended + max(self._seconds, SHARE * (ended - begun))
            self._state.notify_all()
