"""Which reviews are free, for whom, and in what order, as conditions of a query."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.review import Filter
from llmlabel.store.labels import matches
from llmlabel.store.tables import reviews, verdicts


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for items, in which browser tab, and for how long they are leased."""

    reviewer: str
    session: str | None
    duration: timedelta


def live(when: datetime, table: sa.FromClause = reviews) -> sa.ColumnElement[bool]:
    """Whether the last lease of a row still holds."""
    return table.c.lease_expires_at > when


def free(when: datetime, duration: timedelta) -> sa.ColumnElement[bool]:
    """Whether nobody holds a row."""
    return sa.or_(
        reviews.c.lease_expires_at.is_(None),
        reviews.c.lease_expires_at <= when,
        # So far ahead only if the clock was set back since the lease was given.
        reviews.c.lease_expires_at > when + 2 * duration,
    )


def fits(where: Filter) -> list[sa.ColumnElement[bool]]:
    """What a filter asks of an open row, its guideline left out."""
    found = [reviews.c.status == "open"]
    if where.queue == "adjudication":
        found.append(reviews.c.kind == "adjudication")
        if where.kind is not None:
            found.append(sa.false())  # no adjudication has one of the other kinds
    elif where.kind == "blind":
        found += [reviews.c.blind, reviews.c.kind != "adjudication"]
    elif where.kind is not None:
        found += [reviews.c.kind == where.kind, ~reviews.c.blind]
    else:
        found.append(reviews.c.kind != "adjudication")
    if where.language is not None:
        found.append(reviews.c.language == where.language)
    return found


def in_order(where: Filter) -> list[sa.ColumnElement[Any]]:
    """The order in which a filter wants items."""
    if where.order == "oldest":
        return [reviews.c.seq.asc()]
    return [reviews.c.priority.desc(), reviews.c.seq.asc()]


def takes_part(reviewer: str, when: datetime) -> sa.ColumnElement[bool]:
    """Whether a reviewer holds or has decided another row of the same panel."""
    other = reviews.alias("other")
    return sa.and_(
        reviews.c.panel.is_not(None),
        sa.exists().where(
            other.c.panel == reviews.c.panel,
            other.c.id != reviews.c.id,
            other.c.leased_by == reviewer,
            sa.or_(other.c.status == "done", sa.and_(other.c.status == "open", live(when, other))),
        ),
    )


def skipped(reviewer: str) -> sa.ColumnElement[bool]:
    """Whether a reviewer put the row, or another seat of its panel, back with a skip."""
    other = reviews.alias("seat_skipped")
    return sa.or_(
        sa.exists().where(*_stands_skipped(reviewer, reviews)),
        sa.and_(
            reviews.c.panel.is_not(None),
            sa.exists().where(other.c.panel == reviews.c.panel, *_stands_skipped(reviewer, other)),
        ),
    )


def _stands_skipped(reviewer: str, table: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [
        verdicts.c.review_id == table.c.id,
        verdicts.c.reviewer == reviewer,
        verdicts.c.kind == "skip",
        ~undone(),
    ]


def undone() -> sa.ColumnElement[bool]:
    """Whether a verdict was taken back."""
    undo = verdicts.alias("undo")
    return sa.exists().where(
        undo.c.review_id == verdicts.c.review_id, undo.c.undoes == verdicts.c.seq
    )


def refs_waiting(
    connection: sa.Connection, wanted: str | None, cleared: Callable[[str], bool]
) -> list[str]:
    """The guidelines (`name@version`) of open reviews.

    Args:
        connection: A transaction.
        wanted: Only this one: a name or a `name@version`.
        cleared: Only those for which it is true.
    """
    # Jumps through the index from one guideline to the next, however many reviews each has.
    first = sa.select(sa.func.min(reviews.c.guideline).label("ref")).where(
        reviews.c.status == "open"
    )
    if wanted is not None:
        first = first.where(matches(reviews.c.guideline, wanted))
    refs = first.cte("refs", recursive=True)
    following = (
        sa.select(sa.func.min(reviews.c.guideline))
        .where(reviews.c.status == "open", reviews.c.guideline > refs.c.ref)
        .scalar_subquery()
    )
    refs = refs.union_all(sa.select(following).where(refs.c.ref.is_not(None)))
    found = connection.execute(sa.select(refs.c.ref).where(refs.c.ref.is_not(None))).scalars()
    return [ref for ref in found if _is(ref, wanted) and cleared(ref)]


def _is(ref: str, wanted: str | None) -> bool:
    return wanted is None or wanted in (ref, ref.partition("@")[0])


def free_rows(
    asker: Asker,
    where: Filter,
    refs: Collection[str],
    when: datetime,
    *,
    limit: int,
    again: bool,
    besides: tuple[Collection[str], Collection[str]],
) -> sa.Select[Any]:
    """The first free rows that a reviewer may have: `id`, `panel`, `guideline`.

    Each guideline is read along its index to the first `limit` rows, and the best of those
    are taken, so that a long queue costs no more than a short one.

    Args:
        asker: The reviewer.
        where: What is wanted.
        refs: Of these guidelines (`name@version`), at least one.
        when: This moment.
        limit: At most so many.
        again: Rows that the reviewer skipped before; else those not skipped.
        besides: Ids of rows and of panels that are taken already.
    """
    ids, panels = besides
    passed_over = skipped(asker.reviewer)
    conditions = [
        *fits(where),
        free(when, asker.duration),
        ~takes_part(asker.reviewer, when),
        passed_over if again else ~passed_over,
    ]
    if ids:
        conditions.append(reviews.c.id.not_in(sorted(ids)))
    if panels:
        conditions.append(sa.or_(reviews.c.panel.is_(None), reviews.c.panel.not_in(sorted(panels))))
    columns = [reviews.c[name] for name in ("id", "panel", "guideline", "priority", "seq")]
    arms = [
        sa.select(*columns)
        .where(reviews.c.guideline == ref, *conditions)
        .order_by(*in_order(where))
        .limit(limit)
        # PostgreSQL passes over rows that another reviewer is taking at this moment; SQLite
        # has one writer at a time and leaves this out.
        .with_for_update(of=reviews, skip_locked=True)
        for ref in refs
    ]
    if len(arms) == 1:
        return arms[0]
    every = sa.union_all(*(sa.select(arm.subquery()) for arm in arms)).subquery()
    oldest = where.order == "oldest"
    order = [every.c.seq] if oldest else [every.c.priority.desc(), every.c.seq]
    return sa.select(every).order_by(*order).limit(limit)
