"""The durable queue: DBOS on the store's own database, behind one class."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
import structlog

from llmlabel.errors import Unsupported
from llmlabel.jobs.nudge import Looks
from llmlabel.telemetry import Telemetry

if TYPE_CHECKING:
    from dbos import DBOSClient

APPLICATION = "llmlabel"
# Pinned: a job accepted by one release is run by the next. Jobs with other arguments go to queues
# of another name, to which the workers of earlier releases do not listen.
JOBS_VERSION = "1"
# Of one job, whatever it works on; the attempts at one document are counted by the store and
# end long before.
MAX_RECOVERIES = 1000
FORGET_AT_ONCE = 1000
CARRIED = "llmlabel"


log = structlog.get_logger()


class Stopped(BaseException):
    """The process stops: leave the job as it is, for the next process.

    Not an Exception, because DBOS records any Exception as the job's final outcome.
    """


@dataclass(frozen=True)
class DeadJob:
    """A job that will never run again, with its arguments."""

    id: str
    name: str
    arguments: tuple[Any, ...]
    reason: str


@dataclass(frozen=True)
class Work:
    """What the jobs of one queue have done.

    Attributes:
        function: Called with a job's arguments.
        at_once: Jobs of one process at once.
        poll_seconds: How often the database is asked for new ones.
    """

    function: Callable[..., None]
    at_once: int
    poll_seconds: float


class DurableQueue:
    """Runs registered functions once for every job enqueued, through any crash.

    A job that was under way when its process died runs again from its start, so what it does
    must be repeatable. DBOS keeps one instance per process, therefore so does this class.

    Args:
        engine: Of the store; jobs are enqueued in the store's transactions.
        worker: Name of this process, unlike any other's: what was begun under it is taken up
            when the queue starts.
        works: What each queue has done, by its name, which is that of its jobs too.
        listens: The queues whose jobs this process does; none: it only enqueues, and any
            number of these may be in one process.
        telemetry: Told of every job.
    """

    # The lock belongs to the process, as DBOS's own instance does.
    _one_per_process: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        engine: sa.Engine,
        worker: str,
        works: Mapping[str, Work],
        listens: Collection[str],
        telemetry: Telemetry | None = None,
    ) -> None:
        self._engine = engine
        self._worker = worker
        self._works = dict(works)
        self._listens = [name for name in works if name in listens]
        self._telemetry = telemetry or Telemetry(worker)
        self._client: DBOSClient | None = None
        self._open: set[str] = set()
        self._works_here = False
        self._doing: set[str] = set()
        self._looks: Looks | None = None

    @property
    def doing(self) -> frozenset[str]:
        """The ids of the jobs under way in this process."""
        return frozenset(self._doing.copy())

    def start(self) -> None:
        """Create the queue's tables where they are missing, take up what was left, begin.

        Raises:
            Unsupported: Another queue works in this process.
        """
        logging.getLogger("dbos").setLevel(logging.WARNING)
        if self._listens:
            if not self._one_per_process.acquire(blocking=False):
                raise Unsupported(
                    "One process runs one job queue; stop the other first or use another process."
                )
            self._works_here = True
        try:
            if self._listens:
                self._launch()
            self._client = self._connect()
            for name in self._open:
                self._register(name)
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        from dbos import DBOS, DBOSPortableJSONSerializer  # noqa: PLC0415

        dbos = DBOS(
            config={
                "name": APPLICATION,
                "system_database_engine": self._engine,
                "executor_id": self._worker,
                "application_version": JOBS_VERSION,
                "log_level": "WARNING",
                "use_listen_notify": False,  # jobs neither send nor receive messages
                "serializer": DBOSPortableJSONSerializer(),
            }
        )
        self._looks = Looks(dbos)
        # Its lines take the form of all others.
        logger = logging.getLogger("dbos")
        logger.handlers.clear()
        logger.propagate = True
        for name, work in self._works.items():
            DBOS.workflow(name=name, max_recovery_attempts=MAX_RECOVERIES)(
                self._told(name, work.function)
            )
        # Queues of a newer release are left to its workers.
        DBOS.listen_queues(self._listens)
        DBOS.launch()
        self._looks.launched(dbos)

    def _connect(self) -> DBOSClient:
        from dbos import DBOSClient, DBOSPortableJSONSerializer  # noqa: PLC0415

        client = DBOSClient(
            system_database_engine=self._engine,
            application_name=APPLICATION,
            serializer=DBOSPortableJSONSerializer(),
        )
        if not self._listens:
            client._sys_db.run_migrations()
        return client

    def open(self, names: Collection[str]) -> None:
        """Have the workers look for jobs of these queues; not within a transaction."""
        for name in names:
            if name not in self._open:
                self._open.add(name)
                if self._client is not None:
                    self._register(name)

    def _register(self, name: str) -> None:
        assert self._client is not None
        work = self._works[name]
        self._client.register_queue(
            name,
            worker_concurrency=work.at_once,
            polling_interval_sec=work.poll_seconds,
            # Who does none of the work does not say how much of it is done at once.
            on_conflict="always_update" if name in self._listens else "never_update",
        )

    def _told(self, name: str, function: Callable[..., None]) -> Callable[..., None]:
        from dbos import DBOS  # noqa: PLC0415

        # DBOS notes things on the function it is given, which a bound method does not allow.
        known = inspect.signature(function)

        def job(*arguments: Any) -> None:
            id = str(DBOS.workflow_id)
            try:
                known.bind(*arguments)
            except TypeError:
                log.warning("a job of a newer release is left to its workers", job=id)
                raise Stopped from None
            self._doing.add(id)
            try:
                with self._telemetry.job(name, id, self._carried(id)):
                    function(*arguments)
            finally:
                self._doing.discard(id)

        return job

    def _carried(self, id: str) -> dict[str, str]:
        """The ids that came with a job; not worth a failure."""
        if self._client is None or self._looks is None:
            return {}
        try:
            found = self._looks.attributes(id)
            if found is None:  # it was taken up anew
                [job] = self._client.list_workflows(
                    workflow_ids=[id], load_input=False, load_output=False
                )
                found = job.attributes or {}
            return {str(key): str(value) for key, value in found[CARRIED].items()}
        except Exception:
            return {}

    def stop(self) -> None:
        """End every thread of the queue; what is under way should have ended before."""
        client, self._client = self._client, None
        if client is not None:
            client.destroy()
        if self._works_here:
            from dbos import DBOS  # noqa: PLC0415

            DBOS.destroy(destroy_registry=True)
            self._works_here = False
            self._one_per_process.release()

    def enqueue(
        self, connection: sa.Connection, name: str, id: str, *arguments: str | int | list[str]
    ) -> None:
        """Add a job within a transaction of the store; one with this id is not added again."""
        with self._telemetry.sending(name, id) as carried:
            self._connected.enqueue_in_transaction(
                connection,
                {
                    "workflow_name": name,
                    "queue_name": name,
                    "workflow_id": id,
                    "app_version": JOBS_VERSION,
                    # Beside the arguments: a release that knows nothing of it runs the job too.
                    "attributes": {CARRIED: carried},
                },
                *arguments,
            )

    @property
    def _connected(self) -> DBOSClient:
        assert self._client is not None, "the queue takes jobs between start and stop"
        return self._client

    def nudge(self, name: str) -> None:
        """Have a queue looked into before its time, if this process works on it."""
        if self._looks is not None:
            self._looks.nudges.nudge(name)

    def dead(self) -> list[DeadJob]:
        """The jobs that ended without doing their work."""
        found = self._connected.list_workflows(
            status=["ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
            name=list(self._works),
            limit=FORGET_AT_ONCE,
            load_output=True,
        )
        return [
            DeadJob(
                id=job.workflow_id,
                name=job.name,
                arguments=tuple(job.input["args"]) if job.input else (),
                reason=str(job.error) if job.error else f"The job ended as {job.status}.",
            )
            for job in found
        ]

    def forget(self, ids: Sequence[str]) -> None:
        """Delete jobs that are over."""
        if ids:
            self._connected.delete_workflows(list(ids))

    def forget_finished(self, older_than: timedelta) -> int:
        """Delete what ended well so long ago, a bounded number at a time; returns how many."""
        jobs = self._connected.list_workflows(
            status="SUCCESS",
            completed_before=(datetime.now(UTC) - older_than).isoformat(),
            limit=FORGET_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        self.forget([job.workflow_id for job in jobs])
        return len(jobs)
