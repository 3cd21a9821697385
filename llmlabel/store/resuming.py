"""Work that failed for a reason that passes by itself, asked anew when it has passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from llmlabel.store.asked_anew import ask_oldest_anew
from llmlabel.store.database import Database
from llmlabel.store.documents import Asked, Enqueue
from llmlabel.store.events import Events
from llmlabel.store.tables import requests, transcriptions


class Resuming:
    """The requests of one database that failed and may go on."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def waits(self, code: str) -> bool:
        """Whether any request failed for the reason of that code."""
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(_failed(code)))).scalar())

    def wait_since(self, moment: datetime) -> bool:
        """Whether anything waits, or is under way, that nobody has touched since."""
        with self._database.read() as connection:
            return any(
                connection.execute(
                    sa.select(
                        sa.exists().where(table.c.status == "queued", table.c.updated_at < moment)
                    )
                ).scalar()
                for table in (requests, transcriptions)
            )

    def again(
        self,
        asked: Sequence[Asked],
        recordings: Sequence[tuple[str, int]],
        enqueue: Enqueue,
        enqueue_recording: Callable[[sa.Connection, str, int], None],
    ) -> int:
        """Ask anew, under a new run, for what still waits under the run that is named.

        Args:
            asked: Requests that no job is about.
            recordings: Documents whose recording no job is about, with the run.
            enqueue: As in `Documents.add`.
            enqueue_recording: As in `Documents.add_recording`.

        Returns:
            How much that was.
        """
        count = 0
        with self._database.write() as connection:
            anew: list[Asked] = []
            for each in asked:
                run = self._next_run(
                    connection, requests, each.run, each.document_id, each.guideline
                )
                if run is not None:
                    anew.append(each._replace(run=run))
            enqueue(connection, anew)
            for id, before in recordings:
                run = self._next_run(connection, transcriptions, before, id)
                if run is not None:
                    enqueue_recording(connection, id, run)
                    count += 1
            count += len(anew)
            if count:
                self._events.append_with(connection, "request.found", "", {"requests": count})
        return count

    def _next_run(
        self, connection: sa.Connection, table: sa.Table, run: int, *key: str
    ) -> int | None:
        """Count up the run of what still waits under this one; None if it does not."""
        waits = sa.and_(
            *(column == part for column, part in zip(table.primary_key, key, strict=True)),
            table.c.run == run,
            table.c.status == "queued",
        )
        found: int | None = connection.execute(
            sa.update(table)
            .where(waits)
            .values(run=table.c.run + 1, updated_at=self._database.clock())
            .returning(table.c.run)
        ).scalar()
        return found

    def resume(self, code: str, limit: int, enqueue: Enqueue) -> int:
        """Ask anew, under a new run, for the oldest requests that failed for that reason.

        Args:
            code: Of the error.
            limit: At most so many.
            enqueue: As in `Documents.add`.

        Returns:
            How many there were.
        """
        with self._database.write() as connection:
            self._database.exclusive(connection, "resume")
            asked = ask_oldest_anew(connection, self._database.clock(), [_failed(code)], limit)
            if not asked:
                return 0
            enqueue(connection, asked)
            self._events.append_with(connection, "request.resumed", code, {"requests": len(asked)})
        return len(asked)


def _failed(code: str) -> sa.ColumnElement[bool]:
    return sa.and_(requests.c.status == "failed", requests.c.error_code == code)
