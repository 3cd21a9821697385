"""When jobs may begin, how many are under way, and who works alone: of one process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import structlog

from llmlabel.errors import StoreUnavailable
from llmlabel.jobs.durable import Stopped
from llmlabel.jobs.turns import Turns
from llmlabel.telemetry import told

T = TypeVar("T")

# Seconds until the database is tried again; they double.
FIRST_WAIT = 0.5
LONGEST_WAIT = 10.0

log = structlog.get_logger()


class Shift:
    """Lets jobs begin while the process works, and lets it end when they have ended.

    Args:
        at_once: Jobs of each kind under way at once; any number of a kind that is not named.
    """

    def __init__(self, at_once: Mapping[str, int] | None = None) -> None:
        self.turns = Turns()
        self._at_once = dict(at_once or {})
        self._state = threading.Condition()
        self._ready = False
        self._closed = False
        self._active: Counter[str] = Counter()

    def open(self) -> None:
        """Let jobs begin."""
        with self._state:
            self._ready = True
            self._state.notify_all()

    def close(self) -> None:
        """Let no more job begin."""
        with self._state:
            self._closed = True
            self._state.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until no job is under way; False when time is up."""
        with self._state:
            return self._state.wait_for(lambda: not self._active.total(), timeout)

    @contextmanager
    def under_way(self, kind: str) -> Iterator[None]:
        """Wait until a job of this kind may begin, and be counted among those under way.

        Raises:
            Stopped: No more job may begin.
        """
        with self._state:
            # The queue recovers jobs from its first moment; the rest of the process follows.
            self._state.wait_for(lambda: self._closed or (self._ready and self._has_room(kind)))
            if self._closed:
                raise Stopped
            self._active[kind] += 1
        try:
            yield
        finally:
            with self._state:
                self._active[kind] -= 1
                self._state.notify_all()

    def refuse_closed(self) -> None:
        """Go on only while jobs may begin.

        Raises:
            Stopped: No more job may begin.
        """
        with self._state:
            if self._closed:
                raise Stopped

    def outlast(self, work: Callable[[], T]) -> T:
        """Do what needs the database, again and again while that cannot be used.

        Raises:
            Stopped: The process stops, and the database still cannot be used.
        """
        wait = FIRST_WAIT
        while True:
            try:
                return work()
            except StoreUnavailable as error:
                log.warning("work waits for the database", seconds=wait, **told(error))
                with self._state:
                    if self._state.wait_for(lambda: self._closed, wait):
                        raise Stopped from error
                wait = min(2 * wait, LONGEST_WAIT)

    def _has_room(self, kind: str) -> bool:
        return kind not in self._at_once or self._active[kind] < self._at_once[kind]
