"""The durable jobs of one project: what is accepted gets done, once, through any crash."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import sqlalchemy as sa
import structlog
from pydantic import JsonValue

from llmlabel.domain.document import Document
from llmlabel.jobs.attempts import Patience
from llmlabel.jobs.contracts import LabelBatch, Order, Transcribe
from llmlabel.jobs.desk import Desk
from llmlabel.jobs.learn import LEARN, Learn, Learning
from llmlabel.jobs.room import Room
from llmlabel.jobs.runner import DEFAULT_PROJECT, Runner
from llmlabel.jobs.tasks import LABEL, TRANSCRIBE, Tasks
from llmlabel.store import Asked, Failure, Recording, Store, StoredDocument

# Seconds between two looks at what another process does.
FIRST_STEP = 0.01
LONGEST_STEP = 0.25

log = structlog.get_logger()


class Jobs:
    """Accepts the documents and recordings of a project, and has them labeled by a Runner.

    Args:
        store: Where everything of the project is kept.
        label_batch: Labels documents under a `name@version`: one label each, in order. It is
            awaited on one event loop, shared by all jobs. ModelBusy, ModelUnreachable and
            StoreUnavailable are tried again; what else it raises fails the requests.
        transcribe: Writes down a recording, given its file and language (None: detect).
        runner: Does the work; its queue takes part in the transactions of the store.
        project: Name of the project.
        order: Says how much a verdict on each of the documents is worth, given their labels and
            the `name@version`; the most valuable is reviewed first.
        answers_silence: Names of guidelines that have an answer for a recording in which
            nobody speaks; any other asked of it fails with the reason.
        chunk: Documents labeled by one job.
        max_waiting: Documents that may wait, counted once for each guideline asked of them.
        learn: What else can be asked for, by name, through `learning`; one of it runs at a time.
        patience: Retries and crashes allowed.
    """

    def __init__(
        self,
        store: Store,
        label_batch: LabelBatch,
        transcribe: Transcribe,
        runner: Runner,
        *,
        project: str = DEFAULT_PROJECT,
        order: Order | None = None,
        answers_silence: Collection[str] = ("transcription",),
        chunk: int = 50,
        max_waiting: int = 100_000,
        learn: Mapping[str, Learn] | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.project = project
        self.runner = runner
        self._store = store
        self._chunk = chunk
        self._room = Room(store, max_waiting)
        runner.take(project)
        self.tasks = Tasks(
            store,
            runner.loop,
            runner.shift,
            label_batch,
            transcribe,
            order=order,
            patience=patience or Patience(),
            answers_silence=answers_silence,
            chunk=chunk,
            changed=runner.board.post,
            enqueue=self.enqueue,
        )
        self.learning = Learning(
            store,
            self._enqueue_learning,
            runner.loop,
            learn or {},
            patience=patience or Patience(),
            shift=runner.shift,
            changed=runner.board.post,
        )

        self.desk = Desk(store, self.learning, self.enqueue, self.requeue, runner.board.post)

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
            QueueFull: There is no room for all of it; nothing is accepted.
            StoreUnavailable: The database cannot be used; nothing is accepted.
        """
        each = guidelines if isinstance(guidelines, Mapping) else None
        wanted = sum(len(guidelines if each is None else each[one.id]) for one in documents)
        self.check_room(wanted)
        stored = self._store.documents.add(documents, guidelines, self.enqueue)
        self._room.taken(wanted)
        self.runner.nudge(LABEL, self.project)
        return stored

    def room(self) -> int:
        """How many more documents may wait, counted once for each guideline asked of them."""
        return self._room.left()

    def took(self, places: int) -> None:
        """Others than `submit` filled so many places; see `room`."""
        self._room.taken(places)

    def check_room(self, wanted: int) -> None:
        """Refuse what there is no room for.

        Raises:
            QueueFull: It says when there will be.
        """
        self._room.check(wanted)

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
            DocumentConflict, InvalidInput, QueueFull, StoreUnavailable: As `submit`.
        """
        wanted = 1 + len(guidelines)
        self.check_room(wanted)
        stored = self._store.documents.add_recording(
            id or f"a-{recording.sha256[:24]}",
            recording,
            guidelines,
            language=language,
            metadata=metadata,
            enqueue=self.enqueue,
            enqueue_recording=self.enqueue_recording,
        )
        self._room.taken(wanted)
        self.runner.nudge(TRANSCRIBE, self.project)
        return stored

    def requeue(self, document_id: str, guideline: str | None = None) -> StoredDocument:
        """Ask anew for what failed of a document: of one guideline (name or reference), or all.

        Raises:
            NotFound: There is no such document.
        """
        self._store.work.requeue(document_id, guideline, self.enqueue, self.enqueue_recording)
        return self._store.documents.get(document_id)

    def resume(self, code: str, limit: int) -> int:
        """Ask anew for at most so many requests that failed with that code; returns how many.

        Raises:
            StoreUnavailable: The database cannot be used; nothing is asked anew.
        """
        resumed = self._store.resuming.resume(code, limit, self.enqueue)
        if resumed:
            log.info("resumed", reason=code, requests=resumed)
        return resumed

    def wait(self, document_ids: Sequence[str], timeout: float) -> bool:
        """Wait until nothing asked of these documents is still to come, or time is up.

        Returns:
            Whether all is settled: labeled or failed.
        """
        end = time.monotonic() + timeout
        step = FIRST_STEP
        while True:
            seen = self.runner.board.version
            if self._store.work.settled(document_ids):
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            # The steps are for what another process does.
            self.runner.board.wait(seen, min(left, step))
            step = min(1.5 * step, LONGEST_STEP)

    def listening(
        self, document_ids: Sequence[str], told: Callable[[], object]
    ) -> AbstractContextManager[None]:
        """Call `told` whenever something of these documents is settled by this process.

        It is called on any thread, and must neither block nor raise.
        """
        return self.runner.board.listening(document_ids, told)

    def enqueue(self, connection: sa.Connection, asked: Sequence[Asked]) -> None:
        """Queue the labeling of what was asked, within a transaction of the store."""
        by_task: dict[tuple[str, int], list[str]] = defaultdict(list)
        for item in asked:
            by_task[item.guideline, item.run].append(item.document_id)
        for (guideline, run), ids in by_task.items():
            for start in range(0, len(ids), self._chunk):
                some = ids[start : start + self._chunk]
                id = self._job_id(LABEL, guideline, str(run), *some)
                self.runner.enqueue(connection, LABEL, id, self.project, guideline, run, some)

    def enqueue_recording(self, connection: sa.Connection, document_id: str, run: int) -> None:
        """Queue the transcription of a recording, within a transaction of the store."""
        id = self._job_id(TRANSCRIBE, document_id, str(run))
        self.runner.enqueue(connection, TRANSCRIBE, id, self.project, document_id, run)

    def _enqueue_learning(
        self,
        connection: sa.Connection,
        id: str,
        what: str,
        guideline: str,
        argument: str,
        run: int,
    ) -> None:
        again = (str(run),) if run else ()
        job = id if self.project == DEFAULT_PROJECT else self._job_id(LEARN, id, *again)
        self.runner.enqueue(connection, LEARN, job, self.project, id, what, guideline, argument)

    def bury(self, kind: str, arguments: Sequence[Any], reason: str) -> None:
        """Note as failed what a job was about that will never run again."""
        failure = Failure(code="job-failed", detail=reason)
        if kind == LABEL:
            guideline, run, ids = arguments
            self._store.work.fail(ids, guideline, run, failure)
        elif kind == TRANSCRIBE:
            document_id, run = arguments
            self._store.work.fail_transcription(document_id, run, failure)
        elif kind == LEARN:
            self.learning.fail(arguments[0], failure)

    def _job_id(self, kind: str, *parts: str) -> str:
        # The same work under the same run has the same id, so it is queued once.
        named = () if self.project == DEFAULT_PROJECT else (self.project,)
        name = "\x1f".join((kind, *named, *parts))
        return f"{kind}-" + hashlib.sha256(name.encode()).hexdigest()[:40]
