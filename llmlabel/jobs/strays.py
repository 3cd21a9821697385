"""What was accepted and has no job is found and queued.

Where a project's database and the queue are two files (projects on SQLite), a transaction is
whole in each of them, but a crash between their commits, or of the machine, can keep it in one
only. What was asked for is written first, so what is lost is never more than its job.
"""

from __future__ import annotations

import time
from datetime import timedelta

import structlog

from llmlabel.jobs.learn import LEARN
from llmlabel.jobs.project import Jobs
from llmlabel.jobs.queue_files import forgotten
from llmlabel.jobs.tasks import LABEL, TRANSCRIBE
from llmlabel.store import Asked, Store
from llmlabel.store.database import Database

LOOK_SECONDS = 60.0
"""How often it is looked."""

OLD = timedelta(seconds=30)
"""What was accepted since needs no look yet."""

log = structlog.get_logger()


class Strays:
    """Call it now and then: it looks after a minute at the earliest.

    Args:
        queue: The default project's database, which holds the queue.
        store: Of a project.
        jobs: Of the same project.
        seconds: Between two looks.
        old: What waits for less time is not looked at.
    """

    def __init__(
        self,
        queue: Database,
        store: Store,
        jobs: Jobs,
        *,
        seconds: float = LOOK_SECONDS,
        old: timedelta = OLD,
    ) -> None:
        self._queue = queue
        self._store = store
        self._jobs = jobs
        self._seconds = seconds
        self._old = old
        self._next = float("-inf")

    def __call__(self) -> int:
        """Queue what waits and has no job; returns how much that was."""
        database = self._store.database
        if database.engine is self._queue.engine or not database.is_sqlite:
            return 0  # one transaction holds both
        if time.monotonic() < self._next:
            return 0
        self._next = time.monotonic() + self._seconds
        moment = database.clock() - self._old
        learning = self._jobs.learning
        if not (self._store.resuming.wait_since(moment) or learning.wait_since(moment)):
            return 0
        found = forgotten(self._queue, [database])[database]
        if not found:
            return 0
        count = self._store.resuming.again(
            [Asked(each.id, each.guideline, each.run) for each in found if each.kind == LABEL],
            [(each.id, each.run) for each in found if each.kind == TRANSCRIBE],
            self._jobs.enqueue,
            self._jobs.enqueue_recording,
        )
        count += learning.again([(each.id, each.run) for each in found if each.kind == LEARN])
        log.warning("what had no job was queued", requests=count)
        return count
