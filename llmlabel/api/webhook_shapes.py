"""Webhooks as clients send and get them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, StrictBool

from llmlabel.api.document_shapes import Body
from llmlabel.api.times import Moment
from llmlabel.domain.webhook import EVENT_KINDS, Delivery, EventKind, Webhook
from llmlabel.webhooks.addresses import MAX_URL
from llmlabel.webhooks.send import Outcome

Url = Annotated[str, Field(max_length=MAX_URL, description="https, in the public network.")]
Events = Annotated[
    list[EventKind], Field(min_length=1, max_length=100, description="What it is told of.")
]
Guidelines = Annotated[
    list[Annotated[str, Field(max_length=128)]],
    Field(min_length=1, max_length=100, description="Names or name@version; null: all."),
]
Note = Annotated[str, Field(max_length=2000, description="For people.")]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as exc:
        raise ValueError("no such moment in UTC") from exc


class WebhookIn(Body):
    """An endpoint to be told what happens."""

    url: Url
    events: Events = Field(default=list(EVENT_KINDS))
    guidelines: Guidelines | None = None
    note: Note = ""


class WebhookChangeIn(Body):
    """What changes of an endpoint; what is not sent stays as it is."""

    url: Url | None = None
    events: Events | None = None
    guidelines: Guidelines | None = None
    note: Note | None = None
    enabled: StrictBool | None = Field(
        default=None, description="Enabled again, it is tried at once, and what waited goes on."
    )

    @property
    def all_guidelines(self) -> bool:
        """Whether null was sent for the guidelines, which is not the same as nothing."""
        return "guidelines" in self.model_fields_set and self.guidelines is None


class WebhookAdded(BaseModel):
    """An endpoint and its secret, which is shown here and never again."""

    webhook: Webhook
    secret: str = Field(description="`whsec_` and base64; messages are signed with it.")


class WebhooksOut(BaseModel):
    """Every endpoint, oldest first."""

    webhooks: list[Webhook]


class SecretIn(Body):
    """That a new secret is wanted."""

    keep_hours: float = Field(
        default=24.0,
        strict=True,
        ge=0,
        le=24 * 30,
        description="For so long messages are signed with the former secret as well.",
    )


class TriedOut(BaseModel):
    """What became of one message that was sent at once, as a test."""

    delivered: bool
    status: int | None = Field(description="HTTP status of the answer, if there was one.")
    error: str | None
    seconds: float

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """As it is shown."""
        return cls(
            delivered=outcome.delivered,
            status=outcome.status,
            error=outcome.error,
            seconds=round(outcome.seconds, 3),
        )


class DeliveriesOut(BaseModel):
    """Messages to an endpoint, newest first; `cursor` asks for the next page."""

    deliveries: list[Delivery]
    cursor: str | None


class ReplayIn(Body):
    """Which messages are sent again, under the ids they had."""

    deliveries: Annotated[list[str], Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="These, whatever became of them; null: all with the status."
    )
    status: Literal["dead", "delivered"] = Field(
        default="dead", description="`delivered` for what the endpoint lost."
    )
    since: Annotated[Moment, AfterValidator(_in_utc)] | None = Field(
        default=None, description="Only what happened from then on; UTC without a time zone."
    )


class ReplayedOut(BaseModel):
    """How many messages are sent again."""

    replayed: int
