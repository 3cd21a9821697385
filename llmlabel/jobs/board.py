"""A notice board: threads that wait learn at once that something was settled."""

from __future__ import annotations

import threading


class Board:
    """Counts notices; a waiter that saw an older count wakes up."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._version = 0

    @property
    def version(self) -> int:
        """How many notices there were; read it before looking at what they are about."""
        with self._condition:
            return self._version

    def post(self) -> None:
        """Wake everybody up."""
        with self._condition:
            self._version += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout: float) -> None:
        """Wait for a notice after the version `seen`, or until `timeout` seconds are over."""
        with self._condition:
            self._condition.wait_for(lambda: self._version != seen, timeout)
