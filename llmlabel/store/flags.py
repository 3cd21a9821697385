"""Flags: what reviewers remark on a guideline, and what evaluators did about it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.domain.people import Flag
from llmlabel.errors import Conflict, NotFound
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.labels import matches
from llmlabel.store.tables import flags


class Flags:
    """The flags of one database. A flag is answered once and never deleted."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def add(
        self,
        *,
        review_id: str,
        document_id: str,
        guideline: str,
        reviewer: str,
        comment: str,
        clause: str | None = None,
    ) -> Flag:
        """Keep a remark; the same one of the same reviewer on the same item is kept once.

        Args:
            review_id: The item over which it came up.
            document_id: Of that item.
            guideline: `name@version`.
            reviewer: Who says it.
            comment: What is unclear or wrong.
            clause: Id of the rule that is meant, if one is.
        """
        with self._database.write() as connection:
            self._database.exclusive(connection, f"flag {review_id}")
            same = connection.execute(
                sa.select(flags).where(
                    flags.c.review_id == review_id,
                    flags.c.reviewer == reviewer,
                    flags.c.comment == comment,
                    flags.c.clause.is_not_distinct_from(clause),
                )
            ).first()
            if same is not None:
                return _flag_of(same)
            id = f"f-{uuid.uuid4().hex}"
            row = connection.execute(
                sa.insert(flags)
                .values(
                    id=id,
                    review_id=review_id,
                    document_id=document_id,
                    guideline=guideline,
                    clause=clause,
                    reviewer=reviewer,
                    comment=comment,
                    created_at=self._database.clock(),
                )
                .returning(flags)
            ).one()
            about: dict[str, JsonValue] = {"flag": id, "reviewer": reviewer, "clause": clause}
            self._events.append_with(connection, "guideline.flagged", guideline, about)
        return _flag_of(row)

    def get(self, id: str) -> Flag:
        """One flag.

        Raises:
            NotFound: There is none under that id.
        """
        with self._database.read() as connection:
            return _flag_of(_row(connection, sa.select(flags).where(flags.c.id == id), id))

    def list(self, guideline: str | None = None, *, open: bool | None = None) -> Sequence[Flag]:
        """Flags, newest first.

        Args:
            guideline: Only of this one: a name or a `name@version`.
            open: Only those that nobody has answered, or only the others.
        """
        query = sa.select(flags).order_by(flags.c.seq.desc())
        if guideline is not None:
            query = query.where(matches(flags.c.guideline, guideline))
        if open is not None:
            nobody = flags.c.resolved_at.is_(None)
            query = query.where(nobody if open else ~nobody)
        with self._database.read() as connection:
            return [_flag_of(row) for row in connection.execute(query)]

    def resolve(self, id: str, *, by: str, resolution: str) -> Flag:
        """Say what was done about a flag; the same answer of the same person again is harmless.

        Raises:
            NotFound: There is none under that id.
            Conflict: It was answered otherwise before.
        """
        with self._database.write() as connection:
            query = sa.select(flags).where(flags.c.id == id)
            row = _row(connection, query.with_for_update(), id)
            if row.resolved_at is not None:
                if (row.resolved_by, row.resolution) == (by, resolution):
                    return _flag_of(row)
                raise Conflict(
                    f"{row.resolved_by} answered this flag already: {row.resolution}", field="id"
                )
            changed = connection.execute(
                sa.update(flags)
                .where(flags.c.id == id)
                .values(resolved_at=self._database.clock(), resolved_by=by, resolution=resolution)
                .returning(flags)
            ).one()
            said: dict[str, JsonValue] = {"flag": id, "by": by}
            self._events.append_with(connection, "flag.resolved", row.guideline, said)
        return _flag_of(changed)


def _row(connection: sa.Connection, query: sa.Select[Any], id: str) -> sa.Row[Any]:
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no flag `{id[:64]}`; `llmlabel reviews flags list` names them all.",
            field="id",
        )
    return row


def _flag_of(row: sa.Row[Any]) -> Flag:
    return Flag.model_validate({name: row._mapping[name] for name in Flag.model_fields})
