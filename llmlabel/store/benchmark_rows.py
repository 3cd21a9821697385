"""Rows of `benchmarks` as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from llmlabel.domain.answer import Answer
from llmlabel.domain.base import Value
from llmlabel.domain.document import Document
from llmlabel.domain.review import Verdict, VerdictKind
from llmlabel.errors import NotFound
from llmlabel.store.tables import benchmarks, gold
from llmlabel.store.verified import read_answer


class Benchmark(Value):
    """A hidden gold item that one reviewer got, with what they said of it.

    `kind` and `answer` are their verdict and `loss` how wrong it is, in [0, 1]: 0 is right. All
    three are None while it is open, `loss` also of one that was skipped.
    """

    id: str
    gold_id: str
    guideline: str
    document: Document
    truth: Answer | None
    reviewer: str
    session: str | None = None
    token: int
    lease_expires_at: datetime | None = None
    status: Literal["open", "done"]
    kind: VerdictKind | None = None
    answer: Answer | None = None
    comment: str | None = None
    seconds: float | None = None
    loss: float | None = None
    created_at: datetime
    decided_at: datetime | None = None

    @property
    def verdict(self) -> Verdict | None:
        """What the reviewer said of it, if anything."""
        if self.kind is None or self.decided_at is None:
            return None
        return Verdict(
            review_id=self.id,
            reviewer=self.reviewer,
            kind=self.kind,
            answer=self.answer,
            comment=self.comment,
            seconds=self.seconds,
            created_at=self.decided_at,
        )


class Answered(Value):
    """An answer to hidden gold that still counts."""

    gold_id: str
    guideline: str
    reviewer: str
    loss: float
    answer_kind: str | None


def is_current() -> sa.ColumnElement[bool]:
    """Whether a row of imported gold is the newest of its text."""
    newer = gold.alias("newer")
    return ~sa.exists().where(
        newer.c.guideline == gold.c.guideline,
        newer.c.text_sha256 == gold.c.text_sha256,
        newer.c.seq > gold.c.seq,
    )


def returned(reviewer: str, guideline: str, when: datetime) -> sa.Select[Any]:
    """The benchmark that a reviewer had, did not decide and does not hold any more."""
    return (
        sa.select(benchmarks.c.id)
        .join(gold, gold.c.id == benchmarks.c.gold_id)
        .where(
            benchmarks.c.reviewer == reviewer,
            benchmarks.c.guideline == guideline,
            benchmarks.c.status == "open",
            sa.or_(benchmarks.c.lease_expires_at.is_(None), benchmarks.c.lease_expires_at <= when),
            is_current(),
        )
        .order_by(benchmarks.c.seq)
        .limit(1)
    )


def load(connection: sa.Connection, id: str, *, lock: bool = False) -> Benchmark:
    """A benchmark by its id; until the transaction ends nobody else changes a locked one.

    Raises:
        NotFound: There is none.
    """
    query = sa.select(benchmarks).where(benchmarks.c.id == id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(f"There is no review `{id[:64]}`; ask for the next item.", field="review_id")
    return benchmark_of(row)


def benchmark_of(row: sa.Row[Any]) -> Benchmark:
    """A row as a value."""
    return Benchmark(
        id=row.id,
        gold_id=row.gold_id,
        guideline=row.guideline,
        document=Document(
            id=row.document_id,
            text=row.text,
            text_sha256=row.text_sha256,
            language=row.language,
        ),
        truth=read_answer(row.truth),
        reviewer=row.reviewer,
        session=row.session,
        token=row.token,
        lease_expires_at=row.lease_expires_at,
        status=row.status,
        kind=row.kind,
        answer=read_answer(row.answer),
        comment=row.comment,
        seconds=row.seconds,
        loss=row.loss,
        created_at=row.created_at,
        decided_at=row.decided_at,
    )
