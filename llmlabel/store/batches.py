"""Batches as clients order them: created, given their file, paused, gone on with, cancelled."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.batch import ENDED, Batch, BatchStatus, Columns
from llmlabel.domain.webhook import Notice
from llmlabel.errors import BatchBudgetExhausted, Conflict, NotFound
from llmlabel.llm.prices import NANO, nano
from llmlabel.store.batch_tables import batch_errors, batch_lines, batches
from llmlabel.store.cursors import cursor_of, seq_of
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.outbox import put
from llmlabel.store.provider_tables import spending
from llmlabel.store.tables import requests

CANCELLED = "cancelled"
HELD = BatchBudgetExhausted("").code
"""What failed for these reasons is asked anew when its batch goes on, or another brings it. A
batch has the second as its `code` until it was found that nothing of it waits for money."""

FORGET_AT_ONCE = 20_000


class Batches:
    """The batches of one database."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def add(self, batch: Batch) -> Batch:
        """Keep a new batch that waits for its file."""
        when = self._database.clock()
        row = {
            "id": batch.id,
            "status": "uploading",
            "guidelines": json.dumps(batch.guidelines),
            "format": batch.format,
            "mapping": batch.columns.model_dump_json(),
            "delimiter": batch.delimiter,
            "metadata": json.dumps(batch.metadata),
            "budget_nano": None if batch.budget_usd is None else nano(batch.budget_usd),
            "lines_read": 0,
            "accepted": 0,
            "refused": 0,
            "read_all": False,
            "pace_settled": 0,
            "created_at": when,
            "updated_at": when,
        }
        with self._database.write() as connection:
            connection.execute(sa.insert(batches).values(**row))
            self._events.append_with(connection, "batch.created", batch.id)
            return _one(connection, batch.id)

    def get(self, id: str) -> Batch:
        """One batch.

        Raises:
            NotFound: There is none under that id.
        """
        with self._database.read() as connection:
            return _one(connection, id)

    def page(
        self, *, limit: int = 50, cursor: str | None = None, status: BatchStatus | None = None
    ) -> tuple[list[Batch], str | None]:
        """A page of batches, newest first, and the cursor of the next one.

        Raises:
            InvalidInput: The cursor is not one that this method gave.
        """
        query = sa.select(batches).order_by(batches.c.seq.desc()).limit(limit + 1)
        if cursor is not None:
            query = query.where(batches.c.seq < seq_of(cursor))
        if status is not None:
            query = query.where(batches.c.status == status)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        more = cursor_of(rows[limit - 1].seq) if len(rows) > limit else None
        return [batch_of(row) for row in rows[:limit]], more

    def received(self, id: str, size: int) -> Batch:
        """The whole file is here: from now on it is read.

        Raises:
            Conflict: The batch does not wait for a file.
        """
        with self._database.write() as connection:
            self._locked(connection, id, "uploading", doing="be given a file")
            self._set(connection, id, status="reading", bytes=size)
            return _one(connection, id)

    def pause(self, id: str) -> Batch:
        """Read no more lines; what was accepted is still labeled.

        Raises:
            Conflict: Nothing is left to read or label, or the file is not here yet.
        """
        with self._database.write() as connection:
            row = self._locked(
                connection, id, "reading", "labeling", "stopped", "paused", doing="be paused"
            )
            if row.status != "paused":
                self._set(connection, id, status="paused", leased_by=None, lease_until=None)
            return _one(connection, id)

    def resume(self, id: str) -> Batch:
        """Go on with a batch that was paused or stopped; what waits for money is looked at anew.

        Raises:
            Conflict: It has ended, or waits for its file.
        """
        with self._database.write() as connection:
            row = self._locked(
                connection, id, "paused", "stopped", "reading", "labeling", doing="go on"
            )
            if row.status in ("paused", "stopped"):
                self._set(connection, id, status=_stage(row), pace_at=None)
            return _one(connection, id)

    def cancel(self, id: str) -> Batch:
        """Label nothing more of it; labels that are there, or being made, stay.

        Raises:
            Conflict: It has ended.
        """
        with self._database.write() as connection:
            row = self._locked(
                connection,
                id,
                "uploading",
                "reading",
                "labeling",
                "paused",
                "stopped",
                "cancelled",
                doing="be cancelled",
            )
            if row.status == "cancelled":
                return batch_of(row)
            self._end(connection, row, "cancelled")
            mine = sa.or_(of_batch(row, status="queued"), of_batch(row, HELD))
            called_off = sa.and_(mine, ~_wanted_elsewhere(row))
            # Taken in one order, so that two that change the same rows never wait for each other.
            in_order = sa.select(requests.c.document_id).where(called_off).with_for_update()
            connection.execute(in_order.order_by(requests.c.guideline, requests.c.document_id))
            connection.execute(
                sa.update(requests)
                .where(called_off)
                .values(
                    status="failed",
                    error_code=CANCELLED,
                    error="Its batch was cancelled before it was labeled; send it again to have "
                    "it labeled.",
                    updated_at=self._database.clock(),
                )
            )
            return _one(connection, id)

    def set_budget(self, id: str, usd: float | None) -> Batch:
        """Change what may be spent; one whose budget was used up goes on where there is room.

        Raises:
            Conflict: It has ended.
        """
        with self._database.write() as connection:
            row = self._locked(connection, id, doing="be given another budget")
            if row.status in ENDED:
                raise _conflict(row, "be given another budget")
            # Without a limit nobody would look for what waits for money, but for this.
            look = {"code": HELD} if usd is None and row.status in ("reading", "labeling") else {}
            self._set(connection, id, budget_nano=None if usd is None else nano(usd), **look)
            return _one(connection, id)

    def _end(
        self,
        connection: sa.Connection,
        row: Any,
        status: BatchStatus,
        code: str | None = None,
        problem: str | None = None,
    ) -> None:
        when = self._database.clock()
        ended = {"code": code, "problem": problem, "ended_at": when, "leased_by": None}
        self._set(connection, row.id, status=status, lease_until=None, **ended)
        self._events.append_with(connection, f"batch.{status}", row.id, {"code": code})
        put(connection, when, [done_notice(_one(connection, row.id))])

    def resting(self, before: datetime) -> list[str]:
        """Ids of batches that ended before a moment, or wait since then for their client."""
        waits = (*ENDED, "uploading", "paused", "stopped")
        query = sa.select(batches.c.id).where(
            batches.c.status.in_(waits), batches.c.updated_at < before
        )
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(batches.c.seq).limit(100)).scalars())

    def ended(self, before: datetime) -> list[str]:
        """Ids of batches that ended before a moment."""
        query = sa.select(batches.c.id).where(
            batches.c.status.in_(ENDED), batches.c.ended_at < before
        )
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(batches.c.seq)).scalars())

    def forget(self, id: str) -> None:
        """Delete what is known of a batch, a bounded part at a time; its documents stay."""
        with self._database.read() as connection:
            seq = connection.execute(sa.select(batches.c.seq).where(batches.c.id == id)).scalar()
        for table in (batch_lines, batch_errors):
            while seq is not None:
                with self._database.write() as connection:
                    last = connection.execute(
                        sa.select(table.c.line)
                        .where(table.c.batch == seq)
                        .order_by(table.c.line)
                        .offset(FORGET_AT_ONCE)
                        .limit(1)
                    ).scalar()
                    mine = table.c.batch == seq
                    if last is not None:
                        mine &= table.c.line < last
                    connection.execute(sa.delete(table).where(mine))
                if last is None:
                    break
        with self._database.write() as connection:
            connection.execute(sa.delete(batches).where(batches.c.id == id))
            connection.execute(sa.delete(spending).where(spending.c.scope == f"batch:{id}"))

    def _locked(
        self, connection: sa.Connection, id: str, *statuses: BatchStatus, doing: str
    ) -> Any:
        row = connection.execute(
            sa.select(batches).where(batches.c.id == id).with_for_update()
        ).first()
        if row is None:
            raise _unknown(id)
        if statuses and row.status not in statuses:
            raise _conflict(row, doing)
        return row

    def _set(self, connection: sa.Connection, id: str, **values: Any) -> None:
        values["updated_at"] = self._database.clock()
        connection.execute(sa.update(batches).where(batches.c.id == id).values(**values))


