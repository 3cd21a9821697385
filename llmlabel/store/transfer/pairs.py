"""Which tables a database has: those of the code, and those of the durable queue."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.errors import Conflict
from llmlabel.store.database import Database
from llmlabel.store.schema_state import BEGUN_TABLE, VERSION_TABLE
from llmlabel.store.tables import metadata
from llmlabel.store.transfer.rows import Pair

QUEUE_VERSION = "dbos_migrations"


@dataclass(frozen=True)
class Reading:
    """A database, and a connection through which it is read."""

    database: Database
    connection: sa.Connection


def queue_tables(of: Reading) -> list[sa.Table]:
    """The tables of the durable queue, parents first; none where there is no queue.

    It is in the default project's database: on PostgreSQL in a schema of its own, on SQLite
    beside our tables.
    """
    if of.database.project != DEFAULT_PROJECT:
        return []
    schema = of.database.queue_schema
    found = sa.inspect(of.connection).get_table_names(schema=schema)
    if QUEUE_VERSION not in found:
        return []
    ours = {*metadata.tables, VERSION_TABLE, BEGUN_TABLE, QUEUE_VERSION}
    reflected = sa.MetaData()
    reflected.reflect(
        of.connection, schema=schema, only=lambda name, _: name not in ours, resolve_fks=False
    )
    # The order of the foreign keys, although the keys themselves are not reflected everywhere.
    return sorted(reflected.sorted_tables, key=lambda table: table.name != "workflow_status")


def all_tables(of: Reading) -> list[sa.Table]:
    """Every table that holds something to be kept, parents first."""
    return [*metadata.sorted_tables, *queue_tables(of)]


def first_used(of: Reading) -> str | None:
    """The name of a table that has rows; None where all are empty."""
    for table in all_tables(of):
        if of.connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            return table.name
    return None


def count_rows(of: Reading) -> int:
    """How many rows there are in all tables."""
    return sum(
        of.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in all_tables(of)
    )


def pairs(source: Reading, target: Reading) -> list[Pair]:
    """The tables of the source with those of the target that are like them, parents first.

    Raises:
        Conflict: The source has rows in a table or column that the target lacks.
    """
    theirs = {table.name: table for table in all_tables(source)}
    found = []
    for table in all_tables(target):
        of_source = theirs.pop(table.name, None)
        if of_source is None:
            continue
        if set(of_source.columns.keys()) != set(table.columns.keys()):
            raise Conflict(
                f"The table `{table.name}` has other columns in the one database than in the "
                "other; run `llmlabel db upgrade` on both with this release, then copy."
            )
        found.append(Pair.of(of_source, table))
    for name, table in theirs.items():
        query = sa.select(sa.literal(1)).select_from(table).limit(1)
        if source.connection.execute(query).first():
            raise Conflict(
                f"The source has rows in `{name}`, which the target does not have; run "
                "`llmlabel db upgrade` on both with this release, then copy."
            )
    return found
