"""Work that failed, put back into the queue under a new run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from llmlabel.store.documents import Asked
from llmlabel.store.tables import requests


def anew(table: sa.Table, now: datetime) -> dict[str, Any]:
    """What a row of `requests` or `transcriptions` becomes that is asked for again."""
    return {
        "run": table.c.run + 1,
        "status": "queued",
        "attempts": 0,
        "error_code": None,
        "error": None,
        "updated_at": now,
    }


def ask_anew(
    connection: sa.Connection, now: datetime, *where: sa.ColumnElement[bool]
) -> list[Asked]:
    """Have the requests that fulfil all conditions wait again."""
    rows = connection.execute(
        sa.update(requests)
        .where(*where)
        .values(anew(requests, now))
        .returning(requests.c.document_id, requests.c.guideline, requests.c.run)
    )
    return [Asked(row.document_id, row.guideline, row.run) for row in rows]


def ask_oldest_anew(
    connection: sa.Connection, now: datetime, where: Sequence[sa.ColumnElement[bool]], limit: int
) -> list[Asked]:
    """The same for at most so many, those first that were touched longest ago."""
    chosen = connection.execute(
        sa.select(requests.c.document_id, requests.c.guideline)
        .where(*where)
        .order_by(requests.c.updated_at)
        .limit(limit)
    ).all()
    if not chosen:
        return []
    keys = [(row.document_id, row.guideline) for row in chosen]
    these = sa.tuple_(requests.c.document_id, requests.c.guideline).in_(keys)
    return ask_anew(connection, now, *where, these)
