"""What one job does: label a chunk of documents, or transcribe one recording."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import structlog
from structlog.contextvars import bound_contextvars

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.errors import StoreUnavailable
from llmlabel.jobs.attempts import Patience, check_batch, concerns_one, failure_of, groups
from llmlabel.jobs.contracts import LabelBatch, Order, Transcribe, Transcription
from llmlabel.jobs.durable import Stopped
from llmlabel.jobs.loop import BackgroundLoop
from llmlabel.jobs.shift import Shift
from llmlabel.store import Enqueue, Failure, Store
from llmlabel.telemetry import stage, told

LABEL = "label"
TRANSCRIBE = "transcribe"

SOME = 20
"""Ids in one log line at most."""

log = structlog.get_logger()


class Tasks:
    """What is done on documents: both kinds may be run again at any point and do what is left."""

    def __init__(
        self,
        store: Store,
        loop: BackgroundLoop,
        shift: Shift,
        label_batch: LabelBatch,
        transcribe: Transcribe,
        *,
        order: Order | None,
        patience: Patience,
        answers_silence: Collection[str],
        chunk: int,
        changed: Callable[[Collection[str]], None],
        enqueue: Enqueue,
    ) -> None:
        self._store = store
        self._loop = loop
        self._shift = shift
        self._label_batch = label_batch
        self._transcribe = transcribe
        self._order = order
        self._patience = patience
        self._answers_silence = frozenset(answers_silence)
        self._chunk = chunk
        self._changed = changed
        self._enqueue = enqueue

    def label(self, guideline: str, run: int, document_ids: list[str]) -> None:
        """Label what still waits of a chunk."""
        with self._shift.under_way(LABEL):
            self._shift.outlast(lambda: self._label_waiting(guideline, run, document_ids))

    def _label_waiting(self, guideline: str, run: int, document_ids: Sequence[str]) -> None:
        waiting = self._store.work.waiting(document_ids, guideline, run)
        attempts = {id: waiting[id] for id in document_ids if id in waiting}
        for crashes, ids in groups(attempts, self._chunk, self._patience):
            failure = self._patience.gave_up(crashes)
            if failure is not None:
                self._fail(ids, guideline, run, failure)
                continue
            with self._shift.turns.take(alone=self._patience.is_last(crashes)):
                self._shift.refuse_closed()
                self._store.work.begin(ids, guideline, run)
                try:
                    self._label_some(ids, guideline, run)
                except (Stopped, StoreUnavailable):
                    # It says nothing of the texts.
                    self._shift.outlast(lambda: self._store.work.put_back(ids, guideline, run))  # noqa: B023
                    raise

    def transcribe(self, document_id: str, run: int) -> None:
        """Transcribe a recording and queue what is asked of its text."""
        with self._shift.under_way(TRANSCRIBE):
            self._shift.outlast(lambda: self._transcribe_waiting(document_id, run))

    def _transcribe_waiting(self, document_id: str, run: int) -> None:
        crashes = self._store.work.to_transcribe(document_id, run)
        if crashes is None:
            return
        failure = self._patience.gave_up(crashes)
        if failure is None:
            with self._shift.turns.take(alone=self._patience.is_last(crashes)):
                self._shift.refuse_closed()
                failure = self._try_transcription(document_id, run)
        if failure is not None:
            self._store.work.fail_transcription(document_id, run, failure)
        self._changed([document_id])

    def _try_transcription(self, document_id: str, run: int) -> Failure | None:
        work = self._store.work
        work.begin_transcription(document_id, run)
        try:
            said = self._written_down(document_id)
            work.save_transcript(document_id, run, said.text, said.transcript, self._enqueue)
        except (Stopped, StoreUnavailable):
            self._shift.outlast(lambda: work.put_transcription_back(document_id, run))
            raise
        except Exception as error:
            log.warning("transcription failed", document_ids=[document_id], **told(error))
            return failure_of(error)
        return None

    def _written_down(self, document_id: str) -> Transcription:
        stored = self._store.documents.get(document_id)
        assert stored.recording is not None, "only recordings are transcribed"
        path: Path = self._store.recordings.path(stored.recording.sha256)

        async def work() -> Transcription:
            with stage("transcribe"), bound_contextvars(document_ids=[document_id]):
                return await self._transcribe(path, stored.language)

        return self._loop.run(self._patience.ask(work))

    def _label_some(self, ids: Sequence[str], guideline: str, run: int) -> None:
        try:
            # So that every line that any part logs of these documents names them.
            with bound_contextvars(document_ids=list(ids[:SOME]), guideline=guideline):
                self._label_spoken(ids, guideline, run)
        except StoreUnavailable:
            raise
        except Exception as error:
            if len(ids) > 1 and concerns_one(error):
                for id in ids:
                    self._label_some([id], guideline, run)
            else:
                log.warning(
                    "labeling failed",
                    guideline=guideline,
                    document_ids=list(ids[:SOME]),
                    documents=len(ids),
                    **told(error),
                )
                self._fail(ids, guideline, run, failure_of(error))

    def _label_spoken(self, ids: Sequence[str], guideline: str, run: int) -> None:
        documents = self._store.documents.texts(ids)
        if guideline.partition("@")[0] not in self._answers_silence:
            silent = [document.id for document in documents if not document.text]
            if silent:
                self._fail(silent, guideline, run, _nothing_said(guideline))
            documents = [document for document in documents if document.text]
        if not documents:
            return

        async def work() -> Sequence[Label]:
            return await self._label_batch(documents, guideline)

        labels = self._loop.run(self._patience.ask(work))
        check_batch(
            [document.id for document in documents], [label.document_id for label in labels]
        )
        places = self._places(documents, labels, guideline)
        with stage("store", len(labels), guideline):
            self._store.labels.save(labels, run, places)
        log.info("labeled", documents=len(labels))
        self._changed(ids)

    def _places(
        self, documents: Sequence[Document], labels: Sequence[Label], guideline: str
    ) -> Mapping[str, float] | None:
        order = self._order
        if order is None:
            return None

        async def work() -> Mapping[str, float]:
            return await order(documents, labels, guideline)

        return self._loop.run(work())

    def _fail(self, ids: Sequence[str], guideline: str, run: int, failure: Failure) -> None:
        self._store.work.fail(ids, guideline, run, failure)
        self._changed(ids)


def _nothing_said(guideline: str) -> Failure:
    return Failure(
        code="nothing-said",
        detail=f"Nobody speaks in this recording, so {guideline} has nothing to label; listen to "
        "it, or send it with another language.",
    )
