"""Reviewers: their clearances, and what their verdicts and their hidden gold say of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.people import Reviewer, ReviewerScore
from llmlabel.store.benchmarks import Benchmarks
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.labels import matches
from llmlabel.store.tables import benchmarks, reviewers, reviews, verdicts

AWAY_SECONDS = 300.0
"""A verdict counts for no more of a reviewer's time: after that somebody is away."""

DELTA = 0.05
"""Probability with which a reviewer's bound may be too low."""


class People:
    """The reviewers of one database."""

    def __init__(self, database: Database, events: Events, benchmarks: Benchmarks) -> None:
        self._database = database
        self._events = events
        self._benchmarks = benchmarks

    def get(self, name: str) -> Reviewer:
        """A reviewer's clearance; whoever was given none is cleared for everything."""
        with self._database.read() as connection:
            row = connection.execute(
                sa.select(reviewers).where(reviewers.c.name == name)
            ).one_or_none()
        return Reviewer(name=name) if row is None else _reviewer_of(row)

    def list(self) -> Sequence[Reviewer]:
        """Everybody who was given a clearance, or decided anything, by name."""
        with self._database.read() as connection:
            known = {
                row.name: _reviewer_of(row) for row in connection.execute(sa.select(reviewers))
            }
            seen = sa.union(
                sa.select(verdicts.c.reviewer),
                sa.select(benchmarks.c.reviewer).where(benchmarks.c.status == "done"),
            )
            for name in connection.execute(seen).scalars():
                known.setdefault(name, Reviewer(name=name))
        return [known[name] for name in sorted(known)]

    def put(self, reviewer: Reviewer) -> None:
        """Keep a clearance in the place of the one before; the event log keeps both."""
        names = None if reviewer.guidelines is None else json.dumps(reviewer.guidelines)
        values = {
            "guidelines": names,
            "adjudicates": reviewer.adjudicates,
            "note": reviewer.note,
            "updated_at": self._database.clock(),
        }
        with self._database.write() as connection:
            fresh = self._database.insert_new(
                connection, reviewers, [{"name": reviewer.name, **values}], [reviewers.c.name]
            )
            if not fresh:
                connection.execute(
                    sa.update(reviewers).where(reviewers.c.name == reviewer.name).values(**values)
                )
            about = reviewer.model_dump(mode="json", exclude={"name"})
            self._events.append_with(connection, "reviewer.cleared", reviewer.name, about)

    def scores(self, guideline: str | None = None) -> Sequence[ReviewerScore]:
        """What everybody decided who decided anything, by name.

        Args:
            guideline: Only under this one: a name or a `name@version`.
        """
        spent: dict[str, list[float | None]] = {}
        with self._database.read() as connection:
            for row in connection.execute(_decisions(guideline)):
                spent.setdefault(row.reviewer, []).append(row.seconds)
        lost: dict[str, list[float]] = {}
        for each in self._benchmarks.answers(guideline):
            lost.setdefault(each.reviewer, []).append(each.loss)
        return [
            _score(name, spent.get(name, []), lost.get(name, []))
            for name in sorted(spent.keys() | lost.keys())
        ]


def upper_bound(losses: Sequence[float], delta: float) -> float:
    """What a mean of independent losses in [0, 1] is at most, with probability 1 - delta.

    Of none it is 1. Of losses that are all 0 or 1 it is exact.

    Source: Clopper and Pearson 1934 (the one-sided upper limit); for other losses Hoeffding 1963,
    "Probability inequalities for sums of bounded random variables", theorem 1.
    """
    from scipy import special  # noqa: PLC0415

    n, total = len(losses), sum(losses)
    if n == 0 or total >= n:
        return 1.0
    if all(loss in (0.0, 1.0) for loss in losses):
        return float(special.betainccinv(total + 1, n - total, delta))
    return min(1.0, total / n + math.sqrt(math.log(1 / delta) / (2 * n)))


def _decisions(guideline: str | None) -> sa.Select[Any]:
    # Every verdict that was not taken back; a seat counts like any other item.
    undone = verdicts.alias("undone")
    query = sa.select(verdicts.c.reviewer, verdicts.c.seconds).where(
        verdicts.c.kind.in_(["confirm", "correct", "reject"]),
        ~sa.exists().where(
            undone.c.review_id == verdicts.c.review_id, undone.c.undoes == verdicts.c.seq
        ),
    )
    if guideline is None:
        return query
    return query.join(reviews, reviews.c.id == verdicts.c.review_id).where(
        matches(reviews.c.guideline, guideline)
    )


def _score(name: str, spent: Sequence[float | None], losses: Sequence[float]) -> ReviewerScore:
    known = [seconds for seconds in spent if seconds is not None]
    mean = fmean(min(seconds, AWAY_SECONDS) for seconds in known) if known else 0.0
    return ReviewerScore(
        reviewer=name,
        decided=len(spent),
        median_seconds=median(known) if known else None,
        items_per_hour=3600 / mean if mean else None,
        benchmarks=len(losses),
        wrong=sum(losses),
        error=sum(losses) / len(losses) if losses else None,
        error_high=upper_bound(losses, DELTA),
    )


def _reviewer_of(row: sa.Row[Any]) -> Reviewer:
    return Reviewer(
        name=row.name,
        guidelines=None if row.guidelines is None else tuple(json.loads(row.guidelines)),
        adjudicates=row.adjudicates,
        note=row.note,
    )
