"""Which release a database is of."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from llmlabel.errors import DatabaseNotOurs

VERSION_TABLE = "llmlabel_schema"
BEGUN_TABLE = "llmlabel_copy"
"""A database that has this table is a copy that was begun and not finished."""


def migrations() -> Config:
    """Where the migrations are."""
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return found


def known_revisions() -> list[str]:
    """The migrations of this release, newest first."""
    scripts = ScriptDirectory.from_config(migrations())
    return [script.revision for script in scripts.walk_revisions()]


def revision(connection: sa.Connection) -> str | None:
    """The newest migration that a database has; None where it has none."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def refuse_foreign(connection: sa.Connection) -> None:
    """See that this release can work with a database, once it is brought up to date.

    Raises:
        DatabaseNotOurs: A newer release brought it further, or it is a copy that was not finished.
    """
    if sa.inspect(connection).has_table(BEGUN_TABLE):
        raise DatabaseNotOurs(
            "The database is a copy that was begun and not finished. Run the same `llmlabel db "
            "copy` or `llmlabel db restore` again, or name another database."
        )
    found, known = revision(connection), known_revisions()
    if found is not None and found not in known:
        raise DatabaseNotOurs(
            f"The database is of a newer release: it has the migration {found}, this release knows "
            f"those up to {known[0]}. Install the newer release, or restore a backup that was made "
            "before the upgrade."
        )
