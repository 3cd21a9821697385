"""The current labels of a guideline, chosen by what is known of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from llmlabel.domain.answer import Answer
from llmlabel.store.database import Database
from llmlabel.store.tables import labels, reviews
from llmlabel.store.verified import read_answer

_PAGE = 1000


class CurrentLabel(NamedTuple):
    """The newest label of a document under a guideline."""

    id: str
    document_id: str
    answer: Answer | None
    confidence: float | None
    verified: bool
    created_at: datetime


class Current:
    """The current labels of one database that wait for nobody."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(
        self,
        guideline: str,
        *,
        confidence_below: float | None = None,
        confidence_above: float | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        verified: bool | None = None,
    ) -> Iterator[CurrentLabel]:
        """Labels, oldest first, read page by page; those that wait for a person are left out.

        Args:
            guideline: `name@version`.
            confidence_below: Only those less sure; one without a confidence is not among them.
            confidence_above: Only those as sure or surer.
            since: Only those from this moment on.
            until: Only those before this one.
            verified: Only those that a person did, or did not, decide.
        """
        newer, waiting = labels.alias("newer"), reviews.alias("waiting")
        query = (
            sa.select(labels)
            .where(
                labels.c.guideline == guideline,
                ~sa.exists().where(
                    newer.c.document_id == labels.c.document_id,
                    newer.c.guideline == labels.c.guideline,
                    newer.c.seq > labels.c.seq,
                ),
                ~sa.exists().where(
                    waiting.c.document_id == labels.c.document_id,
                    waiting.c.guideline == labels.c.guideline,
                    waiting.c.status == "open",
                ),
            )
            .order_by(labels.c.seq)
            .limit(_PAGE)
        )
        if confidence_below is not None:
            query = query.where(labels.c.confidence < confidence_below)
        if confidence_above is not None:
            query = query.where(labels.c.confidence >= confidence_above)
        if since is not None:
            query = query.where(labels.c.created_at >= since)
        if until is not None:
            query = query.where(labels.c.created_at < until)
        if verified is not None:
            query = query.where(labels.c.verified.is_(verified))
        after = 0
        while True:
            with self._database.read() as connection:
                rows = connection.execute(query.where(labels.c.seq > after)).all()
            for row in rows:
                answer = json.loads(row.payload)["answer"]
                yield CurrentLabel(
                    id=row.id,
                    document_id=row.document_id,
                    answer=None if answer is None else read_answer(json.dumps(answer)),
                    confidence=row.confidence,
                    verified=row.verified,
                    created_at=row.created_at,
                )
            if len(rows) < _PAGE:
                return
            after = rows[-1].seq
