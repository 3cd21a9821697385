"""Batches as those see them who read their files: leased, accepted slice by slice, ended."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.batch import Batch, LineError
from llmlabel.domain.document import Document
from llmlabel.errors import DocumentConflict
from llmlabel.store.asked_anew import ask_anew
from llmlabel.store.batch_tables import batch_errors, batch_lines, batches
from llmlabel.store.batches import CANCELLED, HELD, Batches, batch_of, of_batch
from llmlabel.store.database import batches as slices
from llmlabel.store.documents import Asked, Enqueue
from llmlabel.store.rows import row_of, same_content
from llmlabel.store.tables import documents, requests

LIVE = ("reading", "labeling", "stopped")


class Line(NamedTuple):
    """A line of a file and the document it is."""

    number: int
    document: Document


class Slice(NamedTuple):
    """What was read of a file: lines in order, those that are wrong, and the last line looked at.

    `end`: nothing is left to read.
    """

    lines: Sequence[Line]
    errors: Sequence[LineError]
    read_to: int
    end: bool


class LeaseLost(Exception):
    """Another worker reads this batch now, or it was paused or cancelled."""


class BatchWork(Batches):
    """The batches of one database, for the workers that read them."""

    def take(
        self, worker: str, hold_seconds: float, limit: int, without: Collection[str] = ()
    ) -> list[Batch]:
        """Lease batches that nobody reads, and keep those held; oldest first.

        Args:
            worker: Name of the process, unlike any other's.
            hold_seconds: How long the lease holds without being renewed by this method.
            limit: Batches held at most of those that are read; of others any number.
            without: Ids of batches to leave to others.
        """
        wanted = sa.and_(batches.c.status.in_(LIVE), batches.c.id.not_in(list(without)))
        with self._database.read() as connection:
            query = sa.select(batches).where(wanted).order_by(batches.c.seq)
            live = connection.execute(query).all()
            now = self._database.seconds(connection) if live else 0.0
        mine = _chosen(live, worker, now, limit)
        if all(
            row.leased_by == worker and row.lease_until > now + hold_seconds / 2 for row in mine
        ):
            return [batch_of(row) for row in mine]
        with self._database.write() as connection:
            self._database.exclusive(connection, "batches")
            now = self._database.seconds(connection)
            rows = _chosen(connection.execute(query).all(), worker, now, limit)
            connection.execute(
                sa.update(batches)
                .where(batches.c.seq.in_([row.seq for row in rows]))
                .values(leased_by=worker, lease_until=now + hold_seconds)
            )
        return [batch_of(row) for row in rows]

    def leave(self, worker: str) -> None:
        """Let others read what this worker held."""
        free = sa.update(batches).values(leased_by=None, lease_until=None)
        with self._database.write() as connection:
            connection.execute(free.where(batches.c.leased_by == worker))

    def pass_on(self, id: str, worker: str, why: str) -> None:
        """Let others read one batch, and say why this worker does not.

        Raises:
            LeaseLost: As the class says.
        """
        with self._database.write() as connection:
            self._held(connection, id, worker, "reading")
            self._set(connection, id, leased_by=None, lease_until=None, problem=why)

    def counted(self, id: str, worker: str, lines: int) -> None:
        """Note how many lines the file has; it is ready to be read then.

        Raises:
            LeaseLost: As the class says.
        """
        with self._database.write() as connection:
            self._held(connection, id, worker, "reading")
            self._set(connection, id, lines=lines, problem=None)

    def accept(self, id: str, worker: str, place: int, part: Slice, enqueue: Enqueue) -> Batch:
        """Accept a slice: its documents, what is asked of them, and the new place in the file.

        All in one transaction, so that no line is lost or read twice. A document that is there
        already is found; what was asked of it and was cancelled is asked anew.

        Args:
            id: Of the batch.
            worker: Who holds it.
            place: The last line read before this slice.
            part: The slice.
            enqueue: Queues the work, within the transaction.

        Raises:
            LeaseLost: As the class says; nothing is accepted then.
        """
        given = [row_of(line.document) for line in part.lines]
        rows: dict[str, dict[str, object]] = {}
        for line, row in zip(part.lines, given, strict=True):  # the first line of an id has it
            rows.setdefault(line.document.id, row)
        ids = sorted(rows)
        errors = {error.line: {**error.model_dump(), "document_id": None} for error in part.errors}
        with self._database.write() as connection:
            batch = self._held(connection, id, worker, "reading")
            if batch.lines_read != place:
                raise LeaseLost(f"The batch {id} was read further by another worker.")
            refs = json.loads(batch.guidelines)
            stored = {**rows, **self._insert(connection, ids, rows)}
            kept: list[Line] = []
            for line, mine in zip(part.lines, given, strict=True):
                key = line.document.id
                try:
                    same_content(stored[key], mine, key)
                    kept.append(line)
                except DocumentConflict as error:
                    errors[line.number] = _refused(line, error)
            good = sorted({line.document.id for line in kept})
            asked = self._ask(connection, good, refs)
            new = {each.document_id for each in asked}
            self._keep(connection, batch.seq, kept, new, errors)
            if asked:
                enqueue(connection, asked)
            when = self._database.clock()
            self._set(
                connection,
                id,
                status="labeling" if part.end else "reading",
                read_all=part.end,
                lines_read=part.read_to,
                accepted=batch.accepted + len(kept),
                refused=batch.refused + len(errors),
                problem=batch.problem if batch.code else None,
                started_at=batch.started_at or when,
                pace_at=batch.pace_at or when,
                **({} if batch.pace_at else {"pace_settled": self._settled(connection, batch)}),
            )
            after = connection.execute(sa.select(batches).where(batches.c.id == id)).one()
        return batch_of(after)

    def fail(self, id: str, worker: str, code: str, problem: str) -> None:
        """End a batch whose file cannot be read.

        Raises:
            LeaseLost: As the class says.
        """
        with self._database.write() as connection:
            row = self._held(connection, id, worker, "reading")
            self._end(connection, row, "failed", code, problem)

    def finish(self, id: str, worker: str, passing: Sequence[str]) -> bool:
        """End a batch of which all is read and nothing is to come; False where something is.

        Args:
            id: Of the batch.
            worker: Who holds it.
            passing: Codes of failures that are asked anew by themselves, so they are to come.

        Raises:
            LeaseLost: As the class says.
        """
        with self._database.write() as connection:
            row = self._held(connection, id, worker, "labeling")
            for left in (_listed(row, "queued", ()), _listed(row, "failed", passing)):
                if connection.execute(sa.select(sa.exists().where(left))).scalar():
                    return False
            if connection.execute(sa.select(sa.exists().where(_waits_for_money(row)))).scalar():
                # The money of another batch was used up; whether this one has some is seen to.
                self._set(connection, id, code=HELD)
                return False
            self._end(connection, row, "done")
        return True

    def held(self, id: str) -> bool:
        """Whether labels of the batch wait for money."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == id)).one()
            waits = sa.select(sa.exists().where(_waits_for_money(row)))
            return bool(connection.execute(waits).scalar())

    def stop(self, id: str, worker: str, problem: str) -> None:
        """Read no more lines until there is money.

        Raises:
            LeaseLost: As the class says.
        """
        with self._database.write() as connection:
            self._held(connection, id, worker, "reading", "labeling")
            self._set(connection, id, status="stopped", code=HELD, problem=problem)

    def go_on(self, id: str, worker: str, enqueue: Enqueue) -> int:
        """There is money: ask anew what waits for it; returns how many labels that are.

        Raises:
            LeaseLost: As the class says.
        """
        with self._database.write() as connection:
            row = self._held(connection, id, worker, *LIVE)
            asked = ask_anew(connection, self._database.clock(), _waits_for_money(row))
            for some in slices(sorted({each.document_id for each in asked})):
                mine = sa.and_(batch_lines.c.batch == row.seq, batch_lines.c.document_id.in_(some))
                connection.execute(sa.update(batch_lines).where(mine).values(asked=True))
            if asked:
                enqueue(connection, asked)
            status = "labeling" if row.read_all else "reading"
            self._set(connection, id, status=status, code=None, problem=None)
        return len(asked)

    def _held(self, connection: sa.Connection, id: str, worker: str, *statuses: str) -> Any:
        row = connection.execute(
            sa.select(batches).where(batches.c.id == id).with_for_update()
        ).first()
        if row is None or row.leased_by != worker or row.status not in statuses:
            raise LeaseLost(f"The batch {id} is not read by {worker} any more.")
        return row

    def _insert(
        self, connection: sa.Connection, ids: Sequence[str], rows: dict[str, dict[str, object]]
    ) -> dict[str, Mapping[str, Any]]:
        """Insert documents; gives the rows of those that were there before."""
        when = self._database.clock()
        known: dict[str, Mapping[str, Any]] = {}
        for some in slices(ids):
            new = self._database.insert_new(
                connection,
                documents,
                [{**rows[id], "created_at": when} for id in some],
                [documents.c.id],
            )
            created = {row.id for row in new}
            found = [id for id in some if id not in created]
            if not found:
                continue
            stored = connection.execute(sa.select(documents).where(documents.c.id.in_(found)))
            known.update((other["id"], dict(other)) for other in stored.mappings())
        return known

    def _ask(
        self, connection: sa.Connection, ids: Sequence[str], refs: Sequence[str]
    ) -> list[Asked]:
        when = self._database.clock()
        rows = [
            {
                "document_id": id,
                "guideline": ref,
                "status": "queued",
                "run": 1,
                "attempts": 0,
                "created_at": when,
                "updated_at": when,
            }
            for ref in refs
            for id in ids
        ]
        key = [requests.c.document_id, requests.c.guideline]
        asked = [
            Asked(row.document_id, row.guideline, 1)
            for some in slices(rows)
            for row in self._database.insert_new(connection, requests, some, key)
        ]
        if len(asked) == len(rows):
            return asked
        for some in slices(ids):
            again = sa.and_(
                requests.c.document_id.in_(some),
                requests.c.guideline.in_(refs),
                requests.c.status == "failed",
                requests.c.error_code.in_([CANCELLED, HELD]),
            )
            asked += ask_anew(connection, self._database.clock(), again)
        return asked

    def _keep(
        self,
        connection: sa.Connection,
        seq: int,
        lines: Sequence[Line],
        new: set[str],
        errors: dict[int, dict[str, Any]],
    ) -> None:
        if lines:
            rows = []
            for line in lines:
                id = line.document.id
                # The second line of one document asks for nothing, and pays for nothing.
                asked = id in new
                new.discard(id)
                rows.append({"batch": seq, "line": line.number, "document_id": id, "asked": asked})
            connection.execute(sa.insert(batch_lines), rows)
        if errors:
            wrong = [{"batch": seq, **errors[number]} for number in sorted(errors)]
            connection.execute(sa.insert(batch_errors), wrong)

    def _settled(self, connection: sa.Connection, row: Any) -> int:
        """Labels of the batch that are not waiting; only asked when the pace is measured anew."""
        if not row.accepted:
            return 0
        query = sa.select(sa.func.count()).select_from(requests)
        waiting = connection.execute(query.where(of_batch(row, status="queued"))).scalar_one()
        return int(row.accepted * len(json.loads(row.guidelines)) - waiting)


