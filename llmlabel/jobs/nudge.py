"""DBOS asks the database for jobs at intervals; a nudge has it ask now."""

from __future__ import annotations

import threading
from typing import Any

_NAMES = "queue-worker-"
"""How DBOS names the thread of a queue."""


class Nudges(list[threading.Event]):
    """In the place of DBOS's list of the events that end its threads.

    The thread of a queue sleeps on such an event between two looks. Events that are put into
    this list can wake it before its time as well.
    """

    def append(self, event: threading.Event) -> None:
        """Take an event that no thread waits for yet."""
        event.__class__ = _Nudged
        event.__dict__["bell"] = threading.Condition()
        event.__dict__["nudged"] = set()
        super().append(event)

    def nudge(self, queue: str) -> None:
        """Have a queue looked into now; nothing happens where it is not worked on."""
        for event in self:
            if isinstance(event, _Nudged):
                event.nudge(_NAMES + queue)


class _Nudged(threading.Event):
    bell: threading.Condition
    nudged: set[str]

    def nudge(self, thread: str) -> None:
        with self.bell:
            self.nudged.add(thread)
            self.bell.notify_all()

    def set(self) -> None:
        super().set()
        with self.bell:
            self.bell.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Whether the end has come; False as well when this thread was nudged."""
        name = threading.current_thread().name
        with self.bell:
            self.bell.wait_for(lambda: self.is_set() or name in self.nudged, timeout)
            self.nudged.discard(name)
        return self.is_set()


def nudges_of(dbos: Any) -> Nudges:
    """Have an instance of DBOS take nudges, and nudge itself where a job makes room for another.

    Before it is launched. Were its parts named otherwise one day, it would ask at intervals only.
    """
    from dbos._core import ActiveWorkflowById  # noqa: PLC0415

    nudges = Nudges()

    class Active(ActiveWorkflowById):
        def _remove(self, key: str, bucket: Any) -> None:
            super()._remove(key, bucket)
            if bucket is not None:
                nudges.nudge(bucket[0])

    dbos.background_thread_stop_events = nudges
    dbos._active_workflows_set = Active()
    return nudges
