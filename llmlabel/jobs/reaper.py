"""Finds workers that went silent and hands on what they had begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import datetime

import sqlalchemy as sa
import structlog

from llmlabel.jobs.identity import is_gone
from llmlabel.store import Store
from llmlabel.store.work import LONG_AGO

LOST_SECONDS = 60.0
"""A worker that gave no sign of life for so long is lost."""

STRAY_SECONDS = 30.0
"""A job that this worker holds and does not do for so long was lost on its way here."""

log = structlog.get_logger()


class Reaper:
    """Queues again what lost workers had begun; every worker has one, and one of them acts.

    Silence is measured by the clock of whoever listens: a sign of life that stays the same for a
    minute is none. So a clock that is moved, or wrong on some host, makes nobody look dead. A
    process of this machine that is gone, and one that stopped in order, is known at once.

    What is queued again keeps the attempts that were counted for each document.

    Args:
        store: Of the default project, whose database holds the queue and the signs of life.
        worker: The one that listens.
        doing: The jobs that it does now.
        seconds: Of silence.
        stray_seconds: Until a job that this worker holds and does not do is queued again.
        clock: Tells seconds, however the time of day is set.
    """

    def __init__(
        self,
        store: Store,
        worker: str,
        doing: Callable[[], Collection[str]],
        *,
        seconds: float = LOST_SECONDS,
        stray_seconds: float = STRAY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._worker = worker
        self._doing = doing
        self._seconds = seconds
        self._stray_seconds = stray_seconds
        self._clock = clock
        self._heard: dict[str, tuple[datetime, float]] = {}
        self._idle: dict[str, float] = {}
        self._last = clock()
        schema = None if store.database.is_sqlite else "dbos"
        columns = ("workflow_uuid", "status", "executor_id", "owner_xid", "updated_at")
        more = ("started_at_epoch_ms",)
        self._jobs = sa.table(
            "workflow_status", *(sa.column(name) for name in (*columns, *more)), schema=schema
        )

    def __call__(self) -> list[str]:
        """Look once, and act; returns the workers that were lost."""
        now = self._clock()
        if now - self._last > self._seconds / 2:
            self._heard.clear()  # who did not listen knows of no silence
        self._last = now
        signs = self._store.work.signs()
        signs.pop(self._worker, None)
        self._heard = {
            id: self._heard[id] if self._heard.get(id, (None,))[0] == seen else (seen, now)
            for id, seen in signs.items()
        }
        lost = [
            id
            for id, (seen, since) in self._heard.items()
            if seen == LONG_AGO or is_gone(id) or now - since >= self._seconds
        ]
        return [id for id in lost if self._hand_on(id, self._heard[id][0])]

    def hand_back(self) -> None:
        """Queue again what this worker leaves, and forget it: it stops."""
        signs = self._store.work.signs()
        if self._worker in signs:
            self._hand_on(self._worker, signs[self._worker])

    def _hand_on(self, worker: str, seen: datetime) -> bool:
        with self._store.database.write() as connection:
            self._store.database.exclusive(connection, "reaper")
            if not self._store.work.strike_out(connection, worker, seen):
                return False  # it lives after all, or another was faster
            jobs = self._queue_again(connection, self._jobs.c.executor_id == worker)
        if jobs:
            log.warning("work of a worker handed on", worker=worker, jobs=jobs)
        return True

    def find_strays(self) -> int:
        """Queue again the jobs given to this worker that never reached it; returns how many.

        A connection that breaks just when a job is taken leaves it so.
        """
        now = self._clock()
        mine = sa.select(self._jobs.c.workflow_uuid).where(
            self._jobs.c.executor_id == self._worker, self._jobs.c.status == "PENDING"
        )
        with self._store.database.read() as connection:
            held = set(connection.execute(mine).scalars())
        idle = held - set(self._doing())
        self._idle = {id: self._idle.get(id, now) for id in idle}
        strays = [id for id, since in self._idle.items() if now - since >= self._stray_seconds]
        if not strays:
            return 0
        with self._store.database.write() as connection:
            found = self._queue_again(
                connection,
                self._jobs.c.executor_id == self._worker,
                self._jobs.c.workflow_uuid.in_(strays),
            )
        log.warning("jobs lost on their way", jobs=found)
        return found

    def _queue_again(self, connection: sa.Connection, *where: sa.ColumnElement[bool]) -> int:
        # With its owner goes the right of whoever had it to say how it ended.
        return connection.execute(
            sa.update(self._jobs)
            .where(self._jobs.c.status == "PENDING", *where)
            .values(
                status="ENQUEUED",
                owner_xid=None,
                started_at_epoch_ms=None,
                updated_at=int(time.time() * 1000),
            )
        ).rowcount
