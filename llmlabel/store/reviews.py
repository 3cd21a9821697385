"""The review queue's rows: what they are, how many wait, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median

import sqlalchemy as sa

from llmlabel.domain.review import Filter, QueueState, ReviewStatus, Waiting
from llmlabel.store.cursors import cursor_of, seq_of
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.free import fits, live, refs_waiting, takes_part
from llmlabel.store.labels import Labels, matches
from llmlabel.store.leases import Leases
from llmlabel.store.openings import place_in_queue
from llmlabel.store.records import ReviewItem, ReviewPage
from llmlabel.store.review_items import ReviewItems
from llmlabel.store.tables import reviews, verdicts
from llmlabel.store.verdicts import Verdicts

RECENT = 200
"""So many verdicts tell how long a decision takes."""


class Reviews:
    """The review queue of one database. Its rules on answers live in `llmlabel.review`.

    Attributes:
        leases: Who holds what.
        verdicts: What was decided.
    """

    def __init__(self, database: Database, stored_labels: Labels, events: Events) -> None:
        self._database = database
        self._items = ReviewItems(stored_labels)
        self.leases = Leases(database, self._items)
        self.verdicts = Verdicts(database, stored_labels, self._items, events)

    def get(self, id: str) -> ReviewItem:
        """One item as it stands.

        Raises:
            NotFound: There is none under that id.
        """
        with self._database.read() as connection:
            return self._items.one(connection, id)

    def is_given(self, document_id: str, reviewer: str) -> bool:
        """Whether a reviewer holds, or was the last to hold, an item of a document."""
        given = sa.exists().where(
            reviews.c.document_id == document_id, reviews.c.leased_by == reviewer
        )
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(given)).scalar())

    def page(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        status: ReviewStatus | None = None,
        guideline: str | None = None,
    ) -> ReviewPage:
        """A page of items, newest first; items added meanwhile do not shift it.

        Raises:
            InvalidInput: The cursor is not one that this method gave.
        """
        query = sa.select(reviews.c.seq, reviews.c.id).order_by(reviews.c.seq.desc())
        if cursor is not None:
            query = query.where(reviews.c.seq < seq_of(cursor))
        if status is not None:
            query = query.where(reviews.c.status == status)
        if guideline is not None:
            query = query.where(matches(reviews.c.guideline, guideline))
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
            items = tuple(self._items.load(connection, [row.id for row in rows[:limit]]))
        more = len(rows) > limit
        return ReviewPage(items=items, cursor=cursor_of(rows[limit - 1].seq) if more else None)

    def waiting(self, where: Filter, cleared: Callable[[str], bool] = lambda ref: True) -> Waiting:
        """How many items a filter lets through, and how many of them somebody holds."""
        when = self._database.clock()
        with self._database.read() as connection:
            refs = refs_waiting(connection, where.guideline, cleared)
            row = connection.execute(
                sa.select(
                    sa.func.count().label("open"), sa.func.count().filter(live(when)).label("held")
                ).where(reviews.c.guideline.in_(refs), *fits(where))
            ).one()
        return Waiting(open=row.open, leased=row.held)

    def queues(
        self,
        reviewer: str | None = None,
        cleared: Callable[[str], bool] = lambda ref: True,
        *,
        adjudicates: bool = True,
    ) -> list[QueueState]:
        """What waits, by guideline, kind and language.

        Args:
            reviewer: Leave out what is for others in panels that this one takes part in.
            cleared: Only guidelines (`name@version`) for which it is true.
            adjudicates: Count adjudications too.
        """
        when = self._database.clock()
        kind = sa.case(
            (reviews.c.kind == "adjudication", "adjudication"),
            (reviews.c.blind, "blind"),
            else_=reviews.c.kind,
        ).label("shown")
        with self._database.read() as connection:
            refs = refs_waiting(connection, None, cleared)
            query = (
                sa.select(
                    reviews.c.guideline,
                    kind,
                    reviews.c.language,
                    sa.func.count().label("open"),
                    sa.func.count().filter(live(when)).label("leased"),
                    sa.func.min(reviews.c.created_at).label("oldest"),
                )
                .where(reviews.c.status == "open", reviews.c.guideline.in_(refs))
                .group_by(reviews.c.guideline, kind, reviews.c.language)
                .order_by(reviews.c.guideline, kind, reviews.c.language)
            )
            if reviewer is not None:
                query = query.where(~takes_part(reviewer, when))
            if not adjudicates:
                query = query.where(reviews.c.kind != "adjudication")
            rows = connection.execute(query).all()
            seconds = {ref: _median_seconds(connection, ref) for ref in {r.guideline for r in rows}}
        return [
            QueueState(
                guideline=row.guideline,
                kind=row.shown,
                language=row.language,
                open=row.open,
                leased=row.leased,
                oldest_at=row.oldest,
                median_seconds=(each := seconds[row.guideline]),
                seconds_to_clear=None if each is None else each * row.open,
            )
            for row in rows
        ]

    def prioritize(self, guideline: str, values: Mapping[str, float]) -> int:
        """Put doubted items in another order; returns how many moved.

        Blind items, those that are reviewed because everything is, and adjudications keep their
        place: the order in which they are decided must not depend on what the labelers said.

        Args:
            guideline: `name@version`.
            values: By id of the document; higher comes first.
        """
        moved = 0
        with self._database.write() as connection:
            for document_id, value in sorted(values.items()):
                changed = connection.execute(
                    sa.update(reviews)
                    .where(
                        reviews.c.document_id == document_id,
                        reviews.c.guideline == guideline,
                        reviews.c.status == "open",
                        ~reviews.c.blind,
                        reviews.c.kind.not_in(["forced", "adjudication"]),
                    )
                    .values(priority=place_in_queue(value))
                )
                moved += changed.rowcount
        return moved


def _median_seconds(connection: sa.Connection, guideline: str) -> float | None:
    newest: Sequence[float] = (
        connection.execute(
            sa.select(verdicts.c.seconds)
            .join(reviews, reviews.c.winner == verdicts.c.seq)
            .where(
                reviews.c.guideline == guideline,
                reviews.c.winner.is_not(None),
                verdicts.c.seconds.is_not(None),
            )
            .order_by(reviews.c.winner.desc())
            .limit(RECENT)
        )
        .scalars()
        .all()
    )
    return median(newest) if newest else None