def _stage(row: Any) -> str:
    return "labeling" if row.read_all else "reading"


def of_batch(row: Any, *codes: str, status: str = "failed") -> sa.ColumnElement[bool]:
    """The requests that a batch asked for and that are in a state; failed ones with these codes."""
    # From the few requests in that state to the lines, never from a million lines.
    mine = sa.exists().where(
        batch_lines.c.document_id == requests.c.document_id,
        batch_lines.c.batch == row.seq,
        batch_lines.c.asked,
    )
    where = sa.and_(
        requests.c.status == status, requests.c.guideline.in_(json.loads(row.guidelines)), mine
    )
    return sa.and_(requests.c.error_code.in_(codes), where) if codes else where


def asks(guideline: str, table: Any = batches) -> sa.ColumnElement[bool]:
    """Whether a batch asks for labels under a guideline."""
    found: sa.ColumnElement[bool] = table.c.guidelines.contains(
        json.dumps(guideline), autoescape=True
    )
    return found


def done_notice(batch: Batch) -> Notice:
    """That a batch has ended."""
    [*names] = batch.guidelines
    return Notice(
        kind="batch.done",
        guideline=names[0] if len(names) == 1 else None,
        path=f"/v1/batches/{batch.id}",
        data={
            "batch_id": batch.id,
            "status": batch.status,
            "guidelines": list(names),
            "lines": batch.lines_read,
            "accepted": batch.accepted,
            "refused": batch.refused,
            "code": batch.code,
        },
    )


