"""What the pipeline said day by day, for the watch on drift."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date
from typing import Any

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.gold import label_names
from llmlabel.store.labels import matches
from llmlabel.store.learning_records import Day
from llmlabel.store.tables import labels
from llmlabel.store.verified import read_answer


class Days:
    """The days of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, guideline: str, *, after: int = 0) -> list[Day]:
        """Every day (UTC) with labels of a guideline, oldest first.

        Only what the pipeline said, not what people made of it.

        Args:
            guideline: A name or a `name@version`.
            after: Only labels whose row has a higher number.
        """
        query = (
            sa.select(
                labels.c.document_id,
                labels.c.confidence,
                labels.c.route,
                labels.c.payload,
                labels.c.created_at,
            )
            .where(
                labels.c.opinions_of == labels.c.id,
                labels.c.seq > after,
                matches(labels.c.guideline, guideline),
            )
            .order_by(labels.c.seq)
        )
        by_day: dict[date, list[Any]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                by_day.setdefault(row.created_at.astimezone(UTC).date(), []).append(row)
        return [_day(day, by_day[day]) for day in sorted(by_day)]


def _day(day: date, rows: list[Any]) -> Day:
    given: Counter[str] = Counter()
    for row in rows:
        answer = json.loads(row.payload)["answer"]
        given.update(label_names(None if answer is None else read_answer(json.dumps(answer))))
    return Day(
        day=day,
        documents=tuple(row.document_id for row in rows),
        confidences=tuple(row.confidence for row in rows),
        labels=dict(given),
        accepted=sum(row.route == "accepted" for row in rows),
    )
