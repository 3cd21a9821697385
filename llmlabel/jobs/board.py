"""A notice board: threads and event loops that wait learn at once that something was settled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager


class Board:
    """Counts notices; a waiter that saw an older count wakes up."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._version = 0
        self._listeners: dict[str, list[Callable[[], object]]] = {}

    @property
    def version(self) -> int:
        """How many notices there were; read it before looking at what they are about."""
        with self._condition:
            return self._version

    def post(self, about: Collection[str] = ()) -> None:
        """Wake everybody up who waits, and who listens for one of these ids."""
        with self._condition:
            self._version += 1
            self._condition.notify_all()
            told = [each for id in about for each in self._listeners.get(id, ())]
        for each in told:
            each()

    def wait(self, seen: int, timeout: float) -> None:
        """Wait for a notice after the version `seen`, or until `timeout` seconds are over."""
        with self._condition:
            self._condition.wait_for(lambda: self._version != seen, timeout)

    @contextmanager
    def listening(self, ids: Collection[str], told: Callable[[], object]) -> Iterator[None]:
        """Call `told`, on any thread, at every notice about one of the ids in this block.

        For an event loop, where nothing may block: `told` must not, nor raise.
        """
        with self._condition:
            for id in ids:
                self._listeners.setdefault(id, []).append(told)
        try:
            yield
        finally:
            with self._condition:
                for id in ids:
                    self._listeners[id].remove(told)
                    if not self._listeners[id]:
                        del self._listeners[id]
