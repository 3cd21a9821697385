"""What is still to be done: attempts, failures, transcripts that arrive, work asked anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.document import Transcript, sha256_of
from llmlabel.errors import NotFound
from llmlabel.store.asked_anew import anew, ask_anew
from llmlabel.store.database import Database, batches
from llmlabel.store.documents import Asked, Enqueue
from llmlabel.store.events import Events
from llmlabel.store.labels import matches
from llmlabel.store.records import Failure
from llmlabel.store.tables import documents, labels, requests, transcriptions, workers

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Work:
    """The requests and transcriptions of one database, as the job queue sees them."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def begin(self, document_ids: Sequence[str], guideline: str, run: int) -> None:
        """Count an attempt at the requests that still wait."""
        with self._database.write() as connection:
            given = {"ids": list(document_ids), "of_guideline": guideline, "of_run": run}
            connection.execute(_queries().begin, given | {"updated_at": self._database.clock()})

    def waiting(self, document_ids: Sequence[str], guideline: str, run: int) -> dict[str, int]:
        """The requests that still wait, with the attempts they had."""
        with self._database.read() as connection:
            given = {"ids": list(document_ids), "of_guideline": guideline, "of_run": run}
            rows = connection.execute(_queries().waiting, given)
            return {row.document_id: row.attempts for row in rows}

    def put_back(self, document_ids: Sequence[str], guideline: str, run: int) -> None:
        """Take an attempt back that an orderly stop cut short: it says nothing of the text."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(requests)
                .where(_waiting(document_ids, guideline, run), requests.c.attempts > 0)
                .values(attempts=requests.c.attempts - 1)
            )

    def fail(
        self, document_ids: Sequence[str], guideline: str, run: int, failure: Failure
    ) -> list[str]:
        """Mark waiting requests as failed, with the reason; returns the documents concerned."""
        failed: list[str] = []
        with self._database.write() as connection:
            for some in batches(sorted(document_ids)):
                rows = connection.execute(
                    sa.update(requests)
                    .where(_waiting(some, guideline, run))
                    .values(
                        status="failed",
                        error_code=failure.code,
                        error=failure.detail,
                        updated_at=self._database.clock(),
                    )
                    .returning(requests.c.document_id)
                )
                failed += rows.scalars()
            if failed:
                self._events.append_with(
                    connection,
                    "request.failed",
                    guideline,
                    {"documents": list(failed), **failure.model_dump()},
                )
        return failed

    def call_off(self, document_id: str, guideline: str, run: int, failure: Failure) -> bool:
        """Mark a waiting request as failed, and have a label that is being made find no place.

        Its run is counted up: `Labels.save` keeps none of an earlier one.
        """
        with self._database.write() as connection:
            done = connection.execute(
                sa.update(requests)
                .where(_waiting([document_id], guideline, run))
                .values(
                    run=requests.c.run + 1,
                    status="failed",
                    error_code=failure.code,
                    error=failure.detail,
                    updated_at=self._database.clock(),
                )
            )
            if done.rowcount:
                self._events.append_with(
                    connection,
                    "request.failed",
                    guideline,
                    {"documents": [document_id], **failure.model_dump()},
                )
        return done.rowcount > 0

    def to_transcribe(self, document_id: str, run: int) -> int | None:
        """The attempts at a transcription that still waits; None if it does not."""
        with self._database.read() as connection:
            attempts: int | None = connection.execute(
                sa.select(transcriptions.c.attempts).where(_to_transcribe(document_id, run))
            ).scalar()
        return attempts

    def begin_transcription(self, document_id: str, run: int) -> None:
        """Count an attempt."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(transcriptions)
                .where(_to_transcribe(document_id, run))
                .values(attempts=transcriptions.c.attempts + 1, updated_at=self._database.clock())
            )

    def put_transcription_back(self, document_id: str, run: int) -> None:
        """As `put_back`, for a recording."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(transcriptions)
                .where(_to_transcribe(document_id, run), transcriptions.c.attempts > 0)
                .values(attempts=transcriptions.c.attempts - 1)
            )

    def save_transcript(
        self,
        document_id: str,
        run: int,
        text: str,
        transcript: Transcript,
        enqueue: Enqueue | None = None,
    ) -> None:
        """Give a recording its text, exactly once, and queue what is asked of it.

        Args:
            document_id: The recording's document.
            run: Of its transcription.
            text: What was said; empty if nobody spoke.
            transcript: Its segments and words.
            enqueue: As in `Documents.add`; runs in the same transaction.
        """
        when = self._database.clock()
        with self._database.write() as connection:
            done = connection.execute(
                sa.update(transcriptions)
                .where(_to_transcribe(document_id, run))
                .values(status="done", error_code=None, error=None, updated_at=when)
            )
            if not done.rowcount:
                return
            connection.execute(
                sa.update(documents)
                .where(documents.c.id == document_id)
                .values(
                    text=text,
                    text_sha256=sha256_of(text),
                    transcript=transcript.model_dump_json(),
                    language=transcript.language,
                )
            )
            asked = _asked(connection, requests.c.document_id == document_id)
            if asked and enqueue is not None:
                enqueue(connection, asked)
            self._events.append_with(connection, "recording.transcribed", document_id)

    def fail_transcription(self, document_id: str, run: int, failure: Failure) -> bool:
        """Mark a recording as one without a text, and all that was asked of it as failed."""
        values = {
            "status": "failed",
            "error_code": failure.code,
            "error": failure.detail,
            "updated_at": self._database.clock(),
        }
        with self._database.write() as connection:
            failed = connection.execute(
                sa.update(transcriptions).where(_to_transcribe(document_id, run)).values(**values)
            )
            if not failed.rowcount:
                return False
            connection.execute(
                sa.update(requests)
                .where(requests.c.document_id == document_id, requests.c.status == "queued")
                .values(**values)
            )
            self._events.append_with(
                connection, "recording.failed", document_id, failure.model_dump()
            )
        return True

    def requeue(
        self,
        document_id: str,
        guideline: str | None,
        enqueue: Enqueue,
        enqueue_recording: Callable[[sa.Connection, str, int], None],
    ) -> int:
        """Ask anew for what failed of a document, under a new run; returns how much that was.

        Args:
            document_id: Its id.
            guideline: Only this one: a name or a `name@version`.
            enqueue: As in `Documents.add`.
            enqueue_recording: As in `Documents.add_recording`.

        Raises:
            NotFound: There is no such document.
        """
        now = self._database.clock()
        with self._database.write() as connection:
            known = connection.execute(
                sa.select(documents.c.id).where(documents.c.id == document_id)
            ).scalar()
            if known is None:
                raise NotFound(f"There is no document `{document_id[:64]}`.", field="id")
            # Locked, so that the transcript cannot arrive between asking and queueing.
            heard = connection.execute(
                sa.select(transcriptions.c.status)
                .where(transcriptions.c.document_id == document_id)
                .with_for_update()
            ).scalar()
            run = connection.execute(
                sa.update(transcriptions)
                .where(
                    transcriptions.c.document_id == document_id,
                    transcriptions.c.status == "failed",
                )
                .values(anew(transcriptions, now))
                .returning(transcriptions.c.run)
            ).scalar()
            failed = [requests.c.document_id == document_id, requests.c.status == "failed"]
            if guideline is not None:
                failed.append(matches(requests.c.guideline, guideline))
            asked = ask_anew(connection, now, *failed)
            if run is not None:
                enqueue_recording(connection, document_id, run)
            elif asked and heard in (None, "done"):  # else its transcript queues them
                enqueue(connection, asked)
            if asked or run is not None:
                self._events.append_with(connection, "request.requeued", document_id)
        return len(asked) + (run is not None)

    def settled(self, document_ids: Sequence[str]) -> bool:
        """Whether nothing asked of these documents is still to come."""
        with self._database.read() as connection:
            for some in batches(document_ids):
                if connection.execute(_queries().unsettled, {"ids": some}).scalar():
                    return False
        return True

    def count_waiting(self, limit: int) -> int:
        """Documents that wait, once for each guideline asked, and recordings; up to a limit."""
        found = 0
        with self._database.read() as connection:
            for table in (requests, transcriptions):
                some = sa.select(1).where(table.c.status == "queued").limit(limit).subquery()
                count = sa.select(sa.func.count()).select_from(some)
                found += int(connection.execute(count).scalar_one())
        return min(found, limit)

    def labels_made(self) -> int:
        """A number that grows by one with every label."""
        with self._database.read() as connection:
            newest = connection.execute(sa.select(sa.func.max(labels.c.seq))).scalar()
        return int(newest or 0)

    def beat(self, worker: str) -> None:
        """Say that a worker lives."""
        row = {"id": worker, "seen_at": self._database.clock()}
        with self._database.write() as connection:
            if not self._database.insert_new(connection, workers, [row], [workers.c.id]):
                connection.execute(
                    sa.update(workers).where(workers.c.id == worker).values(seen_at=row["seen_at"])
                )

    def retire(self, worker: str) -> None:
        """Say that a worker stopped: what it left may be taken over at once."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(workers).where(workers.c.id == worker).values(seen_at=LONG_AGO)
            )

    def last_sign(self) -> datetime | None:
        """The last sign of life of any worker that has not stopped; None where none is left."""
        with self._database.read() as connection:
            query = sa.select(sa.func.max(workers.c.seen_at)).where(workers.c.seen_at > LONG_AGO)
            seen: datetime | None = connection.execute(query).scalar()
        return seen

    def signs(self) -> dict[str, datetime]:
        """The last sign of life of every worker; `LONG_AGO` of one that stopped in order."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(workers).order_by(workers.c.id))
            return {row.id: row.seen_at for row in rows}

    def strike_out(self, connection: sa.Connection, worker: str, seen: datetime) -> bool:
        """Forget a worker whose last sign of life is still this one; returns whether it was."""
        gone = sa.delete(workers).where(workers.c.id == worker, workers.c.seen_at == seen)
        return connection.execute(gone).rowcount > 0


class _Queries(NamedTuple):
    """What is asked again and again of the documents with some `ids`."""

    waiting: sa.Select[Any]
    begin: sa.Update
    unsettled: sa.Select[Any]


# Making a statement takes longer than running it on a few rows.
@lru_cache(maxsize=1)
def _queries() -> _Queries:
    ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
    waiting = sa.and_(
        requests.c.document_id.in_(ids),
        requests.c.guideline == sa.bindparam("of_guideline"),
        requests.c.run == sa.bindparam("of_run"),
        requests.c.status == "queued",
    )
    queued = [
        sa.exists().where(table.c.document_id.in_(ids), table.c.status == "queued")
        for table in (requests, transcriptions)
    ]
    return _Queries(
        waiting=sa.select(requests.c.document_id, requests.c.attempts).where(waiting),
        begin=sa.update(requests).where(waiting).values(attempts=requests.c.attempts + 1),
        unsettled=sa.select(sa.or_(*queued)),
    )


def _waiting(document_ids: Sequence[str], guideline: str, run: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        requests.c.document_id.in_(document_ids),
        requests.c.guideline == guideline,
        requests.c.run == run,
        requests.c.status == "queued",
    )


def _to_transcribe(document_id: str, run: int) -> sa.ColumnElement[bool]:
    return sa.and_(
        transcriptions.c.document_id == document_id,
        transcriptions.c.run == run,
        transcriptions.c.status == "queued",
    )


def _asked(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[Asked]:
    rows = connection.execute(
        sa.select(requests.c.document_id, requests.c.guideline, requests.c.run)
        .where(where, requests.c.status == "queued")
        .order_by(requests.c.guideline)
    )
    return [Asked(row.document_id, row.guideline, row.run) for row in rows]
