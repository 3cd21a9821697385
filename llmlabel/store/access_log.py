"""The log of who did what; rows are only added, and deleted by their age alone."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from llmlabel.domain.access import AccessEntry
from llmlabel.store.access_tables import access_log
from llmlabel.store.cursors import cursor_of, seq_of
from llmlabel.store.database import Database

AT_ONCE = 5_000
"""Lines deleted in one transaction, so that changes, which wait for theirs, wait for a moment."""


class AccessLog:
    """The log of one database, of every project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, entry: AccessEntry) -> None:
        """Add what was done."""
        with self._database.write() as connection:
            connection.execute(sa.insert(access_log).values(**entry.model_dump()))

    def page(
        self,
        *,
        project: str | None = None,
        key_id: str | None = None,
        name: str | None = None,
        method: str | None = None,
        route: str | None = None,
        target: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[AccessEntry], str | None]:
        """What was done, newest first, and the cursor of what is older; None at the end.

        Args:
            project: Only in this one.
            key_id: Only with this key.
            name: Only under this name.
            method: Only these requests.
            route: Only to this template.
            target: Only to this id.
            since: Not before this moment.
            until: Before this moment.
            limit: At most so many.
            cursor: From the page before.

        Raises:
            InvalidInput: The cursor is not one that this method gave.
        """
        asked = {
            "project": project,
            "key_id": key_id,
            "name": name,
            "method": method,
            "route": route,
            "target": target,
        }
        query = sa.select(access_log).order_by(access_log.c.seq.desc()).limit(limit + 1)
        for column, value in asked.items():
            if value is not None:
                query = query.where(access_log.c[column] == value)
        if since is not None:
            query = query.where(access_log.c.at >= since)
        if until is not None:
            query = query.where(access_log.c.at < until)
        if cursor is not None:
            query = query.where(access_log.c.seq < seq_of(cursor))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        found = [
            AccessEntry(**{name: row._mapping[name] for name in AccessEntry.model_fields})
            for row in rows[:limit]
        ]
        return found, cursor_of(rows[limit - 1].seq) if len(rows) > limit else None

    def older(self, before: datetime, project: str | None = None) -> int:
        """How many lines are from before a moment; of one project, if one is named."""
        query = sa.select(sa.func.count()).select_from(access_log).where(*_old(before, project))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def forget(self, before: datetime, project: str | None = None) -> int:
        """Delete them, and say how many there were."""
        some = sa.select(access_log.c.seq).where(*_old(before, project)).limit(AT_ONCE)
        done = 0
        while True:
            with self._database.write() as connection:
                gone = connection.execute(
                    sa.delete(access_log).where(access_log.c.seq.in_(some))
                ).rowcount
            done += gone
            if gone < AT_ONCE:
                return done


def _old(before: datetime, project: str | None) -> list[sa.ColumnElement[bool]]:
    where = [access_log.c.at < before]
    return where if project is None else [*where, access_log.c.project == project]
