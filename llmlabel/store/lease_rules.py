"""What a lease is: given, extended and ended on rows that are locked; who is refused, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.review import Verdict
from llmlabel.errors import AlreadyReviewed, Conflict, LeaseExpired
from llmlabel.store.free import Asker, far_from, free, takes_part
from llmlabel.store.review_items import verdicts_at
from llmlabel.store.tables import reviews


def give(connection: sa.Connection, ids: Sequence[str], asker: Asker, when: datetime) -> None:
    """Lease rows anew."""
    if ids:
        connection.execute(
            sa.update(reviews)
            .where(reviews.c.id.in_(ids))
            .values(
                token=reviews.c.token + 1,
                leased_by=asker.reviewer,
                session=asker.session,
                lease_expires_at=when + asker.duration,
            )
        )


def extend(connection: sa.Connection, ids: Sequence[str], until: datetime) -> None:
    """Let leases last longer."""
    if ids:
        connection.execute(
            sa.update(reviews).where(reviews.c.id.in_(ids)).values(lease_expires_at=until)
        )


def end(connection: sa.Connection, ids: Sequence[str]) -> None:
    """End leases now."""
    if ids:
        connection.execute(
            sa.update(reviews).where(reviews.c.id.in_(ids)).values(lease_expires_at=None)
        )


def locked(connection: sa.Connection, ids: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """Rows by their id, kept from everybody else until the transaction ends."""
    # Always in one order, so that two who lock the same rows wait and do not block each other.
    rows = connection.execute(
        sa.select(reviews).where(reviews.c.id.in_(ids)).order_by(reviews.c.id).with_for_update()
    )
    return {row.id: row for row in rows}


def refuse_unheld(
    connection: sa.Connection, row: sa.Row[Any], token: int, reviewer: str, when: datetime
) -> None:
    """Refuse who does not hold an open row.

    Raises:
        AlreadyReviewed: It is decided.
        LeaseExpired: The lease ended or passed to someone else.
    """
    refuse_closed(connection, row)
    refuse_expired((token, reviewer), (row.token, row.leased_by), row.lease_expires_at, when)


def refuse_closed(connection: sa.Connection, row: sa.Row[Any]) -> None:
    """Refuse a row that is not open.

    Raises:
        AlreadyReviewed: It is decided; `winner` holds the verdict.
        Conflict: It was withdrawn.
    """
    if row.status == "withdrawn":
        raise Conflict(
            "This item was withdrawn: a member of its panel took a verdict back. Ask for the "
            "next item.",
            field="review_id",
        )
    if row.status == "done":
        winner = verdicts_at(connection, {row.winner})[row.winner]
        raise AlreadyReviewed(
            "This item was decided first by another verdict; ask for the next item.",
            winner=_seen(connection, row, winner),
        )


def refuse_expired(
    sent: tuple[int, str], held: tuple[int, str | None], expires: datetime | None, when: datetime
) -> None:
    """Refuse a token and reviewer that are not those of the last lease, or come too late.

    Raises:
        LeaseExpired: The lease ended or passed to someone else.
    """
    if sent != held or expires is None:
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


def refuse_taken(connection: sa.Connection, row: sa.Row[Any], asker: Asker, when: datetime) -> None:
    """Refuse a reviewer who may not lease an open row now.

    Raises:
        Conflict: Somebody holds it, or the reviewer has another part in its panel.
    """
    is_free = connection.execute(
        sa.select(free(when, far_from(when, asker.duration))).where(reviews.c.id == row.id)
    ).scalar_one()
    if not is_free:
        raise held_by(row.leased_by == asker.reviewer)
    part = connection.execute(
        sa.select(takes_part(asker.reviewer, when)).where(reviews.c.id == row.id)
    ).scalar_one()
    if part:
        raise Conflict(
            "You have another part in the panel of this item, and each part is for somebody "
            "else; take another one.",
            field="review_id",
        )


def held_by(same: bool) -> Conflict:
    """The error of who wants what is held: by the `same` in another window, or by another."""
    who = "You hold this item in another window" if same else "Another reviewer holds this item now"
    return Conflict(f"{who}; take another one, or wait until it is free.", field="review_id")


def is_held(row: sa.Row[Any] | None, sent: tuple[int, str], when: datetime) -> bool:
    """Whether a row is open and this token and reviewer hold it."""
    if row is None or row.status != "open" or row.lease_expires_at is None:
        return False
    return (row.token, row.leased_by) == sent and row.lease_expires_at > when


def _seen(connection: sa.Connection, row: sa.Row[Any], winner: Verdict) -> Verdict:
    # What one member of a panel said is nobody's business until the panel is settled.
    if not row.seat:
        return winner
    settled = connection.execute(
        sa.select(
            sa.exists().where(
                reviews.c.panel == row.panel, reviews.c.status == "done", reviews.c.settles
            )
        )
    ).scalar()
    return winner if settled else winner.model_copy(update={"answer": None, "comment": None})
