"""Connections through which several databases are read as they are at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.transfer.pairs import Reading, all_tables


@contextmanager
def locked(databases: Sequence[Database]) -> Iterator[list[Reading]]:
    """One reading of each database; nobody can write to any of them meanwhile.

    Args:
        databases: Of one service, the one that holds the queue first: on SQLite every writer of
            the others takes its lock as well.
    """
    with ExitStack() as stack:
        if databases[0].is_sqlite:
            first = Reading(databases[0], stack.enter_context(databases[0].write()))
            others = [Reading(each, stack.enter_context(_snapshot(each))) for each in databases[1:]]
            yield [first, *others]
            return
        readings = [Reading(each, stack.enter_context(each.write())) for each in databases]
        for each in readings:
            quote = each.database.engine.dialect.identifier_preparer.format_table
            names = ", ".join(quote(table) for table in all_tables(each))
            each.connection.execute(sa.text(f"LOCK TABLE {names} IN SHARE MODE"))
        yield readings


@contextmanager
def snapshots(databases: Sequence[Database]) -> Iterator[list[Reading]]:
    """One reading of each database, all of the same moment; others may write meanwhile.

    Args:
        databases: As of `locked`.
    """
    with ExitStack() as stack:
        if databases[0].is_sqlite:
            with databases[0].write():  # no writer is under way at this moment
                readings = [
                    Reading(each, stack.enter_context(_snapshot(each))) for each in databases
                ]
            yield readings
            return
        first, *others = (
            stack.enter_context(each.engine.connect()).execution_options(
                isolation_level="REPEATABLE READ"
            )
            for each in databases
        )
        exported = first.execute(sa.select(sa.func.pg_export_snapshot())).scalar_one()
        for connection in others:
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{exported}'")
        yield [
            Reading(database, connection)
            for database, connection in zip(databases, [first, *others], strict=True)
        ]


@contextmanager
def _snapshot(database: Database) -> Iterator[sa.Connection]:
    """An SQLite file as it is now, for as long as the connection is open."""
    with database.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").all()  # begins to read
        yield connection
        connection.rollback()
