"""Numbers of what is stored."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import sqlalchemy as sa

from llmlabel.store.records import Counts, RequestStatus
from llmlabel.store.tables import documents, labels, requests, reviews, transcriptions


def count(connection: sa.Connection, when: datetime) -> Counts:
    """Count everything; `when` tells which leases still hold."""
    by_route = {
        (row.route, row.verified): row.n
        for row in connection.execute(
            sa.select(labels.c.route, labels.c.verified, sa.func.count().label("n")).group_by(
                labels.c.route, labels.c.verified
            )
        )
    }
    leased = sa.and_(reviews.c.status == "open", reviews.c.lease_expires_at > when)
    queue = connection.execute(
        sa.select(
            sa.func.count().filter(reviews.c.status == "open").label("open"),
            sa.func.count().filter(leased).label("leased"),
            sa.func.count().filter(reviews.c.status == "done", reviews.c.settles).label("done"),
            sa.func.min(reviews.c.created_at).filter(reviews.c.status == "open").label("oldest"),
        )
    ).one()
    return Counts(
        documents=connection.execute(
            sa.select(sa.func.count()).select_from(documents)
        ).scalar_one(),
        requests=_by_status(connection, requests),
        transcriptions=_by_status(connection, transcriptions),
        labels_accepted=by_route.get(("accepted", False), 0),
        labels_review=by_route.get(("review", False), 0),
        labels_verified=sum(n for (_, verified), n in by_route.items() if verified),
        reviews_open=queue.open,
        reviews_leased=queue.leased,
        reviews_done=queue.done,
        oldest_review_at=queue.oldest,
    )


def _by_status(connection: sa.Connection, table: sa.Table) -> dict[RequestStatus, int]:
    found = connection.execute(
        sa.select(table.c.status, sa.func.count().label("n")).group_by(table.c.status)
    )
    counts: dict[RequestStatus, int] = {"queued": 0, "done": 0, "failed": 0}
    for row in found:
        counts[cast(RequestStatus, row.status)] = row.n
    return counts
