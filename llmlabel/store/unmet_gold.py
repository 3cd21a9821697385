"""Imported gold that a reviewer has not met, found at random without reading all of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from llmlabel.store.benchmark_rows import is_current
from llmlabel.store.database import batches
from llmlabel.store.tables import benchmarks, documents, gold, reviews, verdicts

_DRAWS = 64
_chance = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Unmet:
    """Which gold is wanted.

    Attributes:
        reviewer: Has not met it.
        guideline: `name@version`.
        shown: Texts that everybody meets.
        answered: Only where a right answer exists.
    """

    reviewer: str
    guideline: str
    shown: tuple[str, ...] = ()
    answered: bool = False

    def any(self, connection: sa.Connection) -> sa.Row[Any] | None:
        """Any row of `gold` that is wanted, all with the same probability; None without one."""
        # Rows drawn at random until one fits are as good as a random one of those that fit, and
        # the first draws mostly hold one.
        last = connection.execute(sa.select(sa.func.max(gold.c.seq))).scalar() or 0
        drawn = [_chance.randint(1, last) for _ in range(_DRAWS)] if last else []
        query = self._query()
        found = {row.seq: row for row in connection.execute(query.where(gold.c.seq.in_(drawn)))}
        some = [found[seq] for seq in dict.fromkeys(drawn) if seq in found]
        fits = self._fitting(connection, some)
        if fits is not None:
            return fits
        every = list(connection.execute(query))
        _chance.shuffle(every)
        for part in batches(every):
            fits = self._fitting(connection, part)
            if fits is not None:
                return fits
        return None

    def _query(self) -> sa.Select[Any]:
        had = sa.select(benchmarks.c.text_sha256).where(
            benchmarks.c.reviewer == self.reviewer, benchmarks.c.guideline == self.guideline
        )
        query = sa.select(gold.c.seq, gold.c.text_sha256).where(
            gold.c.guideline == self.guideline, is_current(), gold.c.text_sha256.not_in(had)
        )
        if self.shown:
            query = query.where(gold.c.text.not_in(self.shown))
        if self.answered:
            query = query.where(gold.c.answer.is_not(None))
        return query

    def _fitting(
        self, connection: sa.Connection, rows: Sequence[sa.Row[Any]]
    ) -> sa.Row[Any] | None:
        """The first of these whose text the reviewer has not decided, as it stands whole."""
        if not rows:
            return None
        decided = set(
            connection.execute(
                sa.select(documents.c.text_sha256)
                .join(reviews, reviews.c.document_id == documents.c.id)
                .join(verdicts, verdicts.c.review_id == reviews.c.id)
                .where(
                    documents.c.text_sha256.in_([row.text_sha256 for row in rows]),
                    reviews.c.guideline == self.guideline,
                    verdicts.c.reviewer == self.reviewer,
                )
            ).scalars()
        )
        for row in rows:
            if row.text_sha256 not in decided:
                return connection.execute(sa.select(gold).where(gold.c.seq == row.seq)).one()
        return None


def age_beside(connection: sa.Connection, guideline: str) -> datetime | None:
    """When some review that waits under a guideline came; None where none waits."""
    waiting = (reviews.c.status == "open", reviews.c.guideline == guideline)
    first, last = connection.execute(
        sa.select(sa.func.min(reviews.c.seq), sa.func.max(reviews.c.seq)).where(*waiting)
    ).one()
    if first is None:
        return None
    query = sa.select(reviews.c.created_at).where(
        *waiting, reviews.c.seq >= _chance.randint(first, last)
    )
    return connection.execute(query.order_by(reviews.c.seq).limit(1)).scalar()


def default_id(text_sha256: str) -> str:
    """The id that a document of this text has where its client gave none."""
    return f"d-{text_sha256[:24]}"
