"""Who works on a database now."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.tables import workers
from llmlabel.store.work import LONG_AGO


def signs_of_life(database: Database) -> dict[str, datetime]:
    """The last one of each process that takes jobs and did not stop in order, by its own clock."""
    with database.read() as connection:
        if not sa.inspect(connection).has_table(workers.name):
            return {}
        query = sa.select(workers.c.id, workers.c.seen_at).where(workers.c.seen_at > LONG_AGO)
        return {row.id: row.seen_at for row in connection.execute(query)}
