"""The durable job queue: what is accepted gets done, once, through any crash."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa
import structlog
from pydantic import JsonValue

from llmlabel.domain.document import Document
from llmlabel.jobs.attempts import Patience
from llmlabel.jobs.board import Board
from llmlabel.jobs.contracts import Beside, LabelBatch, Order, Transcribe, Transcription
from llmlabel.jobs.durable import DurableQueue
from llmlabel.jobs.learn import LEARN, Learn, Learning, LearnJob
from llmlabel.jobs.loop import BackgroundLoop
from llmlabel.jobs.tasks import LABEL, TRANSCRIBE, Tasks
from llmlabel.store import Asked, Failure, Recording, Store, StoredDocument
from llmlabel.telemetry import Telemetry, told

# A worker that gave no sign of life for so long is lost, and another takes its jobs.
LOST_AFTER = timedelta(seconds=60)
KEEP_FINISHED = timedelta(days=1)
WAIT_STEP = 0.25

log = structlog.get_logger()


class Jobs:
    """Accepts documents and recordings, and has them labeled in the background.

    Args:
        store: Where everything is kept; the queue lives in the same database.
        label_batch: Labels documents under a `name@version`: one label each, in order. It is
            awaited on one event loop, shared by all jobs. ModelBusy, ModelUnreachable and
            StoreUnavailable are tried again; what else it raises fails the requests.
        transcribe: Writes down a recording, given its file and language (None: detect).
        order: Says how much a verdict on each of the documents is worth, given their labels and
            the `name@version`; the most valuable is reviewed first.
        answers_silence: Names of guidelines that have an answer for a recording in which
            nobody speaks; any other asked of it fails with the reason.
        chunk: Documents labeled by one job.
        concurrency: Label jobs under way at once.
        recordings: Recordings transcribed at once.
        learn: What else can be asked for, by name, through `learning`; one of it runs at a time.
        upkeep: Called every few seconds on a thread of its own, by every process.
        worker: Stable name of this process, unlike any other's on the same database; by
            default the host's name.
        patience: Retries and crashes allowed.
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
        label_batch: LabelBatch,
        transcribe: Transcribe,
        *,
        order: Order | None = None,
        answers_silence: Collection[str] = ("transcription",),
        chunk: int = 50,
        concurrency: int = 2,
        recordings: int = 2,
        learn: Mapping[str, Learn] | None = None,
        upkeep: Callable[[], object] | None = None,
        worker: str | None = None,
        patience: Patience | None = None,
        poll_seconds: float = 0.1,
        upkeep_seconds: float = 5.0,
        telemetry: Telemetry | None = None,
        beside: Sequence[Beside] = (),
    ) -> None:
        self._store = store
        self._beside = tuple(beside)
        self._chunk = chunk
        self._worker = worker or socket.gethostname()
        self._upkeep_seconds = upkeep_seconds
        self._board = Board()
        self._loop = BackgroundLoop()
        self._tasks = Tasks(
            store,
            self._loop,
            label_batch,
            transcribe,
            order=order,
            patience=patience or Patience(),
            answers_silence=answers_silence,
            chunk=chunk,
            changed=self._board.post,
            enqueue=self._enqueue,
        )
        self.learning = Learning(
            store,
            lambda: self._queue,
            self._loop,
            learn or {},
            patience=patience or Patience(),
            under_way=self._tasks.under_way,
            changed=self._board.post,
        )
        self._also = upkeep
        self._queue = DurableQueue(
            store.database.engine,
            self._worker,
            {
                LABEL: (self._tasks.label, concurrency, poll_seconds),
                # A recording takes seconds in any case, and every look costs a little.
                TRANSCRIBE: (self._tasks.transcribe, recordings, max(poll_seconds, 0.25)),
                LEARN: (self.learning.run, 1, max(poll_seconds, 0.25)),
            },
            telemetry,
        )
        self._stopping = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="jobs-upkeep", daemon=True)
        self._watch = threading.Thread(target=self._keep_watch, name="jobs-watch", daemon=True)

    def start(self) -> None:
        """Begin to work, first on what an earlier process left. Once per instance.

        Raises:
            Unsupported: Another queue runs in this process.
        """
        self._store.work.beat(self._worker)  # first, so that nobody takes over what is ours
        self._queue.start()
        self._loop.start()
        self._tasks.open()
        self._upkeep.start()
        self._watch.start()
        for each in self._beside:
            each.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop in good order: what is under way may end, what does not end in time is left.

        Args:
            timeout: Seconds for jobs under way; afterwards they are cut off, and the next
                process does them anew.
        """
        self._stopping.set()
        self._tasks.close()
        for each in self._beside:
            each.stop(timeout)
        if not self._tasks.wait_idle(timeout):
            self._loop.cancel()
            self._tasks.wait_idle(timeout)
        self._upkeep.join()
        self._watch.join()
        self._queue.stop()
        self._store.work.retire(self._worker)
        self._loop.stop()
        self._board.post()

    def submit(
        self,
        documents: Sequence[Document],
        guidelines: Sequence[str] | Mapping[str, Sequence[str]],
    ) -> list[StoredDocument]:
        """Accept documents; durable when it returns.

        Args:
            documents: Any number.
            guidelines: Full references (`name@version`) asked of each; or of each by its id.

        Returns:
            One per document, in order; `created` tells the new ones.

        Raises:
            DocumentConflict: An id is taken by other content; nothing is accepted.
            InvalidInput: An id cannot be used; nothing is accepted.
            StoreUnavailable: The database cannot be used; nothing is accepted.
        """
        return self._store.documents.add(documents, guidelines, self._enqueue)

    def submit_recording(
        self,
        recording: Recording,
        guidelines: Sequence[str],
        *,
        id: str | None = None,
        language: str | None = None,
        metadata: dict[str, JsonValue] | None = None,
    ) -> StoredDocument:
        """Accept a recording kept by `store.recordings.save`; durable when it returns.

        Args:
            recording: It.
            guidelines: Full references asked of what is said in it.
            id: Of the document; by default made from the recording's hash.
            language: ISO 639-1 code of the speech; None has it detected.
            metadata: Of the document.

        Raises:
            DocumentConflict, InvalidInput, StoreUnavailable: As `submit`.
        """
        return self._store.documents.add_recording(
            id or f"a-{recording.sha256[:24]}",
            recording,
            guidelines,
            language=language,
            metadata=metadata,
            enqueue=self._enqueue,
            enqueue_recording=self._enqueue_recording,
        )

    def requeue(self, document_id: str, guideline: str | None = None) -> StoredDocument:
        """Ask anew for what failed of a document: of one guideline (name or reference), or all.

        Raises:
            NotFound: There is no such document.
        """
        self._store.work.requeue(document_id, guideline, self._enqueue, self._enqueue_recording)
        return self._store.documents.get(document_id)

    def resume(self, code: str, limit: int) -> int:
        """Ask anew for at most so many requests that failed with that code; returns how many.

        Raises:
            StoreUnavailable: The database cannot be used; nothing is asked anew.
        """
        resumed = self._store.resuming.resume(code, limit, self._enqueue)
        if resumed:
            log.info("resumed", reason=code, requests=resumed)
        return resumed

    def wait(self, document_ids: Sequence[str], timeout: float) -> bool:
        """Wait until nothing asked of these documents is still to come, or time is up.

        Returns:
            Whether all is settled: labeled or failed.
        """
        end = time.monotonic() + timeout
        while True:
            seen = self._board.version
            if self._store.work.settled(document_ids):
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            # The step is for what another process does.
            self._board.wait(seen, min(left, WAIT_STEP))

    def _enqueue(self, connection: sa.Connection, asked: Sequence[Asked]) -> None:
        by_task: dict[tuple[str, int], list[str]] = defaultdict(list)
        for item in asked:
            by_task[item.guideline, item.run].append(item.document_id)
        for (guideline, run), ids in by_task.items():
            for start in range(0, len(ids), self._chunk):
                some = ids[start : start + self._chunk]
                id = _job_id(LABEL, guideline, str(run), *some)
                self._queue.enqueue(connection, LABEL, id, guideline, run, some)

    def _enqueue_recording(self, connection: sa.Connection, document_id: str, run: int) -> None:
        id = _job_id(TRANSCRIBE, document_id, str(run))
        self._queue.enqueue(connection, TRANSCRIBE, id, document_id, run)

    def _keep_up(self) -> None:
        while True:
            try:
                self._store.work.beat(self._worker)
                self._bury_dead()
                self._take_over_lost()
                self._queue.forget_finished(KEEP_FINISHED)
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
        dead = self._queue.dead()
        for job in dead:
            failure = Failure(code="job-failed", detail=job.reason)
            if job.name == LABEL and job.arguments:
                guideline, run, ids = job.arguments
                self._store.work.fail(ids, guideline, run, failure)
            elif job.name == TRANSCRIBE and job.arguments:
                document_id, run = job.arguments
                self._store.work.fail_transcription(document_id, run, failure)
            elif job.name == LEARN:
                self.learning.fail(job.id, failure)
            log.error("job failed", job=job.id)
        self._queue.forget([job.id for job in dead])
        if dead:
            self._board.post()

    def _take_over_lost(self) -> None:
        lost = [id for id in self._store.work.lost(LOST_AFTER) if id != self._worker]
        if lost:
            log.warning("workers lost", workers=lost, jobs=self._queue.take_over(lost))
            for id in lost:
                self._store.work.forget_worker(id)


def _job_id(*parts: str) -> str:
    # The same work under the same run has the same id, so it is queued once.
    return f"{parts[0]}-" + hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


__all__ = [
    "Beside",
    "Jobs",
    "LabelBatch",
    "Learn",
    "LearnJob",
    "Learning",
    "Patience",
    "Transcribe",
    "Transcription",
]
