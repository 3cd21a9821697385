"""What was asked for and is not done: in the queue, or failed with a reason, piece by piece."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import sqlalchemy as sa
from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.errors import NotFound
from llmlabel.store.asked_anew import ask_oldest_anew
from llmlabel.store.database import Database
from llmlabel.store.documents import Enqueue
from llmlabel.store.events import Events
from llmlabel.store.labels import matches
from llmlabel.store.records import Failure
from llmlabel.store.tables import requests, transcriptions

QueueName = Literal["text", "audio", "learning"]
JobStatus = Literal["queued", "done", "failed"]


class Job(Value):
    """One piece of work that was asked for: a label, a transcript, a training or certificate."""

    id: str = Field(
        description="`text:GUIDELINE:DOCUMENT`, `audio:DOCUMENT` or `learning:ID`; the same "
        "however often it is retried."
    )
    queue: QueueName
    status: JobStatus
    document_id: str | None = Field(description="None for trainings and certificates.")
    guideline: str | None = Field(description="`name@version`; None for a transcript.")
    what: str = Field(description="label, transcribe, train, certify")
    run: int = Field(description="Counts up whenever it is asked for anew or called off.")
    attempts: int = Field(description="How often it was begun since it was asked for last.")
    error: Failure | None = Field(description="Why it failed.")
    created_at: datetime
    updated_at: datetime


class AskedWork:
    """The labels and transcripts asked for in one database."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def labels(
        self,
        status: JobStatus,
        *,
        guideline: str | None = None,
        code: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int = 50,
    ) -> list[Job]:
        """Labels asked for, in the order of guideline and document.

        Args:
            status: Only with this one.
            guideline: Only of this one: a name or `name@version`.
            code: Only those that failed for this reason.
            after: Guideline and document of the last one seen.
            limit: At most so many.
        """
        query = (
            sa.select(requests)
            .where(*_where(requests, status, code))
            .order_by(requests.c.guideline, requests.c.document_id)
            .limit(limit)
        )
        if guideline is not None:
            query = query.where(matches(requests.c.guideline, guideline))
        if after is not None:
            place = sa.tuple_(requests.c.guideline, requests.c.document_id)
            query = query.where(place > sa.tuple_(*(sa.literal(each) for each in after)))
        with self._database.read() as connection:
            return [_label(row) for row in connection.execute(query)]

    def transcripts(
        self,
        status: JobStatus,
        *,
        code: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> list[Job]:
        """Transcripts asked for, in the order of documents; else as `labels`."""
        query = (
            sa.select(transcriptions)
            .where(*_where(transcriptions, status, code))
            .order_by(transcriptions.c.document_id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(transcriptions.c.document_id > after)
        with self._database.read() as connection:
            return [_transcript(row) for row in connection.execute(query)]

    def label(self, guideline: str, document_id: str) -> Job:
        """One label that was asked for.

        Raises:
            NotFound: It was not.
        """
        query = sa.select(requests).where(
            requests.c.document_id == document_id, requests.c.guideline == guideline
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"`{guideline}` was not asked of `{document_id[:64]}`.", field="id")
        return _label(row)

    def transcript(self, document_id: str) -> Job:
        """One transcript that was asked for.

        Raises:
            NotFound: It was not.
        """
        query = sa.select(transcriptions).where(transcriptions.c.document_id == document_id)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"`{document_id[:64]}` is no recording.", field="id")
        return _transcript(row)

    def retry_labels(
        self,
        enqueue: Enqueue,
        *,
        guideline: str | None,
        code: str | None,
        before: datetime,
        limit: int,
    ) -> int:
        """Ask anew, under a new run, for labels that failed; of recordings, those with a text.

        Args:
            enqueue: As in `Documents.add`.
            guideline: Only of this one: a name or `name@version`.
            code: Only those that failed for this reason.
            before: Only those that failed before, so that what fails again at once is not asked
                for without end.
            limit: At most so many.

        Returns:
            How many there were.
        """
        unheard = sa.exists().where(
            transcriptions.c.document_id == requests.c.document_id,
            transcriptions.c.status != "done",
        )
        where = [*_where(requests, "failed", code), requests.c.updated_at <= before, ~unheard]
        if guideline is not None:
            where.append(matches(requests.c.guideline, guideline))
        with self._database.write() as connection:
            self._database.exclusive(connection, "resume")
            asked = ask_oldest_anew(connection, self._database.clock(), where, limit)
            if not asked:
                return 0
            enqueue(connection, asked)
            self._events.append_with(
                connection, "request.requeued", guideline or "", {"requests": len(asked)}
            )
        return len(asked)

    def retry_transcripts(
        self, requeue: Callable[[str], object], *, code: str | None, limit: int
    ) -> int:
        """Ask anew for transcripts that failed, with what was asked of them; returns how many.

        Args:
            requeue: Asks anew for all that failed of a document.
            code: Only those that failed for this reason.
            limit: At most so many.
        """
        failed = self.transcripts("failed", code=code, limit=limit)
        for job in failed:
            requeue(str(job.document_id))
        return len(failed)


def _where(table: sa.Table, status: str, code: str | None) -> list[sa.ColumnElement[bool]]:
    where: list[sa.ColumnElement[bool]] = [table.c.status == status]
    if code is not None:
        where.append(table.c.error_code == code)
    return where


def _label(row: sa.Row[tuple[object, ...]]) -> Job:
    return _job(
        row, id=f"text:{row.guideline}:{row.document_id}", queue="text", guideline=row.guideline
    )


def _transcript(row: sa.Row[tuple[object, ...]]) -> Job:
    return _job(row, id=f"audio:{row.document_id}", queue="audio", guideline=None)


def _job(
    row: sa.Row[tuple[object, ...]], *, id: str, queue: QueueName, guideline: str | None
) -> Job:
    return Job(
        id=id,
        queue=queue,
        status=row.status,
        document_id=row.document_id,
        guideline=guideline,
        what="label" if queue == "text" else "transcribe",
        run=row.run,
        attempts=row.attempts,
        error=Failure(code=row.error_code, detail=row.error or "") if row.error_code else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
