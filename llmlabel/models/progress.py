"""How far a pull has come, measured by the bytes that lie on the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from llmlabel.domain.base import Value

POLL_SECONDS = 0.25


class Step(Value):
    """One sign of life of a pull."""

    name: str
    done: int
    total: int
    note: str


Report = Callable[[Step], None]
"""Receives the steps of a pull; may be called from another thread."""


class Meter:
    """Turns what lies in a few folders into steps that only ever grow.

    Neither pip nor the hub's client tells how many bytes it has fetched; the size of what they
    have written does, and costs one look at a handful of files.
    """

    def __init__(self, name: str, total: int, report: Report | None) -> None:
        self._name, self._total, self._report = name, total, report
        self._done = 0
        self._note = ""

    def note(self, note: str) -> None:
        """Say in words what is going on."""
        self._note = note
        self._send(0)

    @contextmanager
    def watching(self, *folders: Path) -> Iterator[None]:
        """Report the growth of the folders while the block runs."""
        if self._report is None:
            yield
            return
        stop = threading.Event()

        def poll() -> None:
            while not stop.wait(POLL_SECONDS):
                self._send(sum(size_of(folder) for folder in folders))

        thread = threading.Thread(target=poll, name="pull-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self._send(sum(size_of(folder) for folder in folders))

    def finish(self) -> None:
        """Everything is there."""
        self._note = "ready"
        self._send(self._total)

    def _send(self, done: int) -> None:
        self._done = max(self._done, min(done, self._total))
        if self._report is not None:
            self._report(Step(name=self._name, done=self._done, total=self._total, note=self._note))


def size_of(folder: Path) -> int:
    """Bytes of all files under a folder; a file that vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
