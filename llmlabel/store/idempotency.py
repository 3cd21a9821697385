"""Idempotency keys: the same request sent twice gets the same answer."""

from __future__ import annotations

import json
from datetime import timedelta

import sqlalchemy as sa

from llmlabel.errors import Conflict, IdempotencyConflict
from llmlabel.store.database import Database
from llmlabel.store.records import StoredResponse
from llmlabel.store.tables import idempotency

# A request that died without an answer no longer blocks its key after this time.
ABANDONED = timedelta(minutes=5)


class Idempotency:
    """The keys of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, key: str, request_sha256: str) -> StoredResponse | None:
        """Take a key for a request, or get the answer that it had before.

        Returns:
            None when the request must be carried out now; then call `complete` or `abandon`.

        Raises:
            IdempotencyConflict: The key was used with another request.
            Conflict: The same request is being carried out at this moment.
        """
        when = self._database.clock()
        row = {"key": key, "request_sha256": request_sha256, "created_at": when}
        with self._database.write() as connection:
            if self._database.insert_new(connection, idempotency, [row], [idempotency.c.key]):
                return None
            stored = connection.execute(
                sa.select(idempotency).where(idempotency.c.key == key).with_for_update()
            ).one()
            if stored.request_sha256 != request_sha256:
                raise IdempotencyConflict(
                    "This Idempotency-Key was sent before with another request; use a new key.",
                    field="Idempotency-Key",
                )
            if stored.status is not None:
                return StoredResponse(
                    status=stored.status, headers=json.loads(stored.headers), body=stored.body
                )
            if stored.created_at > when - ABANDONED:
                raise Conflict(
                    "A request with this Idempotency-Key is being answered; ask again shortly.",
                    field="Idempotency-Key",
                )
            connection.execute(
                sa.update(idempotency).where(idempotency.c.key == key).values(created_at=when)
            )
            return None

    def complete(self, key: str, response: StoredResponse) -> None:
        """Keep the answer to a claimed key."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(idempotency)
                .where(idempotency.c.key == key)
                .values(
                    status=response.status,
                    headers=json.dumps(response.headers),
                    body=response.body,
                )
            )

    def abandon(self, key: str) -> None:
        """Give a claimed key back after a failure, so that the request can be sent again."""
        with self._database.write() as connection:
            connection.execute(
                sa.delete(idempotency).where(
                    idempotency.c.key == key, idempotency.c.status.is_(None)
                )
            )
