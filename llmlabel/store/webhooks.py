"""Endpoints that are told what happens."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.webhook import EventKind, Webhook
from llmlabel.errors import Conflict, NotFound
from llmlabel.store.database import Database
from llmlabel.store.events import Events
from llmlabel.store.outbox import webhook_of
from llmlabel.store.webhook_tables import deliveries, webhooks

MOST = 100
"""Endpoints at most: each has messages under way of its own."""


class Webhooks:
    """The endpoints of one database."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def add(
        self,
        *,
        url: str,
        secret: str,
        events: Sequence[EventKind],
        guidelines: Sequence[str] | None = None,
        note: str = "",
    ) -> Webhook:
        """Keep an endpoint; it is told what happens from now on.

        Raises:
            Conflict: There are too many.
        """
        id = f"wh_{uuid.uuid4().hex}"
        with self._database.write() as connection:
            self._database.exclusive(connection, "webhooks")
            if connection.execute(sa.select(sa.func.count(webhooks.c.id))).scalar_one() >= MOST:
                raise Conflict(f"There are {MOST} webhooks already; remove one first.")
            row = connection.execute(
                sa.insert(webhooks)
                .values(
                    id=id,
                    url=url,
                    events=json.dumps(list(events)),
                    guidelines=None if guidelines is None else json.dumps(list(guidelines)),
                    note=note,
                    secret=secret,
                    enabled=True,
                    disabled_reason="",
                    failures=0,
                    created_at=self._database.clock(),
                )
                .returning(webhooks)
            ).one()
            self._events.append_with(connection, "webhook.added", id, {"url": url})
        return webhook_of(row)

    def get(self, id: str) -> Webhook:
        """One endpoint.

        Raises:
            NotFound: There is none of that id.
        """
        with self._database.read() as connection:
            return webhook_of(_row(connection, id))

    def list(self) -> Sequence[Webhook]:
        """Every endpoint, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(webhooks).order_by(webhooks.c.seq))
            return [webhook_of(row) for row in rows]

    def secrets(self, id: str) -> tuple[str, ...]:
        """What its messages are signed with now, newest first.

        Raises:
            NotFound: There is none of that id.
        """
        with self._database.read() as connection:
            return secrets_of(_row(connection, id), self._database)

    def change(
        self,
        id: str,
        *,
        url: str | None = None,
        events: Sequence[EventKind] | None = None,
        guidelines: Sequence[str] | None = None,
        all_guidelines: bool = False,
        note: str | None = None,
        enabled: bool | None = None,
    ) -> Webhook:
        """Change what is given; None leaves things as they are.

        Args:
            id: Of the endpoint.
            url: Where messages go from now on, also those that wait.
            events: What it is told of.
            guidelines: Of which it is told.
            all_guidelines: It is told of all; instead of `guidelines`.
            note: For people.
            enabled: Enabled again, it is tried at once and what waited goes on.

        Raises:
            NotFound: There is none of that id.
        """
        values: dict[str, Any] = {}
        if url is not None:
            values |= {"url": url, "rests_until": None}
        if events is not None:
            values["events"] = json.dumps(list(events))
        if guidelines is not None or all_guidelines:
            values["guidelines"] = None if all_guidelines else json.dumps(list(guidelines or ()))
        if note is not None:
            values["note"] = note
        if enabled is not None:
            values |= {"enabled": enabled, "disabled_reason": ""}
        if enabled:
            values |= {"failures": 0, "failing_since": None, "rests_until": None}
        with self._database.write() as connection:
            if values:
                connection.execute(sa.update(webhooks).where(webhooks.c.id == id).values(**values))
            row = _row(connection, id)
            about = webhook_of(row).model_dump(mode="json", include={"url", "enabled", "events"})
            self._events.append_with(connection, "webhook.changed", id, about)
        return webhook_of(row)

    def rotate(self, id: str, secret: str, keep: timedelta) -> Webhook:
        """Sign with a new secret, and for a while with the former one as well.

        Raises:
            NotFound: There is none of that id.
        """
        until = self._database.clock() + keep
        with self._database.write() as connection:
            former = _row(connection, id).secret
            row = connection.execute(
                sa.update(webhooks)
                .where(webhooks.c.id == id)
                .values(secret=secret, old_secret=former, old_secret_until=until)
                .returning(webhooks)
            ).one()
            self._events.append_with(connection, "webhook.rotated", id)
        return webhook_of(row)

    def remove(self, id: str) -> None:
        """Forget an endpoint with all its messages, those that wait included.

        Raises:
            NotFound: There is none of that id.
        """
        with self._database.write() as connection:
            url = _row(connection, id).url
            # In the order in which senders lock them.
            connection.execute(sa.delete(deliveries).where(deliveries.c.webhook_id == id))
            connection.execute(sa.delete(webhooks).where(webhooks.c.id == id))
            self._events.append_with(connection, "webhook.removed", id, {"url": url})


def secrets_of(row: sa.Row[Any], database: Database) -> tuple[str, ...]:
    """The secrets of a row of `webhooks` that count now, newest first."""
    if row.old_secret is None or row.old_secret_until <= database.clock():
        return (row.secret,)
    return (row.secret, row.old_secret)


def _row(connection: sa.Connection, id: str) -> sa.Row[Any]:
    row = connection.execute(sa.select(webhooks).where(webhooks.c.id == id)).one_or_none()
    if row is None:
        raise NotFound(
            f"There is no webhook `{id[:80]}`; `llmlabel webhooks list` and GET /v1/webhooks name "
            "those there are.",
            field="id",
        )
    return row
