"""The review queue's rows: leases with a fencing token, verdicts, the label a verdict makes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.label import Label
from llmlabel.domain.review import ReviewStatus, Verdict
from llmlabel.errors import AlreadyReviewed, Conflict, LeaseExpired, NotFound
from llmlabel.store.cursors import cursor_of, seq_of
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.labels import Labels, label_id, matches, row_of_label
from llmlabel.store.openings import place_in_queue
from llmlabel.store.records import ReviewItem, ReviewPage, StoredLabel
from llmlabel.store.rows import document_of, recording_of
from llmlabel.store.tables import documents, labels, recordings, reviews, verdicts
from llmlabel.store.verified import read_answer


class Reviews:
    """The review queue of one database. Its rules on answers live in `llmlabel.review`."""

    def __init__(self, database: Database, stored_labels: Labels, events: Events) -> None:
        self._database = database
        self._labels = stored_labels
        self._events = events

    def lease(self, reviewer: str, duration: timedelta, guideline: str | None) -> ReviewItem | None:
        """Lease the next free item, or None: highest priority, then oldest first.

        Items this reviewer skipped come after all others. No two callers get the same item
        while its lease lasts, from whatever thread, process or machine they ask.
        """
        when = self._database.clock()
        skipped = sa.exists().where(
            verdicts.c.review_id == reviews.c.id,
            verdicts.c.reviewer == reviewer,
            verdicts.c.kind == "skip",
        )
        free = (
            sa.select(reviews.c.id)
            .where(
                reviews.c.status == "open",
                sa.or_(
                    reviews.c.lease_expires_at.is_(None),
                    reviews.c.lease_expires_at <= when,
                    # So far ahead only if the clock was set back since the lease was given.
                    reviews.c.lease_expires_at > when + 2 * duration,
                ),
            )
            .order_by(
                sa.case((skipped, 1), else_=0), reviews.c.priority.desc(), reviews.c.seq.asc()
            )
            .limit(1)
            # PostgreSQL passes over rows that another reviewer is taking at this moment; SQLite
            # has one writer at a time and leaves this out.
            .with_for_update(of=reviews, skip_locked=True)
        )
        if guideline is not None:
            free = free.where(matches(reviews.c.guideline, guideline))
        with self._database.write() as connection:
            id = connection.execute(free).scalar()
            if id is None:
                return None
            self._give(connection, id, reviewer, when + duration)
            return self._load(connection, id)

    def get(self, id: str) -> ReviewItem:
        """One item as it stands.

        Raises:
            NotFound: There is none under that id.
        """
        with self._database.read() as connection:
            return self._load(connection, id)

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
            items = tuple(self._load(connection, row.id) for row in rows[:limit])
        more = len(rows) > limit
        return ReviewPage(items=items, cursor=cursor_of(rows[limit - 1].seq) if more else None)

    def check_lease(self, item: ReviewItem, token: int, reviewer: str) -> None:
        """Refuse early, before an answer is looked at, who does not hold an open item.

        Raises:
            LeaseExpired: The lease ended or passed to someone else.
        """
        _refuse_expired(
            token=token,
            reviewer=reviewer,
            held=(item.token, item.leased_by, item.lease_expires_at),
            when=self._database.clock(),
        )

    def renew(self, id: str, token: int, reviewer: str, duration: timedelta) -> ReviewItem:
        """Let a lease last for `duration` from now.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `decide`.
        """
        with self._database.write() as connection:
            self._held(connection, id, token, reviewer)
            self._set(connection, id, lease_expires_at=self._database.clock() + duration)
            return self._load(connection, id)

    def release(self, id: str, token: int, reviewer: str) -> None:
        """Give an item back undecided.

        Raises:
            NotFound, AlreadyReviewed, LeaseExpired: As `decide`.
        """
        with self._database.write() as connection:
            self._held(connection, id, token, reviewer)
            self._set(connection, id, lease_expires_at=None)

    def decide(self, token: int, verdict: Verdict, label: Label | None) -> ReviewItem:
        """Record a verdict, and the label that it makes, in one transaction.

        Args:
            token: Of the reviewer's lease.
            verdict: A skip puts the item back; any other closes it.
            label: The verified label; None for a skip.

        Raises:
            NotFound: There is no such item.
            AlreadyReviewed: A verdict was there first; `winner` holds it.
            LeaseExpired: The lease ended or passed to someone else.
        """
        id = verdict.review_id
        with self._database.write() as connection:
            row = self._locked(connection, id)
            if row.status == "done" and self._is_repeated(connection, row, token, verdict):
                return self._load(connection, id)
            self._refuse_unheld(connection, row, token, verdict.reviewer)
            seq = self._add_verdict(connection, verdict, token)
            if label is None:
                self._set(connection, id, lease_expires_at=None)
            else:
                self._set(connection, id, status="done", winner=seq, lease_expires_at=None)
                self._add_label(connection, row.label_id, label, f"verdict {seq}")
            return self._load(connection, id)

    def undo(self, id: str, reviewer: str, duration: timedelta) -> ReviewItem:
        """Take one's own last verdict back: the item is open again and leased to the reviewer.

        The verdict stays in the history; a new row undoes it, and a new label row restores
        the answer as it was proposed.

        Raises:
            NotFound: There is no such item.
            Conflict: It is not closed by this reviewer's last verdict.
        """
        with self._database.write() as connection:
            row = self._locked(connection, id)
            last = connection.execute(
                sa.select(sa.func.max(verdicts.c.seq)).where(
                    verdicts.c.reviewer == reviewer, verdicts.c.kind.not_in(["skip", "undo"])
                )
            ).scalar()
            if row.status != "done" or row.winner != last:
                raise Conflict(
                    "Only your own last verdict can be undone, while it stands; open the item "
                    "again through an evaluator for any other.",
                    field="review_id",
                )
            when = self._database.clock()
            seq = connection.execute(
                sa.insert(verdicts)
                .values(
                    review_id=id,
                    token=row.token,
                    reviewer=reviewer,
                    kind="undo",
                    undoes=row.winner,
                    created_at=when,
                )
                .returning(verdicts.c.seq)
            ).scalar_one()
            proposed = self._labels.with_ids(connection, [row.label_id])[row.label_id].label
            restored = proposed.model_copy(update={"created_at": when})
            self._add_label(connection, row.label_id, restored, f"undo {seq}")
            self._set(connection, id, status="open", winner=None)
            self._give(connection, id, reviewer, when + duration)
            self._events.append_with(connection, "review.undone", id, {"reviewer": reviewer})
            return self._load(connection, id)

    def prioritize(self, guideline: str, values: Mapping[str, float]) -> int:
        """Put doubted items in another order; returns how many moved.

        Blind items and those that are reviewed because everything is keep their place: the
        order in which they are decided must not depend on what the labelers said.

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
                        reviews.c.kind != "forced",
                    )
                    .values(priority=place_in_queue(value))
                )
                moved += changed.rowcount
        return moved

    def verdicts_of(self, id: str) -> list[Verdict]:
        """Every verdict on an item, skips and undone ones included, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(verdicts)
                .where(verdicts.c.review_id == id, verdicts.c.kind != "undo")
                .order_by(verdicts.c.seq)
            )
            return [_verdict_of(row) for row in rows.mappings()]

    def _give(self, connection: sa.Connection, id: str, reviewer: str, expires: datetime) -> None:
        token = reviews.c.token + 1
        self._set(connection, id, token=token, leased_by=reviewer, lease_expires_at=expires)

    def _set(self, connection: sa.Connection, id: str, **values: Any) -> None:
        connection.execute(sa.update(reviews).where(reviews.c.id == id).values(**values))

    def _locked(self, connection: sa.Connection, id: str) -> sa.Row[Any]:
        row = connection.execute(
            sa.select(reviews).where(reviews.c.id == id).with_for_update()
        ).one_or_none()
        if row is None:
            raise _no_review(id)
        return row

    def _held(self, connection: sa.Connection, id: str, token: int, reviewer: str) -> None:
        self._refuse_unheld(connection, self._locked(connection, id), token, reviewer)

    def _refuse_unheld(
        self, connection: sa.Connection, row: sa.Row[Any], token: int, reviewer: str
    ) -> None:
        if row.status == "done":
            raise AlreadyReviewed(
                "This item was decided first by another verdict; ask for the next item.",
                winner=self._verdict(connection, row.winner),
            )
        _refuse_expired(
            token=token,
            reviewer=reviewer,
            held=(row.token, row.leased_by, row.lease_expires_at),
            when=self._database.clock(),
        )

    def _is_repeated(
        self, connection: sa.Connection, row: sa.Row[Any], token: int, verdict: Verdict
    ) -> bool:
        # The same verdict under the same lease: its first answer was lost on the way.
        if row.token != token:
            return False
        unchanged = {"created_at": verdict.created_at}
        return self._verdict(connection, row.winner).model_copy(update=unchanged) == verdict

    def _verdict(self, connection: sa.Connection, seq: int) -> Verdict:
        found = connection.execute(sa.select(verdicts).where(verdicts.c.seq == seq))
        return _verdict_of(found.mappings().one())

    def _add_verdict(self, connection: sa.Connection, verdict: Verdict, token: int) -> int:
        seq = connection.execute(
            sa.insert(verdicts)
            .values(
                review_id=verdict.review_id,
                token=token,
                reviewer=verdict.reviewer,
                kind=verdict.kind,
                answer=None if verdict.answer is None else verdict.answer.model_dump_json(),
                comment=verdict.comment,
                seconds=verdict.seconds,
                created_at=verdict.created_at,
            )
            .returning(verdicts.c.seq)
        ).scalar_one()
        return int(seq)

    def _add_label(
        self, connection: sa.Connection, proposal: str, label: Label, origin: str
    ) -> None:
        run, made_by = connection.execute(
            sa.select(labels.c.run, labels.c.opinions_of).where(labels.c.id == proposal)
        ).one()
        id = label_id(label.document_id, label.guideline, run, f"{proposal} {origin}")
        connection.execute(
            sa.insert(labels).values(**row_of_label(id, label, run, opinions_of=made_by))
        )

    def _load(self, connection: sa.Connection, id: str) -> ReviewItem:
        found = connection.execute(
            sa.select(
                documents,
                recordings.c.file_name,
                recordings.c.media_type,
                recordings.c.bytes,
                *(column.label(f"review_{column.name}") for column in reviews.c),
            )
            .select_from(reviews)
            .join(documents, documents.c.id == reviews.c.document_id)
            .outerjoin(recordings, recordings.c.sha256 == documents.c.recording_sha256)
            .where(reviews.c.id == id)
        )
        row = found.mappings().one_or_none()
        if row is None:
            raise _no_review(id)
        document = document_of(row)
        assert document is not None, "a label exists only of a document with a text"
        winner = row["review_winner"]
        proposals: dict[str, StoredLabel] = self._labels.with_ids(
            connection, [row["review_label_id"]]
        )
        return ReviewItem(
            id=id,
            status=row["review_status"],
            kind=row["review_kind"],
            blind=row["review_blind"],
            sampled=row["review_sampled"],
            document=document,
            recording=recording_of(row),
            label=proposals[row["review_label_id"]],
            guideline=row["review_guideline"],
            reason=row["review_reason"],
            priority=row["review_priority"],
            token=row["review_token"],
            leased_by=row["review_leased_by"],
            lease_expires_at=row["review_lease_expires_at"],
            verdict=None if winner is None else self._verdict(connection, winner),
            created_at=row["review_created_at"],
        )


def _refuse_expired(
    *,
    token: int,
    reviewer: str,
    held: tuple[int, str | None, datetime | None],
    when: datetime,
) -> None:
    # `held` is the token, the reviewer and the end of the last lease given.
    current, leased_by, expires = held
    if token != current or reviewer != leased_by or expires is None:
        raise LeaseExpired(
            "The lease on this item ended or passed to someone else; ask for the next item.",
            field="token",
        )
    if expires <= when:
        raise LeaseExpired(
            f"The lease on this item ended at {expires.isoformat()}; ask for the next item, and "
            "renew the lease when a decision takes longer.",
            field="token",
        )


def _no_review(id: str) -> NotFound:
    return NotFound(f"There is no review `{id[:64]}`; ask for the next item.", field="review_id")


def _verdict_of(row: sa.RowMapping) -> Verdict:
    return Verdict(
        review_id=row["review_id"],
        reviewer=row["reviewer"],
        kind=row["kind"],
        answer=read_answer(row["answer"]),
        comment=row["comment"],
        seconds=row["seconds"],
        created_at=row["created_at"],
    )
