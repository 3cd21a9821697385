"""Documents that are old enough to go."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.labels import matches
from llmlabel.store.tables import documents, gold, idempotency, requests, reviews, transcriptions


class AgedDocuments(NamedTuple):
    """Ids of documents, oldest first, and how many others are as old but stay."""

    ids: list[str]
    found: int
    kept: int
    shared: int
    waiting: int


class Aged:
    """The old documents of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self, before: datetime, guideline: str | None = None, *, keep_verified: bool = False
    ) -> AgedDocuments:
        """What came before a moment and may go.

        Args:
            before: The moment.
            guideline: Only documents asked under this one (a name or `name@version`); those asked
                under another as well stay.
            keep_verified: Those that a person decided stay, and those whose text is gold.
        """
        mine = requests.c.document_id == documents.c.id
        where = documents.c.created_at < before
        shared: sa.ColumnElement[bool] = sa.false()
        if guideline is not None:
            where &= sa.exists().where(mine, matches(requests.c.guideline, guideline))
            shared = sa.exists().where(mine, ~matches(requests.c.guideline, guideline))
        verified: sa.ColumnElement[bool] = sa.false()
        if keep_verified:
            decided = reviews.c.document_id == documents.c.id
            verified = sa.or_(
                sa.exists().where(decided, reviews.c.winner.is_not(None)),
                sa.exists().where(gold.c.text_sha256 == documents.c.text_sha256),
            )
        heard = transcriptions.c.document_id == documents.c.id
        waiting = sa.or_(
            sa.exists().where(mine, requests.c.status == "queued"),
            sa.exists().where(heard, transcriptions.c.status == "queued"),
        )
        query = (
            sa.select(
                documents.c.id,
                verified.label("verified"),
                shared.label("shared"),
                waiting.label("waiting"),
            )
            .where(where)
            .order_by(documents.c.seq)
        )
        ids: list[str] = []
        found = kept = others = waits = 0
        with self._database.read() as connection:
            for row in connection.execute(query):
                found += 1
                if row.verified:
                    kept += 1
                elif row.shared:
                    others += 1
                elif row.waiting:
                    waits += 1
                else:
                    ids.append(row.id)
        return AgedDocuments(ids, found, kept, others, waits)

    def drop_answers(self, before: datetime) -> int:
        """Forget the answers kept by Idempotency-Key from before a moment; returns how many."""
        with self._database.write() as connection:
            gone = connection.execute(
                sa.delete(idempotency).where(idempotency.c.created_at < before)
            )
            return int(gone.rowcount)
