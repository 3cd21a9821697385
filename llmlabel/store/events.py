"""The log of what happened; rows are only added."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.store.database import Database
from llmlabel.store.records import Event
from llmlabel.store.tables import events


class Events:
    """The log of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, kind: str, subject: str, payload: dict[str, JsonValue] | None = None) -> None:
        """Add an event in a transaction of its own."""
        with self._database.write() as connection:
            self.append_with(connection, kind, subject, payload)

    def append_once(
        self, kind: str, subject: str, payload: dict[str, JsonValue] | None = None
    ) -> bool:
        """Add an event unless there is one of this kind on this subject, by whomever.

        Returns:
            Whether it was added.
        """
        known = sa.exists().where(events.c.kind == kind, events.c.subject == subject)
        with self._database.write() as connection:
            self._database.exclusive(connection, f"event {kind} {subject}")
            if connection.execute(sa.select(known)).scalar():
                return False
            self.append_with(connection, kind, subject, payload)
        return True

    def of(self, subject: str, *kinds: str) -> list[Event]:
        """Events of these kinds on one subject, oldest first."""
        query = sa.select(events).where(events.c.kind.in_(kinds), events.c.subject == subject)
        with self._database.read() as connection:
            return [_event_of(row) for row in connection.execute(query.order_by(events.c.seq))]

    def of_kinds(self, *kinds: str) -> list[Event]:
        """All events of these kinds, oldest first."""
        query = sa.select(events).where(events.c.kind.in_(kinds)).order_by(events.c.seq)
        with self._database.read() as connection:
            return [_event_of(row) for row in connection.execute(query)]

    def append_with(
        self,
        connection: sa.Connection,
        kind: str,
        subject: str,
        payload: dict[str, JsonValue] | None = None,
    ) -> None:
        """Add an event that is true exactly when the transaction commits.

        Args:
            connection: The transaction.
            kind: What happened, as `noun.verb`: `review.undone`.
            subject: The id of what it happened to.
            payload: More about it.
        """
        connection.execute(
            sa.insert(events).values(
                kind=kind,
                subject=subject,
                payload=json.dumps(payload or {}),
                created_at=self._database.clock(),
            )
        )

    def after(self, seq: int = 0, *, limit: int = 100, kind: str | None = None) -> list[Event]:
        """Events with a higher number than `seq`, oldest first, at most `limit`."""
        query = sa.select(events).where(events.c.seq > seq).order_by(events.c.seq).limit(limit)
        if kind is not None:
            query = query.where(events.c.kind == kind)
        with self._database.read() as connection:
            return [_event_of(row) for row in connection.execute(query)]


def _event_of(row: sa.Row[Any]) -> Event:
    return Event(
        seq=row.seq,
        kind=row.kind,
        subject=row.subject,
        payload=json.loads(row.payload),
        created_at=row.created_at,
    )
