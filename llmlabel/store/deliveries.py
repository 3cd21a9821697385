"""Messages to endpoints: taken up one sender at a time, settled, listed, sent again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.webhook import Delivery, DeliveryStatus, Message
from llmlabel.errors import Conflict
from llmlabel.store.cursors import cursor_of, seq_of
from llmlabel.store.database import Database, batches
from llmlabel.store.events import Events
from llmlabel.store.webhook_tables import deliveries, webhooks
from llmlabel.store.webhooks import secrets_of

GIVE_UP_AFTER = timedelta(days=5)
GIVE_UP_FAILURES = 20
"""An endpoint is disabled that failed so long and so often without one success.

Either alone could be a clock that was moved, or a minute in which it was down.
"""

KEEP_DELIVERED = timedelta(days=7)
KEEP_DEAD = timedelta(days=30)
PRUNED_AT_ONCE = 1000


class Waiting(NamedTuple):
    """What is still to be sent to enabled endpoints, and what was given up."""

    waiting: int
    oldest: datetime | None
    dead: int


class Deliveries:
    """The messages of one database."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    def due(self) -> list[str]:
        """Ids of the endpoints that something can be sent to now."""
        when = self._database.clock()
        some = sa.exists().where(
            deliveries.c.webhook_id == webhooks.c.id,
            deliveries.c.status == "waiting",
            deliveries.c.due_at <= when,
        )
        query = sa.select(webhooks.c.id).where(_is_awake(when), some)
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(webhooks.c.seq)).scalars())

    def take_up(self, room: Mapping[str, int], seconds: float) -> list[Message]:
        """Take up messages, those due longest first, so that nobody else sends them meanwhile.

        Args:
            room: How many at most, by endpoint.
            seconds: Afterwards they are due again, unless they were settled.
        """
        when, claim = self._database.clock(), uuid.uuid4().hex
        found: list[Message] = []
        with self._database.write() as connection:
            for id, most in sorted(room.items()):
                endpoint = connection.execute(
                    sa.select(webhooks).where(webhooks.c.id == id, _is_awake(when))
                ).one_or_none()
                if endpoint is None:
                    continue
                rows = connection.execute(
                    sa.select(deliveries)
                    .where(
                        deliveries.c.webhook_id == id,
                        deliveries.c.status == "waiting",
                        deliveries.c.due_at <= when,
                    )
                    .order_by(deliveries.c.due_at, deliveries.c.seq)
                    .limit(most)
                    .with_for_update(skip_locked=True)
                ).all()
                known = secrets_of(endpoint, self._database)
                found += [_message_of(row, endpoint.url, known, claim) for row in rows]
            for some in batches([message.id for message in found]):
                connection.execute(
                    sa.update(deliveries)
                    .where(deliveries.c.id.in_(some))
                    .values(due_at=when + timedelta(seconds=seconds), claim=claim)
                )
        return found

    def hand_back(self, messages: Sequence[Message]) -> None:
        """Have messages sent by somebody else at once: their sender stops."""
        with self._database.write() as connection:
            for message in messages:
                connection.execute(
                    sa.update(deliveries)
                    .where(_is_ours(message))
                    .values(due_at=self._database.clock(), claim="")
                )

    def delivered(self, message: Message, status: int) -> None:
        """An endpoint received a message: it is sent no more, whoever else holds it."""
        with self._database.write() as connection:
            connection.execute(
                sa.update(deliveries)
                .where(deliveries.c.id == message.id, deliveries.c.status != "delivered")
                .values(
                    status="delivered",
                    attempts=message.attempts + 1,
                    last_status=status,
                    last_error=None,
                    settled_at=self._database.clock(),
                )
            )
            connection.execute(
                sa.update(webhooks)
                .where(webhooks.c.id == message.webhook_id, webhooks.c.failures > 0)
                .values(failures=0, failing_since=None, rests_until=None)
            )

    def failed(
        self,
        message: Message,
        error: str,
        *,
        status: int | None = None,
        wait: float | None,
        rest: float = 0.0,
    ) -> bool:
        """An attempt failed: the message waits, or is dead.

        Args:
            message: As it was taken up; where somebody else took it up since, theirs counts.
            error: Why, as a sentence.
            status: HTTP status of the answer, if there was one.
            wait: Seconds until the next attempt; None gives the message up.
            rest: Seconds for which nothing at all is sent to the endpoint.

        Returns:
            Whether the endpoint failed for so long that it was disabled now.
        """
        when = self._database.clock()
        over: dict[str, Any] = {"status": "dead", "settled_at": when}
        if wait is not None:
            over = {"due_at": when + timedelta(seconds=wait), "claim": ""}
        with self._database.write() as connection:
            connection.execute(
                sa.update(deliveries)
                .where(_is_ours(message))
                .values(attempts=message.attempts + 1, last_status=status, last_error=error, **over)
            )
            row = connection.execute(
                sa.update(webhooks)
                .where(webhooks.c.id == message.webhook_id)
                .values(
                    failures=webhooks.c.failures + 1,
                    failing_since=sa.func.coalesce(webhooks.c.failing_since, when),
                )
                .returning(webhooks)
            ).one_or_none()
            if row is None:
                return False
            until = when + timedelta(seconds=rest)
            if rest > 0 and (row.rests_until is None or row.rests_until < until):
                connection.execute(
                    sa.update(webhooks)
                    .where(webhooks.c.id == message.webhook_id)
                    .values(rests_until=until)
                )
            long = when - row.failing_since >= GIVE_UP_AFTER
            if row.enabled and long and row.failures >= GIVE_UP_FAILURES:
                reason = f"Every attempt failed for {GIVE_UP_AFTER.days} days; the last: {error}"
                self._disable(connection, message.webhook_id, reason)
                return True
        return False

    def disable(self, webhook_id: str, reason: str) -> None:
        """Send nothing more to an endpoint; what waits for it stays until it is enabled again."""
        with self._database.write() as connection:
            self._disable(connection, webhook_id, reason)

    def failures(self, webhook_id: str) -> int:
        """Attempts at an endpoint that failed in a row."""
        query = sa.select(webhooks.c.failures).where(webhooks.c.id == webhook_id)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar() or 0)

    def page(
        self,
        webhook_id: str,
        *,
        status: DeliveryStatus | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[Delivery], str | None]:
        """Messages to an endpoint, newest first, and the cursor of the next page.

        Raises:
            InvalidInput: The cursor is none.
        """
        query = sa.select(deliveries).where(deliveries.c.webhook_id == webhook_id)
        if status is not None:
            query = query.where(deliveries.c.status == status)
        if cursor is not None:
            query = query.where(deliveries.c.seq < seq_of(cursor))
        query = query.order_by(deliveries.c.seq.desc()).limit(limit + 1)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        more = cursor_of(rows[limit - 1].seq) if len(rows) > limit else None
        return [_delivery_of(row) for row in rows[:limit]], more

    def replay(
        self,
        webhook_id: str,
        *,
        ids: Sequence[str] | None = None,
        status: DeliveryStatus = "dead",
        since: datetime | None = None,
    ) -> int:
        """Send messages again, under the ids they had; returns how many.

        Args:
            webhook_id: The endpoint.
            ids: These, whatever their status; None: all with `status`.
            status: `dead`, or `delivered` for what the endpoint lost.
            since: Only what happened from then on.

        Raises:
            Conflict: The endpoint is disabled: they would wait unseen.
        """
        when = self._database.clock()
        again = (
            sa.update(deliveries)
            .where(deliveries.c.webhook_id == webhook_id)
            .values(status="waiting", attempts=0, due_at=when, claim="", settled_at=None)
        )
        if since is not None:
            again = again.where(deliveries.c.created_at >= since)
        with self._database.write() as connection:
            enabled = sa.select(webhooks.c.enabled).where(webhooks.c.id == webhook_id)
            if not connection.execute(enabled).scalar():
                raise Conflict(
                    "The webhook is disabled; enable it first, then what waits for it goes on.",
                    field="id",
                )
            if ids is None:
                return int(connection.execute(again.where(deliveries.c.status == status)).rowcount)
            return sum(
                int(connection.execute(again.where(deliveries.c.id.in_(some))).rowcount)
                for some in batches(sorted(set(ids)))
            )

    def counts(self) -> Waiting:
        """Numbers for those who watch the service."""
        enabled = sa.select(webhooks.c.id).where(webhooks.c.enabled)
        waiting = sa.select(sa.func.count(), sa.func.min(deliveries.c.created_at)).where(
            deliveries.c.status == "waiting", deliveries.c.webhook_id.in_(enabled)
        )
        dead = sa.select(sa.func.count()).where(deliveries.c.status == "dead")
        with self._database.read() as connection:
            n, oldest = connection.execute(waiting).one()
            return Waiting(n, oldest, connection.execute(dead).scalar_one())

    def prune(self) -> int:
        """Delete some messages that nobody will ask for; returns how many."""
        when = self._database.clock()
        known = sa.select(webhooks.c.id)
        enabled = known.where(webhooks.c.enabled)
        long_ago = deliveries.c.created_at < when - KEEP_DEAD
        old = sa.or_(
            sa.and_(
                deliveries.c.status == "delivered", deliveries.c.created_at < when - KEEP_DELIVERED
            ),
            sa.and_(deliveries.c.status == "dead", long_ago),
            sa.and_(deliveries.c.webhook_id.not_in(enabled), long_ago),
            deliveries.c.webhook_id.not_in(known),
        )
        query = sa.select(deliveries.c.seq).where(old).limit(PRUNED_AT_ONCE)
        with self._database.read() as connection:
            found = list(connection.execute(query).scalars())
        if found:
            with self._database.write() as connection:
                connection.execute(sa.delete(deliveries).where(deliveries.c.seq.in_(found)))
        return len(found)

    def _disable(self, connection: sa.Connection, id: str, reason: str) -> None:
        changed = connection.execute(
            sa.update(webhooks)
            .where(webhooks.c.id == id, webhooks.c.enabled)
            .values(enabled=False, disabled_reason=reason)
        )
        if changed.rowcount:
            self._events.append_with(connection, "webhook.disabled", id, {"reason": reason})


def _is_awake(when: datetime) -> sa.ColumnElement[bool]:
    rested = sa.or_(webhooks.c.rests_until.is_(None), webhooks.c.rests_until <= when)
    return sa.and_(webhooks.c.enabled, rested)


def _is_ours(message: Message) -> sa.ColumnElement[bool]:
    return sa.and_(
        deliveries.c.id == message.id,
        deliveries.c.claim == message.claim,
        deliveries.c.status == "waiting",
    )


def _message_of(row: sa.Row[Any], url: str, secrets: tuple[str, ...], claim: str) -> Message:
    return Message(
        id=row.id,
        webhook_id=row.webhook_id,
        url=url,
        secrets=secrets,
        kind=row.kind,
        happened_at=row.created_at,
        path=row.path,
        data=json.loads(row.payload),
        attempts=row.attempts,
        claim=claim,
    )


def _delivery_of(row: sa.Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        kind=row.kind,
        guideline=row.guideline,
        document_id=row.document_id,
        status=row.status,
        attempts=row.attempts,
        last_status=row.last_status,
        last_error=row.last_error,
        next_attempt_at=row.due_at if row.status == "waiting" else None,
        created_at=row.created_at,
        settled_at=row.settled_at,
    )