def _chosen(live: Sequence[Any], worker: str, now: float, limit: int) -> list[Any]:
    """The batches that a worker holds or may take, those it holds first."""
    mine = [row for row in live if row.leased_by == worker]
    free = [row for row in live if row.lease_until is None or row.lease_until < now]
    open_ = mine + [row for row in free if row.leased_by != worker]
    read = [row for row in open_ if row.status == "reading"]
    return read[:limit] + [row for row in open_ if row.status != "reading"]


def _listed(row: Any, status: str, codes: Sequence[str]) -> sa.ColumnElement[bool]:
    """As `of_batch`, with the lines that found their document waiting for somebody else."""
    where = sa.and_(
        requests.c.status == status,
        requests.c.guideline.in_(json.loads(row.guidelines)),
        sa.exists().where(
            batch_lines.c.document_id == requests.c.document_id, batch_lines.c.batch == row.seq
        ),
    )
    return sa.and_(requests.c.error_code.in_(codes), where) if codes else where


def _waits_for_money(row: Any) -> sa.ColumnElement[bool]:
    """Of what a batch has lines of, whichever batch was to pay for it."""
    return _listed(row, "failed", (HELD,))


def _refused(line: Line, error: DocumentConflict) -> dict[str, Any]:
    return {
        "line": line.number,
        "field": error.field,
        "code": error.code,
        "detail": error.detail,
        "document_id": line.document.id,
    }
