"""What the durable queue keeps of jobs that are over, or of a project that goes."""

from __future__ import annotations

import json
from collections.abc import Collection

import sqlalchemy as sa

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.jobs.queue_files import IN_PROJECT
from llmlabel.store.database import Database, batches

_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_TABLES = ("operation_outputs", "workflow_output", "workflow_input", "workflow_status")
_AT_ONCE = 100


def forget_jobs(database: Database, document_ids: Collection[str]) -> int:
    """Delete the project's finished jobs that name one of these documents; returns how many.

    A job holds ids of documents and no text. One that still waits for others is left: it does
    nothing for a document that is gone, and is deleted when it has been over for a day.
    """
    tables = _tables(database)
    if not tables:
        return 0
    jobs = tables[-1]
    held = [table for table in tables if table.name in ("workflow_status", "workflow_input")]
    mine = ~jobs.c.name.endswith(IN_PROJECT)
    if database.project != DEFAULT_PROJECT:
        of_project = (
            sa.select(table.c.workflow_uuid).where(_holds(table.c.inputs, database.project))
            for table in held
        )
        mine = sa.and_(~mine, jobs.c.workflow_uuid.in_(sa.union(*of_project)))
    gone = 0
    with database.write() as connection:
        for some in batches(sorted(document_ids), _AT_ONCE):
            named = sa.union(
                *(
                    sa.select(table.c.workflow_uuid).where(
                        sa.or_(*(_holds(table.c.inputs, id) for id in some))
                    )
                    for table in held
                )
            )
            query = sa.select(jobs.c.workflow_uuid).where(
                jobs.c.status.in_(_OVER), jobs.c.workflow_uuid.in_(named), mine
            )
            over = list(connection.execute(query).scalars())
            for part in batches(over, _AT_ONCE):
                for table in tables:
                    connection.execute(sa.delete(table).where(table.c.workflow_uuid.in_(part)))
            gone += len(over)
    return gone


def forget_project(database: Database, project: str) -> int:
    """Delete the jobs of a project; returns how many that were.

    One that is under way somewhere is cancelled, and deleted by the upkeep of a worker.

    Args:
        database: Of the default project, which holds the queue.
        project: Another than the default one; it takes no new work any more.
    """
    tables = _tables(database)
    if not tables:
        return 0
    jobs = tables[-1]
    held = [table for table in tables if table.name in ("workflow_status", "workflow_input")]
    named = sa.union(
        *(
            sa.select(table.c.workflow_uuid, table.c.inputs).where(
                table.c.inputs.contains(json.dumps(project), autoescape=True)
            )
            for table in held
        )
    )
    with database.write() as connection:
        mine = [
            row.workflow_uuid for row in connection.execute(named) if _is_of(row.inputs, project)
        ]
        for some in batches(sorted(set(mine)), _AT_ONCE):
            connection.execute(
                sa.update(jobs)
                .where(jobs.c.workflow_uuid.in_(some), jobs.c.status == "PENDING")
                .values(status="CANCELLED")
            )
            over = sa.select(jobs.c.workflow_uuid).where(
                jobs.c.workflow_uuid.in_(some), jobs.c.status != "CANCELLED"
            )
            gone = list(connection.execute(over).scalars())
            for table in tables:
                connection.execute(sa.delete(table).where(table.c.workflow_uuid.in_(gone)))
    return len(mine)


def _is_of(inputs: str, project: str) -> bool:
    """Whether a job's last argument is this project; those of the default one name none."""
    arguments = json.loads(inputs)["positionalArgs"]
    return bool(arguments) and arguments[-1] == project


def _tables(database: Database) -> list[sa.TableClause]:
    """The queue's tables that are there, that of the jobs last."""
    schema = database.queue_schema
    with database.read() as connection:
        there = set(sa.inspect(connection).get_table_names(schema=schema))
    if "workflow_status" not in there:
        return []
    columns = ("workflow_uuid", "name", "status", "inputs")
    return [
        sa.table(name, *(sa.column(each) for each in columns), schema=schema)
        for name in _TABLES
        if name in there
    ]


def _holds(column: sa.ColumnElement[str], id: str) -> sa.ColumnElement[bool]:
    """Whether JSON holds this id as a string of its own, however it escapes letters."""
    plain, ascii_only = json.dumps(id, ensure_ascii=False), json.dumps(id)
    return sa.or_(
        column.contains(plain, autoescape=True), column.contains(ascii_only, autoescape=True)
    )
