"""Verdicts: recorded once, taken back by a further row; the labels that they make."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.label import Label
from llmlabel.domain.review import PastVerdict, Verdict
from llmlabel.errors import Conflict, NotFound
from llmlabel.store import panels
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.free import Asker, undone
from llmlabel.store.labels import Labels, label_id, row_of_label
from llmlabel.store.lease_rules import (
    give,
    is_held,
    locked,
    refuse_closed,
    refuse_taken,
    refuse_unheld,
)
from llmlabel.store.outbox import label_notice, put
from llmlabel.store.records import ReviewItem
from llmlabel.store.review_items import ReviewItems, no_review, values_of, verdicts_at
from llmlabel.store.tables import labels, reviews, verdicts


class Decided(NamedTuple):
    """An item after a verdict, and whether the verdict made a label."""

    item: ReviewItem
    labeled: bool


class Last(NamedTuple):
    """A reviewer's newest verdict that stands."""

    review_id: str
    panel: str | None
    seq: int
    kind: str
    created_at: datetime


class Verdicts:
    """The verdicts of one database; use them through `llmlabel.review.ReviewQueue`."""

    def __init__(
        self, database: Database, stored_labels: Labels, items: ReviewItems, events: Events
    ) -> None:
        self._database = database
        self._labels = stored_labels
        self._items = items
        self._events = events

    def decide(
        self,
        item: ReviewItem,
        token: int,
        verdict: Verdict,
        label: Callable[[Verdict], Label],
        rule: panels.Settle = "unanimous",
    ) -> Decided:
        """Record a verdict, and the label that it makes, in one transaction.

        A skip puts the item back; any other closes it. The verdict on a seat of a panel makes a
        label only where it is the last one and the panel agrees; where the panel does not, an
        adjudication is opened. The same verdict sent again under the same lease changes nothing.

        Args:
            item: As it was read a moment ago.
            token: Of the reviewer's lease.
            verdict: What the reviewer decided.
            label: Makes the verified label of a verdict on this document.
            rule: When a panel agrees.

        Raises:
            NotFound: There is no such item.
            AlreadyReviewed: A verdict was there first; `winner` holds it.
            LeaseExpired: The lease ended or passed to someone else.
        """
        when = self._database.clock()
        sent = (token, verdict.reviewer)
        with self._database.write() as connection:
            row = self._locked(connection, item.id, item.panel)
            repeated = not is_held(row, sent, when) and self._is_repeated(
                connection, token, verdict
            )
            labeled = not repeated and self._decide(connection, row, sent, verdict, label, rule)
        if repeated or item.panel is not None:
            with self._database.read() as connection:
                return Decided(self._items.one(connection, item.id), labeled)
        skips = verdict.kind == "skip"
        changes = {
            "status": "open" if skips else "done",
            "verdict": None if skips else verdict,
            "token": row.token,
            "leased_by": row.leased_by,
            "session": row.session,
            "lease_expires_at": None,
        }
        return Decided(item.model_copy(update=changes), labeled)

    def last(self, reviewer: str, session: str | None = None) -> Last | None:
        """A reviewer's newest verdict that stands, skips of open items included.

        Args:
            reviewer: Whose.
            session: Only given in this browser tab; in any without one.
        """
        with self._database.read() as connection:
            return _last(connection, reviewer, session)

    def undo(self, asker: Asker, id: str | None = None) -> ReviewItem:
        """Take one's own newest verdict that stands back; the item is leased to the reviewer.

        The verdict stays in the history; a new row undoes it, and where it had made a label a
        new row restores the answer as it was proposed. Done again, it takes the one before
        back.

        Args:
            asker: Whose verdict; with a session, of this session.
            id: Only if it is on this item.

        Raises:
            NotFound: There is no such item, or nothing to take back.
            Conflict: The newest is on another item, somebody else holds the item now, or the
                answer was settled by somebody else since.
        """
        when = self._database.clock()
        with self._database.write() as connection:
            self._database.exclusive(connection, f"reviewer {asker.reviewer}")
            last = _last(connection, asker.reviewer, asker.session)
            if id is not None:
                _refuse_other(connection, last, id)
            if last is None:
                raise NotFound(
                    "No verdict of yours is left to take back; open the item again through an "
                    "evaluator for any older one.",
                    field="review_id",
                )
            row = self._locked(connection, last.review_id, last.panel)
            if last.kind == "skip":
                refuse_closed(connection, row)
                # What was skipped may have been given to the same window once more since.
                held = row.lease_expires_at is not None and row.lease_expires_at > when
                if not held or (row.leased_by, row.session) != (asker.reviewer, asker.session):
                    refuse_taken(connection, row, asker, when)
            else:
                self._withdraw(connection, row, last.seq, when)
            self._add_undo(connection, row, last.seq, asker, when)
            give(connection, [row.id], asker, when)
            about = {"reviewer": asker.reviewer}
            self._events.append_with(connection, "review.undone", row.id, {**about})
        with self._database.read() as connection:
            return self._items.one(connection, last.review_id)

    def history(self, id: str) -> list[PastVerdict]:
        """Every verdict on an item, skips and undone ones included, oldest first.

        Raises:
            NotFound: There is no such item.
        """
        query = (
            sa.select(verdicts, undone().label("undone"))
            .where(verdicts.c.review_id == id, verdicts.c.kind != "undo")
            .order_by(verdicts.c.seq)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
            if not rows:
                self._items.one(connection, id)
        return [PastVerdict(**values_of(row), undone=row["undone"]) for row in rows]

    def _decide(
        self,
        connection: sa.Connection,
        row: sa.Row[Any],
        sent: tuple[int, str],
        verdict: Verdict,
        label: Callable[[Verdict], Label],
        rule: panels.Settle,
    ) -> bool:
        token, reviewer = sent
        refuse_unheld(connection, row, token, reviewer, self._database.clock())
        seq = self._add(connection, verdict, token, row.session)
        if verdict.kind == "skip":
            self._set(connection, row.id, lease_expires_at=None)
            return False
        self._set(connection, row.id, status="done", winner=seq, lease_expires_at=None)
        return self._label(connection, row, seq, label, rule)

    def _locked(self, connection: sa.Connection, id: str, panel: str | None) -> sa.Row[Any]:
        """The row and, with it, all of its panel."""
        ids = [id]
        if panel is not None:
            # Several may wait here for one panel: each then reads what the one before left.
            self._database.exclusive(connection, f"panel {panel}")
            members = sa.select(reviews.c.id).where(reviews.c.panel == panel)
            ids = list(connection.execute(members).scalars())
        row = locked(connection, ids).get(id)
        if row is None:
            raise no_review(id)
        return row

    def _set(self, connection: sa.Connection, id: str, **values: Any) -> None:
        connection.execute(sa.update(reviews).where(reviews.c.id == id).values(**values))

    def _is_repeated(self, connection: sa.Connection, token: int, verdict: Verdict) -> bool:
        # The same verdict under the same lease: its first answer was lost on the way.
        found = connection.execute(
            sa.select(verdicts).where(
                verdicts.c.review_id == verdict.review_id,
                verdicts.c.reviewer == verdict.reviewer,
                verdicts.c.token == token,
                verdicts.c.kind == verdict.kind,
                ~undone(),
            )
        )
        unchanged = {"created_at": verdict.created_at}
        return any(Verdict(**values_of(row) | unchanged) == verdict for row in found.mappings())

    def _add(
        self, connection: sa.Connection, verdict: Verdict, token: int, session: str | None
    ) -> int:
        answer = verdict.answer
        seq = connection.execute(
            sa.insert(verdicts)
            .values(
                review_id=verdict.review_id,
                token=token,
                reviewer=verdict.reviewer,
                kind=verdict.kind,
                answer=None if answer is None else answer.model_dump_json(),
                comment=verdict.comment,
                seconds=verdict.seconds,
                created_at=verdict.created_at,
                session=session,
            )
            .returning(verdicts.c.seq)
        ).scalar_one()
        return int(seq)

    def _add_undo(
        self,
        connection: sa.Connection,
        row: sa.Row[Any],
        undoes: int,
        asker: Asker,
        when: datetime,
    ) -> None:
        connection.execute(
            sa.insert(verdicts).values(
                review_id=row.id,
                token=row.token,
                reviewer=asker.reviewer,
                kind="undo",
                undoes=undoes,
                created_at=when,
                session=asker.session,
            )
        )

    def _label(
        self,
        connection: sa.Connection,
        row: sa.Row[Any],
        seq: int,
        label: Callable[[Verdict], Label],
        rule: panels.Settle,
    ) -> bool:
        chosen: int | None = seq
        if row.seat:
            chosen = panels.close(connection, row.panel, rule, self._database.clock())
        if chosen is None:
            return False
        verdict = verdicts_at(connection, {chosen})[chosen]
        # Named by the verdict that closed the item: a panel may settle on one verdict twice.
        self._add_label(connection, row, label(verdict), f"verdict {seq}")
        return True

    def _withdraw(
        self, connection: sa.Connection, row: sa.Row[Any], seq: int, when: datetime
    ) -> None:
        labeled = panels.reopen(connection, row.panel, when) if row.seat else True
        if labeled:
            _refuse_superseded(connection, row)
            proposed = self._labels.with_ids(connection, [row.label_id])[row.label_id].label
            restored = proposed.model_copy(update={"created_at": when})
            self._add_label(connection, row, restored, f"undo {seq}")
        self._set(connection, row.id, status="open", winner=None, lease_expires_at=None)

    def _add_label(
        self, connection: sa.Connection, review: sa.Row[Any], label: Label, origin: str
    ) -> None:
        run, made_by = connection.execute(
            sa.select(labels.c.run, labels.c.opinions_of).where(labels.c.id == review.label_id)
        ).one()
        id = label_id(label.document_id, label.guideline, run, f"{review.label_id} {origin}")
        connection.execute(
            sa.insert(labels).values(**row_of_label(id, label, run, opinions_of=made_by))
        )
        notice = label_notice(id, label, review_id=review.id)
        put(connection, self._database.clock(), [notice])


def _last(connection: sa.Connection, reviewer: str, session: str | None) -> Last | None:
    query = (
        sa.select(
            verdicts.c.review_id,
            reviews.c.panel,
            verdicts.c.seq,
            verdicts.c.kind,
            verdicts.c.created_at,
        )
        .join(reviews, reviews.c.id == verdicts.c.review_id)
        .where(
            verdicts.c.reviewer == reviewer,
            sa.or_(
                reviews.c.winner == verdicts.c.seq,
                sa.and_(verdicts.c.kind == "skip", reviews.c.status == "open", ~undone()),
            ),
        )
        .order_by(verdicts.c.seq.desc())
        .limit(1)
    )
    if session is not None:
        query = query.where(verdicts.c.session == session)
    row = connection.execute(query).one_or_none()
    return None if row is None else Last(*row)


def _refuse_other(connection: sa.Connection, last: Last | None, id: str) -> None:
    if last is not None and last.review_id == id:
        return
    known = connection.execute(sa.select(reviews.c.id).where(reviews.c.id == id)).scalar()
    if known is None:
        raise no_review(id)
    raise not_newest()


def not_newest() -> Conflict:
    """The error of who wants to take back what is not the newest."""
    return Conflict(
        "Only your own newest verdict can be taken back, while it stands; take back those after "
        "it first, or open the item again through an evaluator.",
        field="review_id",
    )


def _refuse_superseded(connection: sa.Connection, row: sa.Row[Any]) -> None:
    later = sa.exists().where(
        reviews.c.document_id == row.document_id,
        reviews.c.guideline == row.guideline,
        reviews.c.status == "done",
        reviews.c.settles,
        sa.or_(reviews.c.panel.is_(None), reviews.c.panel != (row.panel or "")),
        reviews.c.winner > row.winner,
    )
    if connection.execute(sa.select(later)).scalar():
        raise Conflict(
            "The label was reviewed again since, and that verdict counts; yours stays in its "
            "history.",
            field="review_id",
        )
