"""Numbers of one guideline, or of one certificate, for those who watch over a promise."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time

import sqlalchemy as sa
from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.store.database import Database
from llmlabel.store.labels import matches
from llmlabel.store.rows import FirstOfText
from llmlabel.store.tables import documents, events, gold, labels, predictions, reviews, verdicts


class RouteCounts(Value):
    """How many documents went which way under a guideline, and what people did.

    `accepted` and `review` are the routes that the pipeline chose; `decisions` are verdicts,
    skips and taken back ones left out; a panel's are one.
    """

    accepted: int = Field(description="Accepted by the pipeline.")
    review: int = Field(description="Sent to review by the pipeline.")
    waiting: int = Field(description="Reviews that nobody has decided yet.")
    decisions: int = Field(description="Verdicts of people that stand.")


class Numbers:
    """The numbers of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self, guideline: str) -> RouteCounts:
        """Routes and decisions under a guideline (a name or a `name@version`)."""
        routed = (
            sa.select(labels.c.route, sa.func.count().label("n"))
            .where(labels.c.opinions_of == labels.c.id, matches(labels.c.guideline, guideline))
            .group_by(labels.c.route)
        )
        of_guideline = matches(reviews.c.guideline, guideline)
        waiting = (
            sa.select(sa.func.count())
            .select_from(reviews)
            .where(of_guideline, reviews.c.status == "open")
        )
        decided = (
            sa.select(sa.func.count())
            .select_from(reviews)
            .join(verdicts, verdicts.c.seq == reviews.c.winner)
            .where(of_guideline, reviews.c.status == "done", reviews.c.settles)
        )
        with self._database.read() as connection:
            by_route = {row.route: row.n for row in connection.execute(routed)}
            return RouteCounts(
                accepted=by_route.get("accepted", 0),
                review=by_route.get("review", 0),
                waiting=connection.execute(waiting).scalar_one(),
                decisions=connection.execute(decided).scalar_one(),
            )

    def stand(self) -> tuple[int, ...]:
        """Changes with every new label, verdict (undoing ones, too), right answer and deletion."""
        newest = [
            sa.select(sa.func.max(table.c.seq)).scalar_subquery()
            for table in (labels, verdicts, gold, events)
        ]
        with self._database.read() as connection:
            return tuple(found or 0 for found in connection.execute(sa.select(*newest)).one())

    def doubted(self, certificate: str) -> list[tuple[int, float]]:
        """Labels that went to review while a certificate was in force, in the order of labeling.

        Those that a later labeling of the same document replaced are left out, and copies of a
        text after the first, as they are among the accepted ones of `Audits.results`.

        Returns:
            Number of the row and rate of audits of each.
        """
        newer = labels.alias("newer")
        query = (
            sa.select(labels.c.seq, labels.c.audit_rate, documents.c.text_sha256)
            .join(documents, documents.c.id == labels.c.document_id)
            .where(
                labels.c.certificate == certificate,
                labels.c.opinions_of == labels.c.id,
                labels.c.route == "review",
                ~sa.exists().where(
                    newer.c.document_id == labels.c.document_id,
                    newer.c.guideline == labels.c.guideline,
                    newer.c.seq > labels.c.seq,
                    newer.c.opinions_of != labels.c.id,
                ),
            )
            .order_by(labels.c.seq)
        )
        with self._database.read() as connection:
            found = filter(FirstOfText(), connection.execute(query))
            return [(row.seq, row.audit_rate) for row in found]

    def row_before(self, certificate: str, day: date | None = None) -> int | None:
        """Number of the row before the first label under a certificate; None without labels.

        Args:
            certificate: Its id.
            day: Count only labels from this day (UTC) on.
        """
        query = sa.select(sa.func.min(labels.c.seq)).where(labels.c.certificate == certificate)
        if day is not None:
            query = query.where(labels.c.created_at >= datetime.combine(day, time(), UTC))
        with self._database.read() as connection:
            first = connection.execute(query).scalar()
        return None if first is None else int(first) - 1

    def evidence(self, guideline: str, name: str, *, after: int = 0) -> dict[date, list[float]]:
        """One number of the labelers' evidence, by day (UTC), wherever an opinion has it.

        Args:
            guideline: A name or a `name@version`.
            name: Of the evidence.
            after: Only labels whose row has a higher number.
        """
        query = (
            sa.select(labels.c.created_at, predictions.c.payload)
            .join(predictions, predictions.c.label_id == labels.c.id)
            .where(
                labels.c.seq > after,
                matches(labels.c.guideline, guideline),
                predictions.c.payload.contains(f'"{name}"', autoescape=True),
            )
            .order_by(labels.c.seq)
        )
        found: dict[date, list[float]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                value = json.loads(row.payload)["evidence"].get(name)
                if value is not None:
                    day = row.created_at.astimezone(UTC).date()
                    found.setdefault(day, []).append(float(value))
        return found
