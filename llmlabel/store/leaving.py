"""What the default project's database holds of another project, and loses when that goes."""

from __future__ import annotations

import sqlalchemy as sa

from llmlabel.store.access_tables import access_keys, access_log, access_sessions
from llmlabel.store.database import Database
from llmlabel.store.provider_tables import spending


def forget_project(service: Database, project: str, scope: str) -> None:
    """End the keys of a project, and delete its sessions, log and counters of money.

    Keys stay as rows, so that it is known that there were some.

    Args:
        service: The default project's database.
        project: Another than the default one.
        scope: Under which its money was counted.
    """
    keys = sa.select(access_keys.c.id).where(access_keys.c.project == project)
    with service.write() as connection:
        connection.execute(sa.delete(access_sessions).where(access_sessions.c.key_id.in_(keys)))
        connection.execute(
            sa.update(access_keys)
            .where(access_keys.c.project == project, access_keys.c.revoked_at.is_(None))
            .values(revoked_at=service.clock())
        )
        connection.execute(sa.delete(access_log).where(access_log.c.project == project))
        connection.execute(sa.delete(spending).where(spending.c.scope == scope))
