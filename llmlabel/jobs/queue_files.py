"""The durable queue as tables: made without being started, and read for what it still holds."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.jobs.learn import ASKED, DONE, FAILED, FOUND, LEARN
from llmlabel.jobs.tasks import LABEL, TRANSCRIBE
from llmlabel.store.database import Database, batches
from llmlabel.store.tables import events, requests, transcriptions
from llmlabel.store.transfer.pairs import Reading, queue_tables

# Ends the name of a job of another project than the default one.
IN_PROJECT = "-in-project"
_AT_ONCE = 1000


def make_queue(database: Database) -> None:
    """Create the queue's tables, or bring them up to date, as its start does; start nothing."""
    from dbos import DBOS  # noqa: PLC0415 - a second of imports

    logging.getLogger("dbos").setLevel(logging.WARNING)
    DBOS.migrate(database.engine.url.render_as_string(hide_password=False))


def without_job(queue: Database, databases: Sequence[Database]) -> list[str]:
    """What waits although no job is about it, and so would wait for ever; in words.

    See `forgotten`.
    """
    found = forgotten(queue, databases)
    return [each.words for database in databases for each in found[database]]


def forgotten(queue: Database, databases: Sequence[Database]) -> dict[Database, list[Waiting]]:
    """What waits in each database although no job is about it.

    The service may be at work: what looks forgotten is looked at again.

    Args:
        queue: Of the default project, which holds the queue of all.
        databases: Of every project.
    """
    held = _held(queue)
    suspects = {each: [w for w in _waiting(each) if w.mark not in held] for each in databases}
    if not any(suspects.values()):
        return suspects
    held = _held(queue)  # some were accepted after the first look
    found = {}
    for database, some in suspects.items():
        left = [each for each in some if each.mark not in held]
        # And some were done after it.
        now = {each.mark for each in _waiting(database, {each.id for each in left})}
        found[database] = [each for each in left if each.mark in now]
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits, and the mark of a job about it.

    Attributes:
        kind: LABEL, TRANSCRIBE or LEARN.
        id: Of its document, or of what is to be learned.
        guideline: That is asked of it; "" of a recording to transcribe.
        run: Of the request or transcription; of what is to be learned, how often it was found.
    """

    kind: str
    id: str
    guideline: str
    run: int
    mark: int

    @property
    def words(self) -> str:
        """What it is."""
        if self.kind == TRANSCRIBE:
            return f"recording of {self.id}"
        what = "document" if self.kind == LABEL else "training or certification"
        return f"{what} {self.id} under {self.guideline}"


def _waiting(database: Database, only: Set[str] | None = None) -> Iterator[Waiting]:
    """What waits in a project: all, or of some ids."""
    project = database.project
    # What is asked of a recording has no job before there is a transcript.
    unheard = sa.select(transcriptions.c.document_id).where(transcriptions.c.status == "queued")
    asked = sa.select(requests.c.document_id, requests.c.guideline, requests.c.run).where(
        requests.c.status == "queued", requests.c.document_id.not_in(unheard)
    )
    sounds = sa.select(transcriptions.c.document_id, transcriptions.c.run).where(
        transcriptions.c.status == "queued"
    )
    with database.read() as connection:
        for row in _rows(connection, asked, requests, only):
            id, guideline = row.document_id, row.guideline
            mark = _mark(LABEL, project, guideline, row.run, id)
            yield Waiting(LABEL, id, guideline, row.run, mark)
        for row in _rows(connection, sounds, transcriptions, only):
            mark = _mark(TRANSCRIBE, project, row.document_id, row.run)
            yield Waiting(TRANSCRIBE, row.document_id, "", row.run, mark)
        for row in connection.execute(_to_learn()):
            if only is None or row.subject in only:
                guideline = json.loads(row.payload)["guideline"]
                mark = _mark(LEARN, project, row.subject)
                yield Waiting(LEARN, row.subject, guideline, row.found, mark)


def _to_learn() -> sa.Select[Any]:
    """The trainings and certifications that have not ended, with how often each was found."""
    later = events.alias()

    def of_kinds(*kinds: str) -> sa.ColumnElement[bool]:
        return sa.and_(later.c.subject == events.c.subject, later.c.kind.in_(kinds))

    found = sa.select(sa.func.count()).select_from(later).where(of_kinds(FOUND))
    return sa.select(
        events.c.subject, events.c.payload, found.scalar_subquery().label("found")
    ).where(events.c.kind == ASKED, ~sa.exists().where(of_kinds(DONE, FAILED)))


def _rows(
    connection: sa.Connection,
    query: sa.Select[Any],
    table: sa.Table,
    only: Set[str] | None,
) -> Iterator[sa.Row[Any]]:
    """The rows of a query in slices, in the order of its table's key."""
    if only is not None:
        for some in batches(sorted(only)):
            yield from connection.execute(query.where(table.c.document_id.in_(some)))
        return
    key = list(table.primary_key.columns)
    last: tuple[Any, ...] | None = None
    while True:
        after = sa.true() if last is None else sa.tuple_(*key) > sa.tuple_(*last)
        rows = connection.execute(query.where(after).order_by(*key).limit(_AT_ONCE)).all()
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        last = tuple(rows[-1][: len(key)])


def _held(queue: Database) -> set[int]:
    """The marks of everything that jobs are about which did not end well."""
    with queue.read() as connection:
        found: set[int] = set()
        for name, arguments in _jobs(Reading(queue, connection)):
            found.update(_marks(name, arguments))
    return found


def _jobs(queue: Reading) -> Iterator[tuple[str, list[Any]]]:
    tables = {table.name: table for table in queue_tables(queue)}
    if "workflow_status" not in tables:
        return
    jobs, inputs = tables["workflow_status"], tables.get("workflow_input")
    given: sa.ColumnElement[str] = jobs.c.inputs
    query = sa.select(jobs.c.workflow_uuid, jobs.c.name)
    if inputs is not None:
        given = sa.func.coalesce(inputs.c.inputs, jobs.c.inputs)
        query = query.outerjoin(inputs, inputs.c.workflow_uuid == jobs.c.workflow_uuid)
    query = (
        query.add_columns(given.label("given"))
        .where(jobs.c.status != "SUCCESS", given.is_not(None))
        .order_by(jobs.c.workflow_uuid)
        .limit(_AT_ONCE)
    )
    last: str | None = None
    while True:
        after = sa.true() if last is None else jobs.c.workflow_uuid > last
        rows = queue.connection.execute(query.where(after)).all()
        for row in rows:
            yield row.name, list(json.loads(row.given)["positionalArgs"])
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].workflow_uuid


def _marks(name: str, arguments: list[Any]) -> Iterator[int]:
    """What a job is about. Its project is a last argument, where it is not the default one."""
    name = name.removesuffix(IN_PROJECT)
    if name == LABEL:
        guideline, run, ids, *rest = arguments
        project = rest[0] if rest else DEFAULT_PROJECT
        for id in ids:
            yield _mark(LABEL, project, guideline, run, id)
    elif name == TRANSCRIBE:
        id, run, *rest = arguments
        yield _mark(TRANSCRIBE, rest[0] if rest else DEFAULT_PROJECT, id, run)
    elif name == LEARN:
        id, _, _, _, *rest = arguments
        yield _mark(LEARN, rest[0] if rest else DEFAULT_PROJECT, id)


def _mark(*parts: object) -> int:
    """Eight bytes in place of a tuple of texts: a million of them have to fit into memory."""
    content = "\x1f".join(str(part) for part in parts).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
