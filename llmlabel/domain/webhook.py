"""Webhooks: endpoints that are told what happens, and the messages to them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from pydantic import Field, JsonValue

from llmlabel.domain.base import Value

EventKind = Literal[
    "document.labeled",
    "review.needed",
    "review.verified",
    "batch.done",
    "gate.closed",
    "gate.opened",
]
"""What an endpoint can be told."""

EVENT_KINDS: tuple[EventKind, ...] = get_args(EventKind)

DeliveryStatus = Literal["waiting", "delivered", "dead"]
"""Of a message: still to be sent or tried again, received, or given up."""


class Webhook(Value):
    """An endpoint, without its secrets.

    While it is not `enabled` nothing is sent to it and nothing new is kept for it.
    """

    id: str
    url: str
    events: tuple[EventKind, ...] = Field(description="What it is told of.")
    guidelines: tuple[str, ...] | None = Field(
        default=None, description="Names or name@version of those it is told of; None: all."
    )
    note: str = Field(default="", description="For people.")
    enabled: bool = True
    disabled_reason: str = Field(default="", description="Why, where it was not a person.")
    failures: int = Field(default=0, description="Attempts in a row that failed.")
    rests_until: datetime | None = Field(
        default=None, description="After failures in a row nothing is tried before."
    )
    old_secret_until: datetime | None = Field(
        default=None, description="Until then messages are signed with the former secret as well."
    )
    created_at: datetime

    def wants(self, kind: str, guideline: str | None) -> bool:
        """Whether it is told of an event under a guideline (`name@version`).

        What is of no guideline is told to all who ask for its kind.
        """
        if kind not in self.events:
            return False
        if self.guidelines is None or guideline is None:
            return True
        return guideline in self.guidelines or guideline.partition("@")[0] in self.guidelines


class Notice(Value):
    """What happened, before it is known who is told.

    `path` leads to more about it, within this service.
    """

    kind: EventKind
    guideline: str | None = Field(default=None, description="name@version")
    document_id: str | None = None
    path: str
    data: dict[str, JsonValue] = Field(default_factory=dict)


class Message(Value):
    """One event for one endpoint, ready to be sent: `id` is the same at every attempt."""

    id: str
    webhook_id: str
    url: str
    secrets: tuple[str, ...] = Field(description="Newest first.", repr=False)
    kind: str
    happened_at: datetime
    path: str | None = None
    data: dict[str, JsonValue]
    attempts: int = Field(default=0, description="Made before this one.")
    claim: str = Field(default="", description="Who took it up last may settle it.")


class Delivery(Value):
    """A message to an endpoint and what became of it."""

    id: str = Field(description="The webhook-id that the endpoint sees.")
    kind: str
    guideline: str | None
    document_id: str | None
    status: DeliveryStatus
    attempts: int
    last_status: int | None = Field(default=None, description="HTTP status of the last answer.")
    last_error: str | None = None
    next_attempt_at: datetime | None = Field(default=None, description="While it waits.")
    created_at: datetime
    settled_at: datetime | None = None
