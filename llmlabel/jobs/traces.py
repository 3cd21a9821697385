"""What the durable queue keeps of jobs that are over."""

from __future__ import annotations

import json
from collections.abc import Collection

import sqlalchemy as sa

from llmlabel.store.database import Database, batches

_OVER = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_TABLES = ("operation_outputs", "workflow_output", "workflow_input", "workflow_status")
_AT_ONCE = 100


def forget_jobs(database: Database, document_ids: Collection[str]) -> int:
    """Delete the finished jobs that name one of these documents; returns how many.

    A job holds ids of documents and no text. One that still waits for others is left: it does
    nothing for a document that is gone, and is deleted when it has been over for a day.
    """
    schema = None if database.is_sqlite else "dbos"
    with database.read() as connection:
        there = set(sa.inspect(connection).get_table_names(schema=schema))
    if "workflow_status" not in there:
        return 0
    columns = ("workflow_uuid", "status", "inputs")
    tables = [
        sa.table(name, *(sa.column(each) for each in columns), schema=schema)
        for name in _TABLES
        if name in there
    ]
    jobs = tables[-1]
    held = [table for table in tables if table.name in ("workflow_status", "workflow_input")]
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
                jobs.c.status.in_(_OVER), jobs.c.workflow_uuid.in_(named)
            )
            over = list(connection.execute(query).scalars())
            for part in batches(over, _AT_ONCE):
                for table in tables:
                    connection.execute(sa.delete(table).where(table.c.workflow_uuid.in_(part)))
            gone += len(over)
    return gone


def _holds(column: sa.ColumnElement[str], id: str) -> sa.ColumnElement[bool]:
    """Whether JSON holds this id as a string of its own, however it escapes letters."""
    plain, ascii_only = json.dumps(id, ensure_ascii=False), json.dumps(id)
    return sa.or_(
        column.contains(plain, autoescape=True), column.contains(ascii_only, autoescape=True)
    )
