"""Trainings and certifications in the background: one at a time, through any crash."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
import structlog
from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.errors import Conflict, NotFound, StoreUnavailable, Unsupported
from llmlabel.jobs.attempts import Patience, failure_of
from llmlabel.jobs.durable import Stopped
from llmlabel.jobs.loop import BackgroundLoop
from llmlabel.jobs.shift import Shift
from llmlabel.store import Event, Failure, Store
from llmlabel.telemetry import stage, told

LEARN = "learn"

ASKED, BEGAN, DONE, FAILED = "learn.asked", "learn.began", "learn.done", "learn.failed"
STOPPED = "learn.stopped"  # in good order, to be done by the next process
FOUND = "learn.found"  # without a job in the queue, and given one
KINDS = (ASKED, BEGAN, STOPPED, FOUND, DONE, FAILED)

Learn = Callable[[str, str, str], Awaitable[str]]
"""Does one job, given its id, the guideline (`name@version`) and its argument; returns the id of
what it made. It may be run again from its start, after a crash, and must not do things twice."""

log = structlog.get_logger()


Enqueue = Callable[[sa.Connection, str, str, str, str, int], None]
"""Queues a job (id, what, guideline, argument, run) within a transaction of the store. The run
counts how often it was found without a job in the queue."""


class LearnJob(Value):
    """A training or certification that was asked for, and what became of it."""

    id: str
    what: str = Field(description="train, certify, …")
    guideline: str = Field(description="name@version")
    argument: str = ""
    status: Literal["queued", "done", "failed"]
    result: str | None = Field(default=None, description="Id of what was made.")
    failure: Failure | None = None
    attempts: int = 0
    created_at: datetime
    updated_at: datetime


class Learning:
    """The queue of what is learned and proved. What is known of a job is in the log of events.

    Args:
        store: Keeps the log of events.
        enqueue: Queues a job, so that `run` is called with it.
        loop: Where the work is awaited, beside the labeling.
        works: What can be asked for, by name.
        patience: Retries and crashes allowed.
        shift: Holds the end of the process back while a job runs.
        changed: Told when a job has ended.
    """

    def __init__(
        self,
        store: Store,
        enqueue: Enqueue,
        loop: BackgroundLoop,
        works: Mapping[str, Learn],
        *,
        patience: Patience,
        shift: Shift,
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._enqueue = enqueue
        self._loop = loop
        self._works = works
        self._patience = patience
        self._shift = shift
        self._changed = changed

    def submit(
        self, what: str, guideline: str, argument: str = "", *, id: str | None = None
    ) -> LearnJob:
        """Ask for a training or certification; durable when it returns.

        Args:
            what: `train` or `certify`.
            guideline: `name@version`.
            argument: What the work understands: the promise of a certification.
            id: Of the job; asked for again under the same id it is the same job.

        Raises:
            Unsupported: This process cannot do it.
            Conflict: The id is taken by another job.
            StoreUnavailable: The database cannot be used; nothing is accepted.
        """
        if what not in self._works:
            raise Unsupported(f"This service cannot `{what}`; use the command line.", field="what")
        id = id or f"j-{uuid.uuid4().hex}"
        asked: dict[str, str] = {"what": what, "guideline": guideline, "argument": argument}
        events = self._store.events
        database = self._store.database
        with database.write() as connection:
            database.exclusive(connection, f"{LEARN} {id}")
            known = events.of(id, ASKED)
            if not known:
                events.append_with(connection, ASKED, id, {**asked})
                self._enqueue(connection, id, what, guideline, argument, 0)
        if known and known[0].payload != asked:
            raise Conflict(f"The id `{id[:64]}` is taken by another job.", field="id")
        return self.get(id)

    def get(self, id: str) -> LearnJob:
        """A job as it stands.

        Raises:
            NotFound: None was asked for under that id.
        """
        found = self._store.events.of(id, *KINDS)
        if not any(event.kind == ASKED for event in found):
            raise NotFound(f"No job was asked for under the id `{id[:64]}`.", field="id")
        return _job_of(found)

    def all(self) -> list[LearnJob]:
        """Every job that was asked for, oldest first."""
        by_id: dict[str, list[Event]] = {}
        for event in self._store.events.of_kinds(*KINDS):
            by_id.setdefault(event.subject, []).append(event)
        return [_job_of(found) for found in by_id.values() if any(e.kind == ASKED for e in found)]

    def wait_since(self, moment: datetime) -> bool:
        """Whether a job that was asked for before waits, or is under way."""
        return any(job.status == "queued" and job.created_at < moment for job in self.all())

    def again(self, lost: Sequence[tuple[str, int]]) -> int:
        """Queue jobs anew, given with the run under which the queue lacks them; returns how many.

        One that has ended, or that another process found, is left as it is.
        """
        events, database = self._store.events, self._store.database
        count = 0
        for id, run in lost:
            with database.write() as connection:
                database.exclusive(connection, f"{LEARN} {id}")
                if self.get(id).status == "queued" and len(events.of(id, FOUND)) == run:
                    events.append_with(connection, FOUND, id)
                    [asked] = events.of(id, ASKED)
                    what, guideline, argument = (
                        str(asked.payload[name]) for name in ("what", "guideline", "argument")
                    )
                    self._enqueue(connection, id, what, guideline, argument, run + 1)
                    count += 1
        return count

    def run(self, id: str, what: str, guideline: str, argument: str) -> None:
        """Do a job; what it raises is kept as its failure."""
        with self._shift.under_way(LEARN):
            self._shift.outlast(lambda: self._run(id, what, guideline, argument))

    def _run(self, id: str, what: str, guideline: str, argument: str) -> None:
        if self.get(id).status != "queued":
            return
        failure = self._patience.gave_up(self._crashes(id))
        if failure is not None:
            self.fail(id, failure)
            return
        self._store.events.append(BEGAN, id)

        async def work() -> str:
            with stage(what, guideline=guideline):
                return await self._works[what](id, guideline, argument)

        try:
            result = self._loop.run(self._patience.ask(work))
            self._store.events.append_once(DONE, id, {"result": result})
        except (Stopped, StoreUnavailable):
            # It says nothing of the work.
            self._shift.outlast(lambda: self._store.events.append(STOPPED, id))
            raise
        except Exception as error:
            log.warning("learning failed", what=what, guideline=guideline, **told(error))
            self.fail(id, failure_of(error))
        else:
            self._changed()

    def _crashes(self, id: str) -> int:
        """How often the process ended in the middle of a job."""
        return len(self._store.events.of(id, BEGAN)) - len(self._store.events.of(id, STOPPED))

    def fail(self, id: str, failure: Failure) -> None:
        """Say why a job will never be done."""
        self._store.events.append_once(FAILED, id, {**failure.model_dump()})
        self._changed()


def _job_of(events: Sequence[Event]) -> LearnJob:
    """A job as its events tell, oldest first."""
    found = {event.kind: event for event in reversed(events)}
    asked = {name: str(value) for name, value in found[ASKED].payload.items()}
    done, failed = found.get(DONE), found.get(FAILED)
    kinds = [event.kind for event in events]
    return LearnJob(
        id=found[ASKED].subject,
        what=asked["what"],
        guideline=asked["guideline"],
        argument=asked["argument"],
        status="done" if done else "failed" if failed else "queued",
        result=str(done.payload["result"]) if done else None,
        failure=Failure.model_validate(failed.payload) if failed and not done else None,
        attempts=kinds.count(BEGAN) - kinds.count(STOPPED),
        created_at=found[ASKED].created_at,
        updated_at=max(event.created_at for event in events),
    )
