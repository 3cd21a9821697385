"""Which release a database is of, asked of the database."""

from __future__ import annotations

from llmlabel.store import schema_state
from llmlabel.store.database import Database


def revision(database: Database) -> str | None:
    """The newest migration it has; None where it has none."""
    with database.read() as connection:
        return schema_state.revision(connection)


def refuse_foreign(database: Database) -> None:
    """See that this release can work with it.

    Raises:
        DatabaseNotOurs: A newer release brought it further, or it is a copy that was not finished.
    """
    with database.read() as connection:
        schema_state.refuse_foreign(connection)
