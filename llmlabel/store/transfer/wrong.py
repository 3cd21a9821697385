"""What is wrong with a database by itself: its file, its rules, what it says of its documents."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.tables import (
    documents,
    labels,
    metadata,
    recordings,
    requests,
    transcriptions,
)

MOST = 20
"""Examples of one fault that are told."""


def broken_file(database: Database) -> list[str]:
    """What SQLite finds wrong with its file, and PostgreSQL with its indexes and rules."""
    with database.read() as connection:
        if not database.is_sqlite:
            found = connection.execute(sa.text(_INVALID), {"most": MOST})
            return [f"{row.what} {row.name} is not valid" for row in found]
        lines = connection.execute(sa.text(f"PRAGMA main.integrity_check({MOST})")).scalars()
        return [line for line in lines if line != "ok"]


def broken_references(database: Database) -> list[str]:
    """Rows that name a row that is not there."""
    found = []
    with database.read() as connection:
        for table in metadata.sorted_tables:
            for key in table.foreign_keys:
                parent = key.column
                own = key.parent
                there = sa.exists().where(parent == own)
                if parent.table is table:
                    other = parent.table.alias()
                    there = sa.exists().where(other.c[parent.name] == own)
                query = sa.select(sa.func.count()).where(own.is_not(None), ~there)
                n = connection.execute(query.select_from(table)).scalar_one()
                if n:
                    found.append(f"{n:,} rows of {table.name} name a missing {parent.table.name}")
    return found


def contradictions(database: Database) -> Iterator[str]:
    """Documents whose state cannot be: done without a result, failed without a reason."""
    made = sa.exists().where(
        labels.c.document_id == requests.c.document_id, labels.c.guideline == requests.c.guideline
    )
    queries = {
        "is done and has no label": sa.select(requests.c.document_id, requests.c.guideline).where(
            requests.c.status == "done", ~made
        ),
        "failed and has no reason": sa.select(requests.c.document_id, requests.c.guideline).where(
            requests.c.status == "failed", requests.c.error.is_(None)
        ),
        "is transcribed and has no text": sa.select(documents.c.id, sa.literal("transcript"))
        .join(transcriptions, transcriptions.c.document_id == documents.c.id)
        .where(transcriptions.c.status == "done", documents.c.text.is_(None)),
    }
    with database.read() as connection:
        for what, query in queries.items():
            for id, guideline in connection.execute(query.limit(MOST)):
                yield f"document {id} ({guideline}) {what}"


def kept_sounds(database: Database) -> list[tuple[str, int]]:
    """The recordings that a database tells of: hash and number of bytes."""
    query = sa.select(recordings.c.sha256, recordings.c.bytes).order_by(recordings.c.sha256)
    with database.read() as connection:
        return [(row.sha256, row.bytes) for row in connection.execute(query)]


def row_counts(database: Database) -> dict[str, int]:
    """How many rows each table has; those of the queue are not counted."""
    with database.read() as connection:
        return {
            table.name: connection.execute(
                sa.select(sa.func.count()).select_from(table)
            ).scalar_one()
            for table in metadata.sorted_tables
        }


_INVALID = """
SELECT 'index' AS what, c.relname AS name
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::regnamespace
UNION ALL
SELECT 'rule', conname FROM pg_constraint
WHERE NOT convalidated AND connamespace = current_schema()::regnamespace
LIMIT :most
"""
