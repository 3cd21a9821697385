"""Add, change, rotate, test and remove endpoints."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from llmlabel.domain.guideline import Guideline
from llmlabel.domain.webhook import EVENT_KINDS, EventKind, Message, Webhook
from llmlabel.errors import InvalidInput
from llmlabel.store import Store
from llmlabel.webhooks.addresses import checked_url
from llmlabel.webhooks.signature import new_secret

if TYPE_CHECKING:
    from llmlabel.webhooks.send import Outcome, Sender

TEST_KIND = "webhook.test"
KEEP_OLD_SECRET = timedelta(hours=24)


class Endpoints:
    """The use cases of endpoints.

    Args:
        store: Gives the store; asked for when it is needed.
        guideline: Finds a guideline by name or reference.
        sender: Makes a new sender.
        private: Whether http and addresses of the own network are allowed.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        guideline: Callable[[str], Guideline],
        sender: Callable[[], Sender],
        *,
        private: bool = False,
    ) -> None:
        self._store = store
        self._guideline = guideline
        self._sender = sender
        self._private = private

    def add(
        self,
        url: str,
        *,
        events: Sequence[EventKind] = EVENT_KINDS,
        guidelines: Sequence[str] | None = None,
        note: str = "",
    ) -> tuple[Webhook, str]:
        """Keep an endpoint; returns it with its secret, which is shown here and never again.

        Raises:
            InvalidInput: The URL cannot be used, or lies in a private network.
            UnknownGuideline: There is no such guideline.
            Conflict: There are too many endpoints.
        """
        secret = new_secret()
        webhook = self._store().webhooks.add(
            url=checked_url(url, private=self._private),
            secret=secret,
            events=_once(events),
            guidelines=self._known(guidelines),
            note=note,
        )
        return webhook, secret

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
        """Change what is given; see `store.Webhooks.change`.

        Raises:
            NotFound: There is no such endpoint.
            InvalidInput, UnknownGuideline: As `add`.
        """
        return self._store().webhooks.change(
            id,
            url=None if url is None else checked_url(url, private=self._private),
            events=None if events is None else _once(events),
            guidelines=self._known(guidelines),
            all_guidelines=all_guidelines,
            note=note,
            enabled=enabled,
        )

    def rotate(self, id: str, keep: timedelta = KEEP_OLD_SECRET) -> tuple[Webhook, str]:
        """Give an endpoint a new secret; for a while messages are signed with both.

        Raises:
            NotFound: There is no such endpoint.
        """
        secret = new_secret()
        return self._store().webhooks.rotate(id, secret, keep), secret

    async def test(self, id: str) -> Outcome:
        """Send a message of kind `webhook.test` now, once, also to a disabled endpoint.

        Raises:
            NotFound: There is no such endpoint.
        """
        webhooks = self._store().webhooks
        webhook = await asyncio.to_thread(webhooks.get, id)
        secrets = await asyncio.to_thread(webhooks.secrets, id)
        sender = self._sender()
        try:
            return await sender.send(
                Message(
                    id=f"msg_{uuid.uuid4().hex}",
                    webhook_id=id,
                    url=webhook.url,
                    secrets=secrets,
                    kind=TEST_KIND,
                    happened_at=datetime.now(UTC),
                    data={"webhook_id": id},
                )
            )
        finally:
            await sender.close()

    def _known(self, guidelines: Sequence[str] | None) -> list[str] | None:
        if guidelines is None:
            return None
        if not guidelines:
            raise InvalidInput(
                "An empty list of guidelines would tell the webhook nothing; leave it out for all.",
                field="guidelines",
            )
        for name in guidelines:
            self._guideline(name)
        return list(dict.fromkeys(guidelines))


def _once(events: Sequence[EventKind]) -> list[EventKind]:
    if not events:
        raise InvalidInput(f"Name at least one event of: {', '.join(EVENT_KINDS)}.", field="events")
    return list(dict.fromkeys(events))
