"""Who works at the same time: work that may end the process is done while nothing else runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Lets any number of ordinary turns run together, and a suspect one only by itself.

    If the process dies during a suspect's turn, no other work is to blame.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._suspects = 0
        self._alone = False

    @contextmanager
    def take(self, *, alone: bool) -> Iterator[None]:
        """Wait for a turn and hold it; suspects go before others that come later."""
        with self._changed:
            if alone:
                self._suspects += 1
                self._changed.wait_for(lambda: self._running == 0 and not self._alone)
                self._suspects -= 1
                self._alone = True
            else:
                self._changed.wait_for(lambda: not self._alone and not self._suspects)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                if alone:
                    self._alone = False
                self._changed.notify_all()
