"""Benchmarks: imported gold given to reviewers like any blind item, to see how often they err."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.review import Verdict
from llmlabel.errors import AlreadyReviewed, Conflict, LeaseExpired
from llmlabel.store.benchmark_rows import (
    Answered,
    Benchmark,
    benchmark_of,
    is_current,
    load,
    returned,
)
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.labels import matches
from llmlabel.store.lease_rules import held_by
from llmlabel.store.tables import benchmarks, gold
from llmlabel.store.unmet_gold import Unmet, age_beside, default_id

UNDONE = "benchmark.undone"
"""The event of a verdict that was taken back: it holds what the row holds no more."""

_SAID = frozenset({"reviewer", "kind", "answer", "comment", "seconds", "decided_at"})


class Benchmarks:
    """The benchmarks of one database. Its rules live in `llmlabel.review.BenchmarkQueue`."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def give(
        self,
        reviewer: str,
        guideline: str,
        duration: timedelta,
        *,
        session: str | None = None,
        shown: Sequence[str] = (),
        answered: bool = False,
    ) -> Benchmark | None:
        """Lease a hidden gold item to a reviewer, or None when there is none left for them.

        First one that they gave back undecided, then any imported gold whose text they have
        not decided, neither as a benchmark nor as a review.

        Args:
            reviewer: Who gets it.
            guideline: `name@version`.
            duration: Of the lease.
            session: Of the reviewer's browser tab.
            shown: Texts that are never given: those that the guideline itself shows.
            answered: Only gold for which a right answer exists.
        """
        wanted = Unmet(reviewer, guideline, tuple(shown), answered=answered)
        while True:
            # Looked for outside the transaction that writes, which others wait for.
            with self._database.read() as connection:
                when = self._database.clock()
                id = connection.execute(returned(reviewer, guideline, when)).scalar()
                row = None if id else self._new(connection, wanted)
            if id is None and row is None:
                return None
            with self._database.write() as connection:
                if row is not None:
                    columns = [benchmarks.c.id]
                    fresh = self._database.insert_new(connection, benchmarks, [row], columns)
                    id = fresh[0].id if fresh else None
                else:
                    free = returned(reviewer, guideline, when).with_for_update(of=benchmarks)
                    id = connection.execute(free).scalar()
                if id is None:  # the same reviewer was quicker elsewhere
                    continue
                self._lease(connection, id, session, when + duration)
                return load(connection, id)

    def held(self, reviewer: str, session: str, duration: timedelta) -> list[Benchmark]:
        """What a reviewer holds in this session under a live lease, each for `duration` from now.

        Oldest first.
        """
        when = self._database.clock()
        query = (
            sa.select(benchmarks.c.id)
            .where(
                benchmarks.c.reviewer == reviewer,
                benchmarks.c.session == session,
                benchmarks.c.status == "open",
                benchmarks.c.lease_expires_at > when,
            )
            .order_by(benchmarks.c.seq)
        )
        with self._database.read() as connection:
            if not connection.execute(query.limit(1)).scalar():
                return []
        with self._database.write() as connection:
            ids = connection.execute(query.with_for_update()).scalars().all()
            for id in ids:
                _set(connection, id, lease_expires_at=when + duration)
            return [load(connection, id) for id in ids]

    def owns(self, id: str) -> bool:
        """Whether this is the id of a benchmark."""
        known = sa.exists().where(benchmarks.c.id == id)
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(known)).scalar())

    def get(self, id: str) -> Benchmark:
        """One as it stands.

        Raises:
            NotFound: There is none under that id.
        """
        with self._database.read() as connection:
            return load(connection, id)

    def take_one(
        self, id: str, reviewer: str, session: str | None, duration: timedelta
    ) -> Benchmark:
        """Lease a certain one to its reviewer anew; who holds it in this session keeps the token.

        Raises:
            NotFound: There is no such benchmark.
            AlreadyReviewed: It is decided; `winner` holds the verdict.
            Conflict: It is held in another session, or is another reviewer's.
        """
        when = self._database.clock()
        with self._database.write() as connection:
            found = self._locked(connection, id)
            if found.status == "done":
                raise _decided(found)
            expires = found.lease_expires_at
            held = expires is not None and expires > when
            if held and (found.reviewer, found.session) == (reviewer, session):
                _set(connection, id, lease_expires_at=when + duration)
            elif held or found.reviewer != reviewer:
                raise held_by(found.reviewer == reviewer)
            else:
                self._lease(connection, id, session, when + duration)
            return load(connection, id)

    def renew(self, id: str, token: int, reviewer: str, duration: timedelta) -> Benchmark:
        """Let a lease last for `duration` from now; raises as `decide`."""
        with self._database.write() as connection:
            self._held(connection, id, token, reviewer)
            _set(connection, id, lease_expires_at=self._database.clock() + duration)
            return load(connection, id)

    def release(self, id: str, token: int, reviewer: str) -> None:
        """Take one back undecided; its reviewer may get it again. Raises as `decide`."""
        with self._database.write() as connection:
            self._held(connection, id, token, reviewer)
            _set(connection, id, lease_expires_at=None)

    def decide(self, token: int, verdict: Verdict, loss: float | None) -> Benchmark:
        """Keep what a reviewer said of one.

        Args:
            token: Of the lease.
            verdict: Of any kind; a skipped one is not given to them again.
            loss: How wrong it is; None for a skip.

        Raises:
            NotFound: There is no such benchmark.
            AlreadyReviewed: There is another verdict; `winner` holds it.
            LeaseExpired: The lease ended.
        """
        with self._database.write() as connection:
            found = self._locked(connection, verdict.review_id)
            before = found.verdict
            if before is not None and found.token == token:
                unchanged = {"created_at": before.created_at}
                if verdict.model_copy(update=unchanged) == before:
                    return found
            self._refuse_unheld(found, token, verdict.reviewer)
            _set(
                connection,
                found.id,
                status="done",
                kind=verdict.kind,
                answer=None if verdict.answer is None else verdict.answer.model_dump_json(),
                comment=verdict.comment,
                seconds=verdict.seconds,
                loss=loss,
                decided_at=verdict.created_at,
                lease_expires_at=None,
            )
            return load(connection, found.id)

    def undo(self, id: str, reviewer: str, session: str | None, duration: timedelta) -> Benchmark:
        """Open one again for its reviewer; what they had said stays in the event log (`undone`).

        Raises:
            NotFound: There is no such benchmark.
            Conflict: This reviewer did not decide it.
        """
        with self._database.write() as connection:
            found = self._locked(connection, id)
            if found.status != "done" or found.reviewer != reviewer:
                raise Conflict(
                    "Only your own last verdict can be undone, while it stands.",
                    field="review_id",
                )
            about = found.model_dump(mode="json", include={*_SAID, "loss"})
            self._events.append_with(connection, UNDONE, id, about)
            _set(
                connection,
                id,
                status="open",
                kind=None,
                answer=None,
                comment=None,
                seconds=None,
                loss=None,
                decided_at=None,
            )
            self._lease(connection, id, session, self._database.clock() + duration)
            return load(connection, id)

    def undone(self, id: str) -> list[Verdict]:
        """What was said of one and taken back, oldest first."""
        return [
            Verdict.model_validate(
                {
                    **{name: each.payload.get(name) for name in _SAID - {"decided_at"}},
                    "review_id": id,
                    # Those of earlier releases do not say when they were given.
                    "created_at": each.payload.get("decided_at") or each.created_at,
                }
            )
            for each in self._events.of(id, UNDONE)
        ]

    def last(self, reviewer: str, session: str | None) -> tuple[str, datetime] | None:
        """Which one a reviewer decided or skipped last, and when; None where there is none.

        Args:
            reviewer: Who did.
            session: Only in this one.
        """
        query = (
            sa.select(benchmarks.c.id, benchmarks.c.decided_at)
            .where(benchmarks.c.reviewer == reviewer, benchmarks.c.status == "done")
            .order_by(benchmarks.c.decided_at.desc(), benchmarks.c.seq.desc())
            .limit(1)
        )
        if session is not None:
            query = query.where(benchmarks.c.session == session)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else (row.id, row.decided_at)

    def answers(self, guideline: str | None = None) -> list[Answered]:
        """Every answer to gold that still stands, oldest first; skips are none.

        An answer to gold that was replaced since says nothing of its reviewer.

        Args:
            guideline: Only under this one: a name or a `name@version`.
        """
        query = (
            sa.select(benchmarks)
            .join(gold, gold.c.id == benchmarks.c.gold_id)
            .where(benchmarks.c.status == "done", benchmarks.c.loss.is_not(None), is_current())
            .order_by(benchmarks.c.decided_at, benchmarks.c.seq)
        )
        if guideline is not None:
            query = query.where(matches(benchmarks.c.guideline, guideline))
        with self._database.read() as connection:
            found = [benchmark_of(row) for row in connection.execute(query)]
        return [
            Answered(
                gold_id=each.gold_id,
                guideline=each.guideline,
                reviewer=each.reviewer,
                loss=each.loss,
                answer_kind=None if each.answer is None else each.answer.kind,
            )
            for each in found
            if each.loss is not None
        ]

    def _new(self, connection: sa.Connection, wanted: Unmet) -> dict[str, Any] | None:
        """A row of a benchmark that a reviewer has not had, or None."""
        chosen = wanted.any(connection)
        if chosen is None:
            return None
        age = age_beside(connection, wanted.guideline)
        return {
            "id": f"r-{uuid.uuid4().hex}",
            "gold_id": chosen.id,
            "guideline": wanted.guideline,
            "document_id": default_id(chosen.text_sha256),
            "text": chosen.text,
            "text_sha256": chosen.text_sha256,
            "language": chosen.language,
            "truth": chosen.answer,
            "reviewer": wanted.reviewer,
            "token": 0,
            "status": "open",
            "created_at": age or self._database.clock(),
        }

    def _lease(
        self, connection: sa.Connection, id: str, session: str | None, expires: datetime
    ) -> None:
        token = benchmarks.c.token + 1
        _set(connection, id, token=token, session=session, lease_expires_at=expires)

    def _locked(self, connection: sa.Connection, id: str) -> Benchmark:
        return load(connection, id, lock=True)

    def _held(self, connection: sa.Connection, id: str, token: int, reviewer: str) -> None:
        self._refuse_unheld(self._locked(connection, id), token, reviewer)

    def _refuse_unheld(self, found: Benchmark, token: int, reviewer: str) -> None:
        if found.status == "done":
            raise _decided(found)
        expires = found.lease_expires_at
        if (found.token, found.reviewer) != (token, reviewer) or expires is None:
            raise LeaseExpired(
                "The lease on this item ended or passed to someone else; ask for the next item.",
                field="token",
            )
        if expires <= self._database.clock():
            raise LeaseExpired(
                f"The lease on this item ended at {expires.isoformat()}; ask for the next item, "
                "and renew the lease when a decision takes longer.",
                field="token",
            )


def _decided(found: Benchmark) -> AlreadyReviewed:
    return AlreadyReviewed(
        "This item was decided first by another verdict; ask for the next item.",
        winner=found.verdict,
    )


def _set(connection: sa.Connection, id: str, **values: Any) -> None:
    connection.execute(sa.update(benchmarks).where(benchmarks.c.id == id).values(**values))