def batch_of(row: Any) -> Batch:
    """A row of `batches`."""
    names = ("id", "status", "format", "delimiter", "bytes", "lines", "lines_read", "accepted")
    more = ("refused", "code", "problem", "created_at", "started_at", "ended_at")
    return Batch(
        guidelines=tuple(json.loads(row.guidelines)),
        columns=Columns.model_validate_json(row.mapping),
        metadata=json.loads(row.metadata),
        budget_usd=None if row.budget_nano is None else row.budget_nano / NANO,
        **{name: getattr(row, name) for name in (*names, *more)},
    )


def _one(connection: sa.Connection, id: str) -> Batch:
    row = connection.execute(sa.select(batches).where(batches.c.id == id)).first()
    if row is None:
        raise _unknown(id)
    return batch_of(row)


def _wanted_elsewhere(row: Any) -> sa.ColumnElement[bool]:
    """Whether another batch that goes on asks the same of the request's document."""
    other = batches.alias()

    def under(ref: str) -> sa.ColumnElement[bool]:
        return sa.exists().where(
            requests.c.guideline == ref,
            batch_lines.c.document_id == requests.c.document_id,
            batch_lines.c.batch != row.seq,
            batch_lines.c.batch == other.c.seq,
            other.c.status.not_in(list(ENDED)),
            asks(ref, other),
        )

    return sa.or_(*(under(ref) for ref in json.loads(row.guidelines)))


def _unknown(id: str) -> NotFound:
    return NotFound(f"There is no batch `{id[:64]}`; GET /v1/batches lists them.", field="id")


def _conflict(row: Any, doing: str) -> Conflict:
    why = {
        "uploading": "its file is not here yet; PUT it to /v1/batches/{id}/file first",
        "done": "it is done; create another one",
        "cancelled": "it was cancelled; create another one",
        "failed": "its file could not be read; create another one",
    }.get(row.status, "its file is here already; create another one for another file")
    return Conflict(f"The batch cannot {doing}: {why.replace('{id}', row.id)}.", field="id")
