"""Who works on a database now."""

from __future__ import annotations

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.tables import workers


def seconds_silent(database: Database) -> dict[str, float]:
    """Seconds since the last sign of life of each process that takes jobs."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table(workers.name):
            return {}
        rows = connection.execute(sa.select(workers.c.id, workers.c.seen_at)).all()
    when = database.clock()
    return {row.id: (when - row.seen_at).total_seconds() for row in rows}
