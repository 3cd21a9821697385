"""Bring a database to the newest schema; safe when several processes start at once."""

from __future__ import annotations

import alembic.command
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.store.database import Database, schema_of
from llmlabel.store.schema_state import (
    VERSION_TABLE,
    known_revisions,
    migrations,
    refuse_foreign,
    revision,
)
from llmlabel.store.tables import metadata

# Any number, as long as it is always the same: it names the lock on PostgreSQL.
_LOCK = 7_251_804_101


def upgrade(database: Database) -> None:
    """Run the migrations that are missing, all in one transaction, one process at a time.

    The schema, or file, of a project is made where it is missing.

    Raises:
        DatabaseNotOurs: It is of a newer release, or a copy that was not finished; it stays as
            it is.
    """
    if database.is_sqlite and database.project != DEFAULT_PROJECT:
        # Nothing of another project is in sight while tables are changed.
        alone = Database(database.engine.url, database.clock)
        try:
            upgrade(alone)
        finally:
            alone.close()
        return
    with database.write() as connection:
        if not database.is_sqlite:  # SQLite's write lock is held already
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            if database.project != DEFAULT_PROJECT:
                connection.execute(
                    sa.schema.CreateSchema(schema_of(database.project), if_not_exists=True)
                )
        refuse_foreign(connection)
        config = migrations()
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def missing_migrations(database: Database) -> list[str]:
    """The migrations that this release has and the database lacks, newest first.

    A database that a newer release brought further lacks none.
    """
    with database.read() as connection:
        current = revision(connection)
    ours = known_revisions()
    if current is not None and current not in ours:
        return []
    return ours if current is None else ours[: ours.index(current)]


def drift(database: Database) -> list[str]:
    """What differs between the migrated database and the tables in the code; empty if nothing.

    The durable queue keeps its own tables in the same SQLite file; they are not looked at.
    """

    def ours(name: str | None, kind: str, parents: object) -> bool:
        return kind != "table" or name in metadata.tables

    with database.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "include_name": ours,
                "target_metadata": metadata,
                "compare_type": True,
            },
        )
        return [str(change) for change in compare_metadata(context, metadata)]
