"""Signs of life while something long runs, so that nobody takes it over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from llmlabel.errors import LlmlabelError
from llmlabel.telemetry import told

BEAT_SECONDS = 10.0

log = structlog.get_logger()


class Heartbeat:
    """Beats on a thread of its own: no computation and no busy event loop holds it up.

    Args:
        beat: Gives a sign of life; False says that it comes too late.
        seconds: Between two signs.
    """

    def __init__(self, beat: Callable[[], bool], seconds: float = BEAT_SECONDS) -> None:
        self._beat = beat
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.lost = False

    def _run(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                if not self._beat():
                    self.lost = True
                    return
            except LlmlabelError as error:
                log.warning("no sign of life could be given", **told(error))

    def __enter__(self) -> Self:
        """Begin to beat."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop beating."""
        self._over.set()
        self._thread.join()
