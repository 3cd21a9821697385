"""Leases on reviews: nobody gets what somebody holds; a token that grows fences off the late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.review import Filter, Renewal
from llmlabel.errors import LlmlabelError
from llmlabel.store.database import Database
from llmlabel.store.free import (
    Asker,
    far_from,
    fits,
    free,
    free_rows,
    in_order,
    live,
    refs_waiting,
)
from llmlabel.store.labels import matches
from llmlabel.store.lease_rules import (
    end,
    extend,
    give,
    is_held,
    locked,
    refuse_closed,
    refuse_expired,
    refuse_taken,
    refuse_unheld,
)
from llmlabel.store.records import ReviewItem
from llmlabel.store.review_items import ReviewItems, no_review
from llmlabel.store.tables import reviews


class Leases:
    """The leases of one database; use them through `llmlabel.review.ReviewQueue`."""

    def __init__(self, database: Database, items: ReviewItems) -> None:
        self._database = database
        self._items = items

    def take(
        self,
        asker: Asker,
        count: int,
        where: Filter,
        *,
        cleared: Callable[[str], bool] = lambda ref: True,
    ) -> tuple[list[ReviewItem], list[ReviewItem]]:
        """Lease items until the reviewer holds `count` in this session.

        What this reviewer and session hold already comes first, under the same tokens; without
        a session nothing does. Then come free items in the order that is wanted, those that the
        reviewer skipped last. No two callers get the same item while its lease lasts, from
        whatever thread, process or machine they ask; none gets two seats of one panel.

        Args:
            asker: The reviewer.
            count: At most so many.
            where: Which ones.
            cleared: Whether the reviewer may have items of a guideline (`name@version`).

        Returns:
            What was held already, and what is new.
        """
        when = self._database.clock()
        new: list[str] = []
        with self._database.write() as connection:
            # Two tabs of one reviewer must not get two seats of one panel.
            self._database.exclusive(connection, f"reviewer {asker.reviewer}")
            held = self._held(connection, asker, where, when, count)
            if len(held) < count:
                refs = refs_waiting(connection, where.guideline, cleared)
                wanted = count - len(held)
                new = [row.id for row in self._free(connection, asker, where, refs, when, wanted)]
                give(connection, new, asker, when)
        with self._database.read() as connection:
            # What was decided or skipped meanwhile, by the same page, may be somebody else's now.
            kept = [
                each for each in self._items.load(connection, held + new) if _holds(asker, each)
            ]
        known = set(held)
        return [i for i in kept if i.id in known], [i for i in kept if i.id not in known]

    def take_one(self, id: str, asker: Asker) -> ReviewItem:
        """Lease a certain item; the token stays where this reviewer and session hold it.

        Raises:
            NotFound: There is none.
            AlreadyReviewed: It is decided; `winner` holds the verdict.
            Conflict: Somebody holds it, or the reviewer has another part in its panel.
        """
        when = self._database.clock()
        with self._database.write() as connection:
            self._database.exclusive(connection, f"reviewer {asker.reviewer}")
            row = locked(connection, [id]).get(id)
            if row is None:
                raise no_review(id)
            refuse_closed(connection, row)
            held = row.lease_expires_at is not None and row.lease_expires_at > when
            if held and (row.leased_by, row.session) == (asker.reviewer, asker.session):
                extend(connection, [id], when + asker.duration)
            else:
                refuse_taken(connection, row, asker, when)
                give(connection, [id], asker, when)
        with self._database.read() as connection:
            return self._items.one(connection, id)

    def check(self, item: ReviewItem, token: int, reviewer: str) -> None:
        """Refuse early, before an answer is looked at, who does not hold an open item.

        Raises:
            LeaseExpired: The lease ended or passed to someone else.
        """
        held = (item.token, item.leased_by)
        refuse_expired((token, reviewer), held, item.lease_expires_at, self._database.clock())

    def renew(self, leases: Sequence[tuple[str, int]], asker: Asker) -> list[Renewal]:
        """Let leases last for `asker.duration` from now; says of each what became of it.

        Args:
            leases: Ids and tokens.
            asker: Who holds them.
        """
        when = self._database.clock()
        until = when + asker.duration
        with self._database.write() as connection:
            rows = locked(connection, [id for id, _ in leases])
            found = [
                _renewal(connection, id, rows.get(id), (token, asker.reviewer), when, until)
                for id, token in leases
            ]
            kept = [each.id for each in found if each.expires_at is not None]
            extend(connection, kept, until)
        return found

    def renew_one(self, id: str, token: int, asker: Asker) -> ReviewItem:
        """The same for one lease.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `Verdicts.decide`.
        """
        when = self._database.clock()
        with self._database.write() as connection:
            refuse_unheld(connection, self._row(connection, id), token, asker.reviewer, when)
            extend(connection, [id], when + asker.duration)
        with self._database.read() as connection:
            return self._items.one(connection, id)

    def release(self, leases: Sequence[tuple[str, int]], reviewer: str) -> int:
        """Give items back undecided; returns how many this reviewer held under these tokens."""
        when = self._database.clock()
        with self._database.write() as connection:
            rows = locked(connection, [id for id, _ in leases])
            held = {id for id, token in leases if is_held(rows.get(id), (token, reviewer), when)}
            end(connection, sorted(held))
        return len(held)

    def release_one(self, id: str, token: int, reviewer: str) -> None:
        """The same for one item.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `Verdicts.decide`.
        """
        when = self._database.clock()
        with self._database.write() as connection:
            refuse_unheld(connection, self._row(connection, id), token, reviewer, when)
            end(connection, [id])

    def _row(self, connection: sa.Connection, id: str) -> sa.Row[Any]:
        row = locked(connection, [id]).get(id)
        if row is None:
            raise no_review(id)
        return row

    def _held(
        self, connection: sa.Connection, asker: Asker, where: Filter, when: datetime, limit: int
    ) -> list[str]:
        if asker.session is None:
            return []
        query = (
            sa.select(reviews.c.id)
            .where(
                *fits(where),
                reviews.c.leased_by == asker.reviewer,
                reviews.c.session == asker.session,
                live(when),
                ~free(when, far_from(when, asker.duration)),
            )
            .order_by(*in_order(where))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if where.guideline is not None:
            query = query.where(matches(reviews.c.guideline, where.guideline))
        ids = list(connection.execute(query).scalars())
        extend(connection, ids, when + asker.duration)
        return ids

    def _free(
        self,
        connection: sa.Connection,
        asker: Asker,
        where: Filter,
        refs: Sequence[str],
        when: datetime,
        wanted: int,
    ) -> list[sa.Row[Any]]:
        found: list[sa.Row[Any]] = []
        for again in (False, True):
            while refs and len(found) < wanted:
                limit = wanted - len(found)
                ids = {row.id for row in found}
                panels = {row.panel for row in found} - {None}
                query, parameters = free_rows(
                    asker, where, refs, when, limit=limit, again=again, besides=(ids, panels)
                )
                rows = connection.execute(query, parameters).all()
                for row in rows:
                    if row.panel is None or row.panel not in panels:
                        found.append(row)
                        panels.add(row.panel)
                if len(rows) < limit:
                    break
        return found


def _holds(asker: Asker, item: ReviewItem) -> bool:
    """Whether a reviewer holds an item in this session."""
    held = item.status == "open" and item.lease_expires_at is not None
    return held and (item.leased_by, item.session) == (asker.reviewer, asker.session)


def _renewal(
    connection: sa.Connection,
    id: str,
    row: sa.Row[Any] | None,
    sent: tuple[int, str],
    when: datetime,
    until: datetime,
) -> Renewal:
    try:
        if row is None:
            raise no_review(id)
        refuse_unheld(connection, row, *sent, when)
    except LlmlabelError as error:
        winner = getattr(error, "winner", None)
        return Renewal(id=id, code=error.code, detail=error.detail, winner=winner)
    return Renewal(id=id, expires_at=until)
