"""How things stand, in numbers that cost little however much is stored; for metrics."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from llmlabel.store.batches import CANCELLED
from llmlabel.store.database import Database
from llmlabel.store.tables import (
    labels,
    requests,
    reviews,
    trainings,
    transcriptions,
    verdicts,
    workers,
)
from llmlabel.store.work import LONG_AGO

TAIL = 20_000
"""The newest rows are counted anew each time: a transaction may still add one among them."""

DECISION_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Bounds of the histogram of how long reviewers take."""

Key = tuple[str, str, int]
"""A guideline, a route or kind of verdict, and which of its numbers."""

Counted = Callable[[sa.Connection, int, int], Mapping[Key, float]]


@dataclass(frozen=True)
class Waiting:
    """Work of one kind that waits, or is under way."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True)
class OpenReviews:
    """Reviews of one guideline that nobody has decided."""

    open: int
    leased: int
    oldest: datetime | None


@dataclass(frozen=True)
class Standing:
    """How things stand; keys are of `name@version`.

    Attributes:
        at: When it was read, by the store's clock.
        queued: Texts to label, by guideline.
        recordings: Recordings to transcribe.
        failed: Texts that could not be labeled, by guideline; without those called off.
        failed_recordings: Recordings that could not be transcribed.
        labels: Labels ever made, by guideline and route (`accepted`, `review`, `verified`).
        verdicts: Verdicts ever given, by guideline and kind.
        decisions: Of the verdicts that took a known time: how many took at most each of
            `DECISION_SECONDS`, then how many in all, then their seconds in all, by guideline.
        reviews: By guideline.
        training: When trainings ended, by guideline and status; `running` ones by their start.
        workers: The last sign of life of each process that runs jobs.
    """

    at: datetime
    queued: Mapping[str, Waiting]
    recordings: Waiting
    failed: Mapping[str, int]
    failed_recordings: int
    labels: Mapping[tuple[str, str], int]
    verdicts: Mapping[tuple[str, str], int]
    decisions: Mapping[str, tuple[float, ...]]
    reviews: Mapping[str, OpenReviews]
    training: Mapping[tuple[str, str], datetime]
    workers: Mapping[str, datetime]


@dataclass
class _Tally:
    """Counts of rows that are only ever added: what was counted is not read again."""

    upto: int = 0
    counts: dict[Key, float] = field(default_factory=dict)

    def grown(self, connection: sa.Connection, newest: int, count: Counted) -> Mapping[Key, float]:
        settled = newest - TAIL
        if settled > self.upto:
            self.counts = _sum(self.counts, count(connection, self.upto, settled))
            self.upto = settled
        return _sum(self.counts, count(connection, self.upto, newest))


class Standings:
    """Reads how things stand. It remembers what it counted, so keep one per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._labels, self._verdicts = _Tally(), _Tally()
        self._turn = threading.Lock()

    def read(self) -> Standing:
        """Count everything.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        when = self._database.clock()
        with self._turn, self._database.read() as connection:
            made = self._labels.grown(connection, _newest(connection, labels), _labels)
            given = self._verdicts.grown(connection, _newest(connection, verdicts), _verdicts)
            queued = {
                row.guideline: Waiting(row.n, row.oldest)
                for row in connection.execute(_waiting(requests, requests.c.guideline))
            }
            recordings = connection.execute(_waiting(transcriptions)).one()
            return Standing(
                at=when,
                queued=queued,
                recordings=Waiting(recordings.n, recordings.oldest),
                failed={
                    row.guideline: row.n
                    for row in connection.execute(
                        sa.select(requests.c.guideline, sa.func.count().label("n"))
                        .where(requests.c.status == "failed", requests.c.error_code != CANCELLED)
                        .group_by(requests.c.guideline)
                    )
                },
                failed_recordings=connection.execute(
                    sa.select(sa.func.count()).where(transcriptions.c.status == "failed")
                ).scalar_one(),
                labels={(ref, route): int(n) for (ref, route, _), n in made.items()},
                verdicts=_kinds(given),
                decisions=_decisions(given),
                reviews=_reviews(connection, when),
                training=_trainings(connection),
                workers={
                    row.id: row.seen_at
                    for row in connection.execute(
                        sa.select(workers.c.id, workers.c.seen_at).where(
                            workers.c.seen_at > LONG_AGO
                        )
                    )
                },
            )


def _sum(one: Mapping[Key, float], other: Mapping[Key, float]) -> dict[Key, float]:
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in one.keys() | other.keys()}


def _newest(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.max(table.c.seq))).scalar() or 0)


def _labels(connection: sa.Connection, after: int, upto: int) -> Mapping[Key, float]:
    by_pipeline = labels.c.opinions_of == labels.c.id
    rows = connection.execute(
        sa.select(labels.c.guideline, labels.c.route, labels.c.verified, sa.func.count().label("n"))
        .where(labels.c.seq > after, labels.c.seq <= upto, by_pipeline | labels.c.verified)
        .group_by(labels.c.guideline, labels.c.route, labels.c.verified)
    )
    found: Counter[Key] = Counter()
    for row in rows:
        found[row.guideline, "verified" if row.verified else row.route, 0] += row.n
    return found


def _verdicts(connection: sa.Connection, after: int, upto: int) -> Mapping[Key, float]:
    decided = verdicts.c.kind.in_(("confirm", "correct", "reject"))
    took = verdicts.c.seconds
    within = [
        sa.func.count().filter(decided, took <= bound).label(f"within_{number}")
        for number, bound in enumerate(DECISION_SECONDS)
    ]
    rows = connection.execute(
        sa.select(
            reviews.c.guideline,
            verdicts.c.kind,
            sa.func.count().label("n"),
            *within,
            sa.func.count(took).filter(decided).label("timed"),
            sa.func.coalesce(sa.func.sum(took).filter(decided), 0.0).label("seconds"),
        )
        .join(reviews, reviews.c.id == verdicts.c.review_id)
        .where(verdicts.c.seq > after, verdicts.c.seq <= upto)
        .group_by(reviews.c.guideline, verdicts.c.kind)
    )
    found: dict[Key, float] = {}
    for row in rows:
        guideline, kind, n, *times = row
        found[guideline, kind, -1] = n
        for place, value in enumerate(times):
            found[guideline, kind, place] = value
    return found


def _kinds(given: Mapping[Key, float]) -> dict[tuple[str, str], int]:
    return {
        (guideline, kind): int(n) for (guideline, kind, place), n in given.items() if place == -1
    }


def _decisions(given: Mapping[Key, float]) -> dict[str, tuple[float, ...]]:
    places = len(DECISION_SECONDS) + 2
    found: dict[str, list[float]] = {}
    for (guideline, _, place), n in given.items():
        if place >= 0:
            found.setdefault(guideline, [0.0] * places)[place] += float(n)
    return {guideline: tuple(values) for guideline, values in found.items()}


def _waiting(table: sa.Table, *by: sa.Column[str]) -> sa.Select[*tuple[Any, ...]]:
    # What was asked anew waits since then; what was begun and not ended, since it was asked.
    since = sa.case((table.c.attempts == 0, table.c.updated_at), else_=table.c.created_at)
    return (
        sa.select(*by, sa.func.count().label("n"), sa.func.min(since).label("oldest"))
        .where(table.c.status == "queued")
        .group_by(*by)
    )


def _reviews(connection: sa.Connection, when: datetime) -> dict[str, OpenReviews]:
    rows = connection.execute(
        sa.select(
            reviews.c.guideline,
            sa.func.count().label("open"),
            sa.func.count().filter(reviews.c.lease_expires_at > when).label("leased"),
            sa.func.min(reviews.c.created_at).label("oldest"),
        )
        .where(reviews.c.status == "open")
        .group_by(reviews.c.guideline)
    )
    return {row.guideline: OpenReviews(row.open, row.leased, row.oldest) for row in rows}


def _trainings(connection: sa.Connection) -> dict[tuple[str, str], datetime]:
    moment = sa.func.max(sa.func.coalesce(trainings.c.ended_at, trainings.c.created_at))
    rows = connection.execute(
        sa.select(trainings.c.guideline, trainings.c.status, moment.label("moment")).group_by(
            trainings.c.guideline, trainings.c.status
        )
    )
    return {(row.guideline, row.status): row.moment for row in rows}
