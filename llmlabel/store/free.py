"""Which reviews are free, for whom, and in what order, as conditions of a query."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.review import Filter
from llmlabel.store.tables import reviews, verdicts

_other = reviews.alias("other")
_seat = reviews.alias("seat")
_undo = verdicts.alias("undo")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for items, in which browser tab, and for how long they are leased."""

    reviewer: str
    session: str | None
    duration: timedelta


def live(when: Any, table: sa.FromClause = reviews) -> sa.ColumnElement[bool]:
    """Whether the last lease of a row still holds."""
    lasts: sa.ColumnElement[bool] = table.c.lease_expires_at > when
    return lasts


def free(when: Any, far: Any) -> sa.ColumnElement[bool]:
    """Whether nobody holds a row.

    Args:
        when: This moment.
        far: No lease lasts so long, unless the clock was set back since it was given.
    """
    return sa.or_(
        reviews.c.lease_expires_at.is_(None),
        reviews.c.lease_expires_at <= when,
        reviews.c.lease_expires_at > far,
    )


def far_from(when: datetime, duration: timedelta) -> datetime:
    """A moment after the end of every lease."""
    return when + 2 * duration


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
    return _ordered(reviews, where.order == "oldest")


def takes_part(reviewer: Any, when: Any) -> sa.ColumnElement[bool]:
    """Whether a reviewer holds or has decided another row of the same panel."""
    return sa.and_(
        reviews.c.panel.is_not(None),
        sa.exists().where(
            _other.c.panel == reviews.c.panel,
            _other.c.id != reviews.c.id,
            _other.c.leased_by == reviewer,
            sa.or_(
                _other.c.status == "done",
                sa.and_(_other.c.status == "open", live(when, _other)),
            ),
        ),
    )


def skipped(reviewer: Any) -> sa.ColumnElement[bool]:
    """Whether a reviewer put the row, or another seat of its panel, back with a skip."""
    return sa.or_(
        sa.exists().where(*_stands_skipped(reviewer, reviews)),
        sa.and_(
            reviews.c.panel.is_not(None),
            sa.exists().where(
                _seat.c.panel == reviews.c.panel,
                sa.exists().where(*_stands_skipped(reviewer, _seat)),
            ),
        ),
    )


def undone() -> sa.ColumnElement[bool]:
    """Whether a verdict was taken back."""
    return sa.exists().where(
        _undo.c.review_id == verdicts.c.review_id, _undo.c.undoes == verdicts.c.seq
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
    found = connection.execute(_refs()).scalars()
    return [ref for ref in found if wanted in (None, ref, ref.partition("@")[0]) and cleared(ref)]


def free_rows(
    asker: Asker,
    where: Filter,
    refs: Sequence[str],
    when: datetime,
    *,
    limit: int,
    again: bool,
    besides: tuple[Collection[str], Collection[str]],
) -> tuple[sa.Select[Any], dict[str, Any]]:
    """The query, with its parameters, for the first free rows that a reviewer may have.

    Each guideline is read along its index to the first `limit` rows, and the best of those
    are taken, so that a long queue costs no more than a short one. A row has `id`, `panel` and
    `guideline`.

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
    query = _free_rows(where.model_copy(update={"guideline": None}), len(refs), again, bool(ids))
    parameters: dict[str, Any] = {
        "reviewer": asker.reviewer,
        "when": when,
        "far": far_from(when, asker.duration),
        "limit": limit,
        **{f"ref_{n}": ref for n, ref in enumerate(refs)},
    }
    if ids:
        parameters |= {"ids": sorted(ids), "panels": sorted(panels)}
    return query, parameters


# Writing a query down takes longer than its execution, so each form of it is written once.
@lru_cache(maxsize=256)
def _free_rows(where: Filter, guidelines: int, again: bool, besides: bool) -> sa.Select[Any]:
    reviewer, when, far = _named("reviewer"), _named("when"), _named("far")
    limit = sa.bindparam("limit", type_=sa.Integer)
    passed_over = skipped(reviewer)
    conditions = [
        *fits(where),
        free(when, far),
        ~takes_part(reviewer, when),
        passed_over if again else ~passed_over,
    ]
    if besides:
        panels = reviews.c.panel.not_in(sa.bindparam("panels", expanding=True))
        conditions.append(reviews.c.id.not_in(sa.bindparam("ids", expanding=True)))
        conditions.append(sa.or_(reviews.c.panel.is_(None), panels))
    columns = [reviews.c[name] for name in ("id", "panel", "guideline", "priority", "seq")]
    arms = [
        sa.select(*columns)
        .where(reviews.c.guideline == sa.bindparam(f"ref_{n}"), *conditions)
        .order_by(*in_order(where))
        .limit(limit)
        # PostgreSQL passes over rows that another reviewer is taking at this moment; SQLite
        # has one writer at a time and leaves this out.
        .with_for_update(of=reviews, skip_locked=True)
        for n in range(guidelines)
    ]
    if guidelines == 1:
        return arms[0]
    every = sa.union_all(*(sa.select(arm.subquery()) for arm in arms)).subquery()
    return sa.select(every).order_by(*_ordered(every, where.order == "oldest")).limit(limit)


@lru_cache(maxsize=1)
def _refs() -> sa.Select[Any]:
    # Jumps through the index from one guideline to the next, however many reviews each has.
    first = sa.select(sa.func.min(reviews.c.guideline).label("ref")).where(
        reviews.c.status == "open"
    )
    refs = first.cte("refs", recursive=True)
    following = (
        sa.select(sa.func.min(reviews.c.guideline))
        .where(reviews.c.status == "open", reviews.c.guideline > refs.c.ref)
        .scalar_subquery()
    )
    refs = refs.union_all(sa.select(following).where(refs.c.ref.is_not(None)))
    return sa.select(refs.c.ref).where(refs.c.ref.is_not(None))


def _named(parameter: str) -> sa.BindParameter[Any]:
    return sa.bindparam(parameter)


def _ordered(table: sa.FromClause, oldest: bool) -> list[sa.ColumnElement[Any]]:
    return [table.c.seq.asc()] if oldest else [table.c.priority.desc(), table.c.seq.asc()]


def _stands_skipped(reviewer: Any, table: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [
        verdicts.c.review_id == table.c.id,
        verdicts.c.reviewer == reviewer,
        verdicts.c.kind == "skip",
        ~undone(),
    ]
