"""Several reviews at once: taking and keeping them, how many wait, what was said of one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from llmlabel.api.document_shapes import Body
from llmlabel.api.review_shapes import ReviewOut, Token
from llmlabel.domain.answer import Answer
from llmlabel.domain.review import (
    Filter,
    PastVerdict,
    QueueName,
    QueueState,
    Renewal,
    ShownKind,
    VerdictKind,
    Waiting,
)
from llmlabel.review import MAX_TAKE


class TakeIn(Body):
    """Which items are wanted, and how many."""

    count: int = Field(
        default=1,
        strict=True,
        ge=1,
        le=MAX_TAKE,
        description="How many to hold in all: with X-Session those that you hold already count, "
        "and come first.",
    )
    guideline: str | None = Field(
        default=None, max_length=100, description="A name or a `name@version`."
    )
    queue: QueueName = Field(
        default="review",
        description="`adjudication`: what panels could not agree on; never one you were in.",
    )
    kind: ShownKind | None = Field(default=None, description="Why they are reviewed.")
    language: str | None = Field(default=None, max_length=32, description="Of the document.")
    order: Literal["priority", "oldest"] = Field(
        default="priority", description="What comes first; `oldest` by age alone."
    )

    @property
    def where(self) -> Filter:
        """The filter that is meant."""
        return Filter(**self.model_dump(exclude={"count"}))


class TakenOut(BaseModel):
    """Items that you hold now; none when nothing waits."""

    reviews: list[ReviewOut]
    waiting: Waiting = Field(
        description="How many such items wait in all. Of a long queue it may be seconds old."
    )


class HeldLease(Body):
    """A lease that you hold."""

    id: str = Field(max_length=64)
    token: Token


class LeasesIn(Body):
    """Leases that you hold."""

    leases: Annotated[list[HeldLease], Field(max_length=200)]

    @property
    def pairs(self) -> list[tuple[str, int]]:
        """Ids with their tokens."""
        return [(each.id, each.token) for each in self.leases]


class RenewedOut(BaseModel):
    """What became of each lease, in the order in which they were sent."""

    leases: list[Renewal]


class ReleasedOut(BaseModel):
    """How many items were given back; what you no longer held is not counted."""

    released: int


class QueueOut(QueueState):
    """What waits under a guideline, of one kind and language."""

    title: str = Field(description="The guideline's.")


class QueuesOut(BaseModel):
    """Everything that waits."""

    queues: list[QueueOut]


class VerdictOut(BaseModel):
    """A verdict of an item's history; what a hidden one said is null."""

    reviewer: str
    kind: VerdictKind
    answer: Answer | None
    comment: str | None
    seconds: float | None
    created_at: datetime
    undone: bool = Field(description="The reviewer took it back.")

    @classmethod
    def of(cls, verdict: PastVerdict, *, hidden: bool) -> Self:
        """A stored verdict as clients get it."""
        fields = verdict.model_dump(exclude={"review_id", "answer", "comment"})
        if hidden:
            return cls(**fields, answer=None, comment=None)
        return cls(**fields, answer=verdict.answer, comment=verdict.comment)


class HistoryOut(BaseModel):
    """Every verdict on an item, skips and those taken back included, oldest first."""

    verdicts: list[VerdictOut]
