"""What was deleted leaves the files of the database as well."""

from __future__ import annotations

import time

import sqlalchemy as sa
import structlog

from llmlabel.store.database import Database
from llmlabel.store.tables import metadata

_TRIES, _PAUSE = 20, 0.25

log = structlog.get_logger()


def compact(database: Database) -> bool:
    """Rewrite the database without what was deleted; returns whether that was done.

    On SQLite the file is written anew and the write-ahead log is emptied: nothing that was
    deleted is left in either. It needs as much room again as the file has, and holds writers up
    meanwhile. On PostgreSQL dead rows are cleared away; their bytes may stay in the pages until
    they are written over, or until `VACUUM FULL`.
    """
    try:
        with database.maintenance() as connection:
            if not database.is_sqlite:
                names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
                connection.execute(sa.text(f"VACUUM {names}"))
                return True
            connection.execute(sa.text("VACUUM"))
            return _emptied(connection)
    except sa.exc.DBAPIError as error:
        # The rows are gone all the same; what is left of them goes with the next one.
        log.warning("database not compacted", why=type(error.orig).__name__)
        return False


def _emptied(connection: sa.Connection) -> bool:
    """Empty SQLite's write-ahead log; a reader may be in the way for a moment."""
    for _ in range(_TRIES):
        busy = connection.execute(sa.text("PRAGMA wal_checkpoint(TRUNCATE)")).scalar()
        if not busy:
            return True
        time.sleep(_PAUSE)
    return False
