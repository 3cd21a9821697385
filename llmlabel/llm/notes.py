"""Short texts under a name that all workers share: what is known of each provider."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import structlog

from llmlabel.errors import StoreUnavailable

T = TypeVar("T")

Change = Callable[[str | None, float], tuple[str | None, T]]
"""Given a note (None: there is none) and the time, gives the new one (None: as it was) and a
result."""

ALONE_SECONDS = 10.0
"""So long a process goes on by itself before it tries a database again that did not answer."""


class Notes(Protocol):
    """Notes and the clock that goes with them. Every method blocks for a short moment."""

    def change(self, name: str, change: Change[T]) -> T:
        """Replace a note, alone: nobody else reads or writes it meanwhile.

        Raises:
            StoreUnavailable: The notes cannot be reached.
        """
        ...

    def every(self, prefix: str) -> tuple[Mapping[str, str], float]:
        """All notes whose names begin so, and the time, in seconds since 1970.

        Raises:
            StoreUnavailable: The notes cannot be reached.
        """
        ...


class LocalNotes:
    """Notes of one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._notes: dict[str, str] = {}
        self._lock = threading.Lock()

    def change(self, name: str, change: Change[T]) -> T:
        """Replace a note; see `Notes.change`."""
        with self._lock:
            value, result = change(self._notes.get(name), self._clock())
            if value is not None:
                self._notes[name] = value
            return result

    def every(self, prefix: str) -> tuple[Mapping[str, str], float]:
        """All notes whose names begin so; see `Notes.every`."""
        with self._lock:
            found = {k: v for k, v in self._notes.items() if k.startswith(prefix)}
        return found, self._clock()


class SharedNotes:
    """The database's notes; while it does not answer, those of this process, as the log says.

    Args:
        shared: Gives the notes all workers share; None where there are none, as when a file is
            labeled without a database.
        clock: Monotonic seconds; a test may give its own.
    """

    def __init__(
        self, shared: Callable[[], Notes | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._local = LocalNotes()
        self._alone_until: float | None = None
        self._log = structlog.get_logger(__name__)

    def change(self, name: str, change: Change[T]) -> T:
        """Replace a note; see `Notes.change`. Never raises StoreUnavailable."""
        return self._use(lambda notes: notes.change(name, change))

    def every(self, prefix: str) -> tuple[Mapping[str, str], float]:
        """All notes whose names begin so; see `Notes.every`. Never raises StoreUnavailable."""
        return self._use(lambda notes: notes.every(prefix))

    def _use(self, action: Callable[[Notes], T]) -> T:
        if self._alone_until is not None and self._clock() < self._alone_until:
            return action(self._local)
        try:
            shared = self._shared()
            if shared is None:
                return action(self._local)
            done = action(shared)
        except StoreUnavailable as error:
            if self._alone_until is None:
                self._log.warning(
                    "the limits of providers hold for this process alone: the database that all "
                    "workers share does not answer",
                    reason=error.detail,
                )
            self._alone_until = self._clock() + ALONE_SECONDS
            return action(self._local)
        if self._alone_until is not None:
            self._alone_until = None
            self._log.info("the limits of providers are shared again")
        return done
