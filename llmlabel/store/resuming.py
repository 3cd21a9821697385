"""Work that failed for a reason that passes by itself, asked anew when it has passed."""

from __future__ import annotations

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.documents import Asked, Enqueue
from llmlabel.store.events import Events
from llmlabel.store.tables import requests


class Resuming:
    """The requests of one database that failed and may go on."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def waits(self, code: str) -> bool:
        """Whether any request failed for the reason of that code."""
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(_failed(code)))).scalar())

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
            chosen = connection.execute(
                sa.select(requests.c.document_id, requests.c.guideline)
                .where(_failed(code))
                .order_by(requests.c.updated_at)
                .limit(limit)
            ).all()
            if not chosen:
                return 0
            rows = connection.execute(
                sa.update(requests)
                .where(
                    _failed(code),
                    sa.tuple_(requests.c.document_id, requests.c.guideline).in_(
                        [(row.document_id, row.guideline) for row in chosen]
                    ),
                )
                .values(
                    run=requests.c.run + 1,
                    status="queued",
                    attempts=0,
                    error_code=None,
                    error=None,
                    updated_at=self._database.clock(),
                )
                .returning(requests.c.document_id, requests.c.guideline, requests.c.run)
            ).all()
            enqueue(connection, [Asked(row.document_id, row.guideline, row.run) for row in rows])
            self._events.append_with(connection, "request.resumed", code, {"requests": len(rows)})
        return len(rows)


def _failed(code: str) -> sa.ColumnElement[bool]:
    return sa.and_(requests.c.status == "failed", requests.c.error_code == code)
