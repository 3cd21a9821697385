"""What the members of panels said of the same documents, for measures of agreement."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.answer import Answer
from llmlabel.store.database import Database, batches
from llmlabel.store.labels import matches
from llmlabel.store.tables import documents, reviews, verdicts
from llmlabel.store.verified import read_answer


class SeatVerdict(NamedTuple):
    """What one member of a panel said; no answer where they found that no right one exists."""

    reviewer: str
    answer: Answer | None


class DecidedPanel(NamedTuple):
    """A panel whose every member has decided.

    `settled`: its members agreed as far as the policy asks. `adjudicated`: they did not, and an
    adjudicator has decided. Neither: it waits for one. `text` is the document's where asked for.
    """

    document_id: str
    seats: tuple[SeatVerdict, ...]
    settled: bool
    adjudicated: bool
    text: str = ""


class Seats:
    """The panels of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decided(self, guideline: str, *, texts: bool = False) -> list[DecidedPanel]:
        """Every panel under a guideline whose members have all decided, oldest first.

        Verdicts that were taken back do not count: their seats are undecided again.

        Args:
            guideline: A name or a `name@version`.
            texts: Give the documents' texts as well.
        """
        query = (
            sa.select(
                reviews.c.panel,
                reviews.c.document_id,
                reviews.c.seat,
                reviews.c.status,
                reviews.c.settles,
                verdicts.c.reviewer,
                verdicts.c.answer,
            )
            .outerjoin(verdicts, verdicts.c.seq == reviews.c.winner)
            .where(reviews.c.panel.is_not(None), matches(reviews.c.guideline, guideline))
            .order_by(reviews.c.seq)
        )
        panels: dict[str, list[Any]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                panels.setdefault(row.panel, []).append(row)
            found = [panel for rows in panels.values() if (panel := _panel(rows)) is not None]
            if not texts:
                return found
            known: dict[str, str] = {}
            for some in batches(sorted({panel.document_id for panel in found})):
                asked = sa.select(documents.c.id, documents.c.text).where(documents.c.id.in_(some))
                known |= {row.id: row.text or "" for row in connection.execute(asked)}
        return [panel._replace(text=known[panel.document_id]) for panel in found]


def _panel(rows: list[Any]) -> DecidedPanel | None:
    seats = [row for row in rows if row.seat]
    if not seats or any(row.status != "done" for row in seats):
        return None
    return DecidedPanel(
        document_id=seats[0].document_id,
        seats=tuple(SeatVerdict(row.reviewer, read_answer(row.answer)) for row in seats),
        settled=any(row.settles for row in seats),
        adjudicated=any(row.status == "done" for row in rows if not row.seat),
    )
