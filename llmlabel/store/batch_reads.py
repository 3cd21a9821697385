"""What is read of batches: progress, errors, results line by line, and who pays."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.domain.batch import ENDED, LineError, Progress
from llmlabel.llm.prices import NANO
from llmlabel.store.batch_tables import batch_errors, batch_lines, batches
from llmlabel.store.batches import CANCELLED, HELD, asks, batch_of
from llmlabel.store.database import Database
from llmlabel.store.database import batches as slices
from llmlabel.store.provider_tables import spending
from llmlabel.store.tables import labels, predictions, requests, reviews

PAGE = 500
_DOUBTED = ("doubt", "forced", "breach")
_ENDED = 0


class Result(NamedTuple):
    """What became of one line under one guideline.

    `label` is the newest one as JSON, with the opinions where they were asked for.
    """

    line: int
    document_id: str
    guideline: str
    status: str
    code: str | None
    problem: str | None
    label: dict[str, JsonValue] | None


class Payer(NamedTuple):
    """The batch that pays for a document; no limit where there is no budget."""

    scope: str
    budget_nano: int | None


class BatchCounts(NamedTuple):
    """Of all batches that are known: how many there are, by status, and their lines."""

    batches: dict[str, int]
    unread: int
    accepted: int
    refused: int


class BatchReads:
    """The batches of one database, to be looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def progress(self, id: str) -> Progress:
        """How far the labels of a batch are; takes longer the more of them wait or failed."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == id)).one()
            refs = json.loads(row.guidelines)
            mine = batch_lines.c.batch == row.seq
            lines = connection.execute(
                sa.select(sa.func.count()).select_from(batch_lines).where(mine)
            ).scalar_one()
            # Of lines, so that one document on two lines counts twice; and from the requests
            # that are open, never from a million lines.
            times = (
                sa.select(sa.func.count())
                .select_from(batch_lines)
                .where(mine, batch_lines.c.document_id == requests.c.document_id)
                .scalar_subquery()
            )
            unsettled = {"queued": 0, CANCELLED: 0, HELD: 0, "failed": 0}
            for each in connection.execute(
                sa.select(requests.c.status, requests.c.error_code, sa.func.sum(times).label("n"))
                .where(requests.c.status.in_(["queued", "failed"]), requests.c.guideline.in_(refs))
                .group_by(requests.c.status, requests.c.error_code)
            ):
                kind = each.error_code if each.error_code in (CANCELLED, HELD) else each.status
                unsettled[kind] += int(each.n or 0)
            open_reviews = (
                sa.select(reviews.c.document_id, reviews.c.guideline)
                .where(
                    reviews.c.status == "open",
                    reviews.c.guideline.in_(refs),
                    reviews.c.kind.in_(_DOUBTED),
                )
                .distinct()
                .subquery()
            )
            doubted = (
                sa.select(sa.func.count())
                .select_from(batch_lines)
                .where(mine, batch_lines.c.document_id == open_reviews.c.document_id)
                .scalar_subquery()
            )
            in_review = connection.execute(
                sa.select(sa.func.sum(doubted)).select_from(open_reviews)
            ).scalar()
            spent = connection.execute(
                sa.select(spending.c.nano).where(
                    spending.c.scope == batch_of(row).scope, spending.c.period == "total"
                )
            ).scalar()
        asked = lines * len(refs)
        settled = asked - unsettled["queued"]
        done = Progress(
            labels=asked,
            labeled=asked - sum(unsettled.values()),
            waiting=unsettled["queued"],
            failed=unsettled["failed"],
            held=unsettled[HELD],
            cancelled=unsettled[CANCELLED],
            in_review=int(in_review or 0),
            spent_usd=(spent or 0) / NANO,
        )
        return self._with_end(done, row, settled)

    def _with_end(self, done: Progress, row: Any, settled: int) -> Progress:
        if row.pace_at is None or row.status not in ("reading", "labeling") or not row.lines:
            return done
        seconds = (self._database.clock() - row.pace_at).total_seconds()
        since = settled - row.pace_settled
        if seconds < 1 or since <= 0:
            return done
        asked = done.labels / max(row.lines_read, 1) * row.lines  # as many of the lines to come
        left = timedelta(seconds=max(0.0, asked - settled) * seconds / since)
        return done.model_copy(update={"expected_end": self._database.clock() + left})

    def counts(self) -> BatchCounts:
        """Numbers for those who watch the service."""
        c = batches.c
        unread = sa.case((c.status.in_([*ENDED, "labeling"]), 0), else_=c.lines - c.lines_read)
        sums = (sa.func.sum(each) for each in (unread, c.accepted, c.refused))
        query = sa.select(c.status, sa.func.count(), *sums).group_by(c.status)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        lines = (sum(int(row[place] or 0) for row in rows) for place in (2, 3, 4))
        return BatchCounts({row[0]: row[1] for row in rows}, *lines)

    def errors(self, id: str, after: int = 0) -> Iterator[LineError]:
        """The lines that were refused, in order; read page by page."""
        seq = self._seq(id)
        query = sa.select(batch_errors).where(batch_errors.c.batch == seq)
        while True:
            page = query.where(batch_errors.c.line > after).order_by(batch_errors.c.line)
            with self._database.read() as connection:
                rows = connection.execute(page.limit(PAGE)).all()
            for row in rows:
                yield LineError(line=row.line, field=row.field, code=row.code, detail=row.detail)
            if len(rows) < PAGE:
                return
            after = rows[-1].line

    def results(
        self, id: str, *, after: int = 0, opinions: bool = True
    ) -> Iterator[Sequence[Result]]:
        """What became of the accepted lines, in order, page by page, as it is when it is read.

        Args:
            id: Of the batch.
            after: Only lines after this one.
            opinions: Whether labels come with what each labeler said.
        """
        with self._database.read() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == id)).one()
        refs = json.loads(row.guidelines)
        query = sa.select(batch_lines.c.line, batch_lines.c.document_id).where(
            batch_lines.c.batch == row.seq
        )
        while True:
            with self._database.read() as connection:
                page = query.where(batch_lines.c.line > after).order_by(batch_lines.c.line)
                lines = connection.execute(page.limit(PAGE)).all()
                ids = sorted({line.document_id for line in lines})
                states = _states(connection, ids, refs)
                made = _labels(connection, ids, refs, opinions=opinions)
            if lines:
                yield [
                    _result(line.line, line.document_id, ref, states, made)
                    for line in lines
                    for ref in refs
                ]
            if len(lines) < PAGE:
                return
            after = lines[-1].line

    def payers(self, document_ids: Sequence[str], guideline: str) -> dict[str, Payer]:
        """The batch that pays for each document under a guideline.

        It is the last one that asked for it; where that has no money or has ended, one that goes on
        and has the document too. Documents that no batch asked for are not there.
        """
        found: dict[str, Payer] = {}
        asked: set[str] = set()
        with self._database.read() as connection:
            for some in slices(document_ids):
                for row in connection.execute(_payers(guideline), {"ids": some}):
                    if row.asked:
                        asked.add(row.document_id)
                    # Whoever asks anew for something of a batch that has ended wants it done.
                    budget = None if row.state == _ENDED else row.budget_nano
                    found[row.document_id] = Payer(f"batch:{row.id}", budget)
        return {id: payer for id, payer in found.items() if id in asked}

    def _seq(self, id: str) -> int:
        with self._database.read() as connection:
            query = sa.select(batches.c.seq).where(batches.c.id == id)
            return int(connection.execute(query).scalar_one())


# Asked for every job; making the statement takes longer than it does.
@lru_cache(maxsize=64)
def _payers(guideline: str) -> sa.Select[Any]:
    state = sa.case(
        (batches.c.status.in_(ENDED), _ENDED), (batches.c.status == "stopped", 1), else_=2
    )
    return (
        sa.select(
            batch_lines.c.document_id,
            batch_lines.c.asked,
            batches.c.id,
            batches.c.budget_nano,
            state.label("state"),
        )
        .join(batches, batches.c.seq == batch_lines.c.batch)
        .where(asks(guideline), batch_lines.c.document_id.in_(sa.bindparam("ids", expanding=True)))
        .order_by(state, batch_lines.c.asked, batches.c.seq)
    )


def _states(
    connection: sa.Connection, ids: Sequence[str], refs: Sequence[str]
) -> dict[tuple[str, str], Any]:
    query = sa.select(requests).where(
        requests.c.document_id.in_(ids), requests.c.guideline.in_(refs)
    )
    return {(row.document_id, row.guideline): row for row in connection.execute(query)}


def _labels(
    connection: sa.Connection, ids: Sequence[str], refs: Sequence[str], *, opinions: bool
) -> dict[tuple[str, str], dict[str, JsonValue]]:
    query = sa.select(
        labels.c.document_id, labels.c.guideline, labels.c.opinions_of, labels.c.payload
    ).where(labels.c.document_id.in_(ids), labels.c.guideline.in_(refs), _is_newest())
    rows = connection.execute(query).all()
    said: dict[str, list[JsonValue]] = defaultdict(list)
    if opinions:
        of = sorted({row.opinions_of for row in rows})
        found = connection.execute(
            sa.select(predictions.c.label_id, predictions.c.payload)
            .where(predictions.c.label_id.in_(of))
            .order_by(predictions.c.label_id, predictions.c.position)
        )
        for each in found:
            said[each.label_id].append(json.loads(each.payload))
    return {
        (row.document_id, row.guideline): {
            **json.loads(row.payload),
            "opinions": said[row.opinions_of],
        }
        for row in rows
    }


def _is_newest() -> sa.ColumnElement[bool]:
    newer = labels.alias()
    return ~sa.exists().where(
        newer.c.document_id == labels.c.document_id,
        newer.c.guideline == labels.c.guideline,
        newer.c.seq > labels.c.seq,
    )


def _result(
    line: int,
    id: str,
    ref: str,
    states: dict[tuple[str, str], Any],
    made: dict[tuple[str, str], dict[str, JsonValue]],
) -> Result:
    state, label = states.get((id, ref)), made.get((id, ref))
    status = "cancelled" if state is not None and state.error_code == CANCELLED else None
    return Result(
        line,
        id,
        ref,
        status or ("failed" if state is None else str(state.status)),
        None if state is None else state.error_code,
        None if state is None else state.error,
        label,
    )
