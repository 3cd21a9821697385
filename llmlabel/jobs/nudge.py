"""DBOS asks the database for jobs at intervals; here it asks when it is nudged, and for less."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

_NAMES = "queue-worker-"
"""How DBOS names the thread of a queue."""

REREAD_SECONDS = 5.0
"""For so long what the database says of a queue itself is believed."""

KEPT = 1000
NOT_OVER = ("ENQUEUED", "PENDING")
"""A job that waits, and one that has begun."""


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


class Looks:
    """What the threads of the queues ask the database, without what they need not ask.

    Made before an instance of DBOS is launched, and told of it afterwards. Were DBOS's parts
    named otherwise one day, it would fail here at once, and not later.
    """

    def __init__(self, dbos: Any) -> None:
        from dbos._core import ActiveWorkflowById  # noqa: PLC0415

        self.nudges = nudges = Nudges()
        self._emptied = emptied = set[str]()
        self._queues: dict[str, tuple[float, Any]] = {}
        self._attributes: dict[str, Any] = {}

        class Active(ActiveWorkflowById):
            """Has a queue looked into when a job ends, where the last look left some."""

            def _remove(self, key: str, bucket: Any) -> None:
                super()._remove(key, bucket)
                if bucket is not None and bucket[0] not in emptied:
                    nudges.nudge(bucket[0])

        dbos.background_thread_stop_events = nudges
        dbos._active_workflows_set = Active()

    def launched(self, dbos: Any) -> None:
        """Stand between its threads and its tables from now on."""
        tables = dbos._sys_db
        jobs = tables.tables.workflow_status.c
        # As the index of what is not over yet says it, or SQLite looks through what is over too.
        waits, begun = [sa.literal_column(f"'{status}'", sa.String()) for status in NOT_OVER]
        some = sa.exists().where(
            jobs.queue_name == sa.bindparam("queue"),
            jobs.status == waits,
            jobs.status.in_([waits, begun]),
        )
        self._waits = sa.select(some)
        self._reader = tables.engine
        if self._reader.dialect.name == "postgresql":
            # One statement needs no transaction around it, which the server would be told of.
            self._reader = self._reader.execution_options(isolation_level="AUTOCOMMIT")
        self._begin, tables.start_queued_workflows = tables.start_queued_workflows, self.begin
        self._get, tables.get_queue = tables.get_queue, self.queue
        self._read, tables.get_workflow_statuses = tables.get_workflow_statuses, self.read

    def begin(
        self,
        queue: Any,
        executor: str,
        version: str,
        part: str | None,
        running: int = 0,
        *others: Any,
        **named: Any,
    ) -> Any:
        """Claim the next jobs of a queue, and note whether it was left empty."""
        # From the start of the look: a job that ends meanwhile asks for another.
        self._emptied.discard(queue.name)
        if not self._any(queue.name):
            self._emptied.add(queue.name)
            return [], None
        # Every job says its version, so who has the latest one need not be asked.
        named["is_latest_version"] = False
        found = self._begin(queue, executor, version, part, running, *others, **named)
        at_once = queue._worker_concurrency
        if len(found[0]) < (sys.maxsize if at_once is None else at_once) - running:
            self._emptied.add(queue.name)
        return found

    def _any(self, name: str) -> bool:
        """Whether a job waits; to ask costs a tenth of what it costs to claim none."""
        with self._reader.connect() as connection:
            return bool(connection.execute(self._waits, {"queue": name}).scalar())

    def queue(self, name: str, **named: Any) -> Any:
        """How a queue is worked on, as the database said not long ago."""
        if named:
            return self._get(name, **named)
        read, known = self._queues.get(name, (0.0, None))
        if known is None or time.monotonic() - read > REREAD_SECONDS:
            known = self._get(name)
            self._queues[name] = time.monotonic(), known
        return known

    def read(self, ids: Sequence[str]) -> Any:
        """The jobs just claimed; what came with them is kept for when they begin."""
        jobs = self._read(ids)
        if len(self._attributes) > KEPT:  # of jobs that never began
            self._attributes.clear()
        self._attributes.update({job["workflow_uuid"]: job["attributes"] for job in jobs})
        return jobs

    def attributes(self, id: str) -> Any:
        """What came with a job that begins; None where that is not known, and once only."""
        return self._attributes.pop(id, None)
