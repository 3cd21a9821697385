"""The work of one process: its queues, its event loop, and what it looks after beside them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
import structlog
from structlog.contextvars import bound_contextvars

from llmlabel.errors import NotFound, StoreUnavailable
from llmlabel.jobs.board import Board
from llmlabel.jobs.contracts import Beside
from llmlabel.jobs.durable import DeadJob, DurableQueue, Stopped, Work
from llmlabel.jobs.identity import worker_id
from llmlabel.jobs.learn import LEARN
from llmlabel.jobs.loop import BackgroundLoop
from llmlabel.jobs.reaper import STRAY_SECONDS, Reaper
from llmlabel.jobs.shift import Shift
from llmlabel.jobs.tasks import LABEL, TRANSCRIBE
from llmlabel.store import Store
from llmlabel.telemetry import Telemetry, told

if TYPE_CHECKING:
    from llmlabel.jobs.project import Jobs

DEFAULT_PROJECT: Final = "default"

# Beside the names of the queues of the default project, which a release without projects reads.
IN_PROJECT: Final = "-in-project"

QUEUES: Final = {"text": LABEL, "audio": TRANSCRIBE, "learning": LEARN}
"""What a process can work on, by the name that people use."""

KEEP_FINISHED = timedelta(days=1)

# A recording or training takes seconds in any case, and every look costs a little.
SLOW_POLL = 0.25

log = structlog.get_logger()


class Runner:
    """Does the jobs of every project; one per process.

    Attributes:
        labels_here: Whether this process labels texts.

    Args:
        store: Of the default project, whose database holds the queue.
        jobs_of: The jobs of a project, by its name; raises NotFound where there is none.
        queues: What this process works on: `text`, `audio`, `learning`. Nothing: it accepts
            work only, and looks after nothing; others do.
        concurrency: Label jobs under way at once.
        recordings: Recordings transcribed at once.
        upkeep: Called every few seconds on a thread of its own, by every process that works.
        worker: Name of this process, unlike any other's on the same database; by default one
            that is new at every start.
        poll_seconds: How often the database is asked for new label jobs; half of it is the
            delay of a job on an idle service.
        upkeep_seconds: How often a sign of life is given, lost workers are looked for and
            finished jobs cleared away.
        telemetry: Told of every job and what it does.
        beside: What else begins and stops with the work.
    """

    def __init__(
        self,
        store: Store,
        jobs_of: Callable[[str], Jobs],
        *,
        queues: Collection[str] = tuple(QUEUES),
        concurrency: int = 2,
        recordings: int = 2,
        upkeep: Callable[[], object] | None = None,
        worker: str | None = None,
        poll_seconds: float = 0.1,
        upkeep_seconds: float = 5.0,
        telemetry: Telemetry | None = None,
        beside: Sequence[Beside] = (),
    ) -> None:
        self.worker = worker or worker_id()
        self.loop = BackgroundLoop()
        self.board = Board()
        self.shift = Shift({LABEL: concurrency, TRANSCRIBE: recordings, LEARN: 1})
        self._store = store
        self._jobs_of = jobs_of
        self._works = bool(queues)
        self.labels_here = "text" in queues
        self._also = upkeep
        self._upkeep_seconds = upkeep_seconds
        self._beside = tuple(beside) if self._works else ()
        works = {
            LABEL: Work(self._label, concurrency, poll_seconds),
            TRANSCRIBE: Work(self._transcribe, recordings, max(poll_seconds, SLOW_POLL)),
            LEARN: Work(self._learn, 1, max(poll_seconds, SLOW_POLL)),
        }
        self._kinds = tuple(works)
        works |= {name + IN_PROJECT: work for name, work in works.items()}
        kinds = {QUEUES[each] for each in queues}
        listens = {name for name in works if name.removesuffix(IN_PROJECT) in kinds}
        self._queue = DurableQueue(store.database.engine, self.worker, works, listens, telemetry)
        self._queue.open(self._kinds)
        self._reaper = Reaper(
            store,
            self.worker,
            lambda: self._queue.doing,
            stray_seconds=min(STRAY_SECONDS, 6 * upkeep_seconds),
        )
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("jobs-upkeep", self._keep_up), ("jobs-watch", self._keep_watch))
        ]

    def start(self) -> None:
        """Begin to work, first on what an earlier process left. Once per instance.

        Raises:
            Unsupported: Another process's worth of work runs in this one.
        """
        if not self._works:
            self._queue.start()
            return
        self._store.work.beat(self.worker)  # first, so that nobody takes over what is ours
        self._queue.start()
        self.loop.start()
        self.shift.open()
        for thread in self._threads:
            thread.start()
        for each in self._beside:
            each.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop in good order: what is under way may end, what does not end in time is left.

        Args:
            timeout: Seconds for jobs under way; afterwards they are cut off, and another
                process does them anew.
        """
        self._stopping.set()
        self.shift.close()
        if self._works:
            for each in self._beside:
                each.stop(timeout)
            if not self.shift.wait_idle(timeout):
                self.loop.cancel()
                self.shift.wait_idle(timeout)
            for thread in self._threads:
                thread.join()
        self._queue.stop()
        if self._works:
            try:
                self._reaper.hand_back()
            except StoreUnavailable as error:
                log.warning("work cannot be handed back", **told(error))
            self.loop.stop()
        self.board.post()

    def cut_off(self) -> None:
        """End at once what is under way while `stop` waits for it; it is handed back."""
        self.loop.cancel()

    def take(self, project: str) -> None:
        """Be ready to enqueue jobs of a project; not within a transaction."""
        if project != DEFAULT_PROJECT:
            self._queue.open([kind + IN_PROJECT for kind in self._kinds])

    def enqueue(
        self,
        connection: sa.Connection,
        kind: str,
        id: str,
        project: str,
        *arguments: str | int | list[str],
    ) -> None:
        """Add a job within a transaction; one with this id is not added again."""
        if project == DEFAULT_PROJECT:
            # As a release that knows of no projects writes and reads it.
            self._queue.enqueue(connection, kind, id, *arguments)
        else:
            self._queue.enqueue(connection, kind + IN_PROJECT, id, *arguments, project)

    def nudge(self, kind: str, project: str) -> None:
        """Have new jobs begun at once, if this process does them; after the transaction."""
        self._queue.nudge(kind if project == DEFAULT_PROJECT else kind + IN_PROJECT)

    def _label(
        self, guideline: str, run: int, ids: list[str], project: str = DEFAULT_PROJECT
    ) -> None:
        with self._jobs_for(project) as jobs:
            if jobs is not None:
                jobs.tasks.label(guideline, run, ids)

    def _transcribe(self, document_id: str, run: int, project: str = DEFAULT_PROJECT) -> None:
        with self._jobs_for(project) as jobs:
            if jobs is not None:
                jobs.tasks.transcribe(document_id, run)

    def _learn(
        self, id: str, what: str, guideline: str, argument: str, project: str = DEFAULT_PROJECT
    ) -> None:
        with self._jobs_for(project) as jobs:
            if jobs is not None:
                jobs.learning.run(id, what, guideline, argument)

    @contextmanager
    def _jobs_for(self, project: str) -> Iterator[Jobs | None]:
        """The jobs of the project that a job is of; what is logged meanwhile names it."""
        if project == DEFAULT_PROJECT:
            yield self._found(project)
            return
        with bound_contextvars(project=project):
            # That the project's database cannot be asked says nothing of the job.
            yield self.shift.outlast(lambda: self._found(project))

    def _found(self, project: str) -> Jobs | None:
        try:
            return self._jobs_of(project)
        except StoreUnavailable as error:
            # It is put off, so that it holds up no other project's.
            log.warning("a project cannot be opened", project=project, **told(error))
            raise Stopped from error
        except NotFound:
            log.warning("job of a project that is gone", project=project)
            return None

    def _keep_up(self) -> None:
        duties: list[Callable[[], object]] = [
            lambda: self._store.work.beat(self.worker),
            self._reaper,
            self._reaper.find_strays,
            self._bury_dead,
            lambda: self._queue.forget_finished(KEEP_FINISHED),
        ]
        while True:
            for duty in duties:
                try:
                    duty()
                except Exception as error:
                    # The next round does what this one could not; the work itself goes on.
                    log.warning("job upkeep failed", **told(error))
            if self._stopping.wait(self._upkeep_seconds):
                return

    def _keep_watch(self) -> None:
        # Apart from the signs of life, which nothing may hold up.
        while self._also is not None:
            try:
                self._also()
            except Exception as error:
                log.warning("upkeep failed", **told(error))
            if self._stopping.wait(self._upkeep_seconds):
                return

    def _bury_dead(self) -> None:
        for job in self._queue.dead():
            try:
                self._bury(job)
            except Stopped:
                continue
            except (TypeError, ValueError):
                log.exception("a job that failed holds what is not known", job=job.id)
            log.error("job failed", job=job.id, reason=job.reason)
            self._queue.forget([job.id])
            self.board.post()

    def _bury(self, job: DeadJob) -> None:
        kind = job.name.removesuffix(IN_PROJECT)
        arguments, project = job.arguments, DEFAULT_PROJECT
        if kind != job.name and arguments:
            arguments, project = arguments[:-1], arguments[-1]
        jobs = self._found(project) if arguments else None
        if jobs is not None:
            jobs.bury(kind, arguments, job.reason)
