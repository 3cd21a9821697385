"""Panels: when their members agree, what follows where they do not, and how a seat is undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.answer import Answer, SpansAnswer, TokensAnswer
from llmlabel.errors import Conflict
from llmlabel.store.openings import derived_id
from llmlabel.store.outbox import put, review_notice
from llmlabel.store.review_items import verdicts_at
from llmlabel.store.tables import reviews

Settle = Literal["unanimous", "majority"]

ADJUDICATION_PRIORITY = -1.0
"""Behind everything else: adjudications have a queue of their own."""


class Said(NamedTuple):
    """The answer of one seat; None where no right answer exists."""

    seq: int  # of its verdict
    answer: Answer | None


def agreed(said: Sequence[Said], rule: Settle) -> int | None:
    """The newest verdict that gives the answer of a panel; None where it has none.

    Spans are the same whatever their order.

    Args:
        said: What each member said; at least one.
        rule: `unanimous`: all said the same; `majority`: more than half did.
    """
    by_answer: dict[str, list[int]] = {}
    for each in said:
        by_answer.setdefault(_canonical(each.answer), []).append(each.seq)
    largest = max(by_answer.values(), key=len)
    needed = len(said) if rule == "unanimous" else len(said) // 2 + 1
    return max(largest) if len(largest) >= needed else None


def close(connection: sa.Connection, panel: str, rule: Settle, when: datetime) -> int | None:
    """Settle a panel whose last seat was decided, or open its adjudication.

    Returns:
        The verdict that is the panel's answer; None while there is none.
    """
    rows = _rows(connection, panel)
    seats = [row for row in rows if row.seat]
    if any(row.status == "open" for row in seats):
        return None
    given = verdicts_at(connection, {row.winner for row in seats})
    chosen = agreed([Said(row.winner, given[row.winner].answer) for row in seats], rule)
    if chosen is None:
        _adjudicate(connection, rows, when)
        return None
    connection.execute(
        sa.update(reviews)
        .where(reviews.c.panel == panel, reviews.c.winner == chosen)
        .values(settles=True)
    )
    return chosen


def reopen(connection: sa.Connection, panel: str, when: datetime) -> bool:
    """Make ready for a seat's verdict to be taken back; returns whether the panel was settled.

    Raises:
        Conflict: Its adjudicator is at work or done.
    """
    rows = _rows(connection, panel)
    for row in rows:
        if row.seat:
            continue
        if row.status == "done":
            raise Conflict(
                "The panel disagreed and an adjudicator has decided since; the verdict stays.",
                field="review_id",
            )
        if (
            row.status == "open"
            and row.lease_expires_at is not None
            and row.lease_expires_at > when
        ):
            raise Conflict(
                "The panel disagreed and an adjudicator is deciding now; try again later.",
                field="review_id",
            )
        connection.execute(
            sa.update(reviews).where(reviews.c.id == row.id).values(status="withdrawn")
        )
    settled = any(row.settles for row in rows if row.seat)
    if settled:
        connection.execute(
            sa.update(reviews)
            .where(reviews.c.panel == panel, reviews.c.seat > 0)
            .values(settles=False)
        )
    return settled


def _rows(connection: sa.Connection, panel: str) -> Sequence[sa.Row[Any]]:
    return connection.execute(
        sa.select(reviews).where(reviews.c.panel == panel).order_by(reviews.c.seat)
    ).all()


def _adjudicate(connection: sa.Connection, rows: Sequence[sa.Row[Any]], when: datetime) -> None:
    withdrawn = [row for row in rows if not row.seat]
    if withdrawn:
        connection.execute(
            sa.update(reviews)
            .where(reviews.c.id.in_([row.id for row in withdrawn]))
            .values(status="open", lease_expires_at=None, created_at=when)
        )
        put(connection, when, [review_notice(row._asdict()) for row in withdrawn])
        return
    seats = [row for row in rows if row.seat]
    first = seats[0]
    opened = {
        "id": derived_id(first.label_id, "adjudication"),
        "label_id": first.label_id,
        "document_id": first.document_id,
        "guideline": first.guideline,
        "reason": f"The {len(seats)} reviewers of this document gave different answers.",
        "status": "open",
        "priority": ADJUDICATION_PRIORITY,
        "token": 0,
        "created_at": when,
        "kind": "adjudication",
        "blind": False,
        "sampled": first.sampled,
        "panel": first.panel,
        "seat": 0,
        "settles": True,
        "language": first.language,
    }
    connection.execute(sa.insert(reviews).values(**opened))
    put(connection, when, [review_notice(opened)])


def _canonical(answer: Answer | None) -> str:
    if answer is None:
        return ""
    if isinstance(answer, SpansAnswer | TokensAnswer):
        units = answer.spans if isinstance(answer, SpansAnswer) else answer.tokens
        return str(sorted((unit.start, unit.end, unit.label) for unit in units))
    return answer.model_dump_json()
