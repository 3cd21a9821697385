"""A review: a label that waits for a person, the lease on it, and the verdict."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from llmlabel.domain.answer import Answer
from llmlabel.domain.base import Value

VerdictKind = Literal["confirm", "correct", "reject", "skip"]
ReviewStatus = Literal["open", "done", "withdrawn"]
ReviewKind = Literal["doubt", "audit", "forced", "breach", "relabel", "adjudication", "benchmark"]
QueueName = Literal["review", "adjudication"]
ShownKind = Literal["doubt", "forced", "breach", "relabel", "blind"]


class Lease(Value):
    """The right of one reviewer to decide an item until it expires.

    `token` grows with every lease of the item: a verdict under an old token is refused.
    """

    review_id: str
    reviewer: str
    token: int
    expires_at: datetime


class Verdict(Value):
    """What a reviewer decided. Rows are only ever added.

    `answer` is the verified answer: the proposal for `confirm`, the reviewer's own for
    `correct`, None for `reject` (no right answer exists) and `skip` (back to the queue).
    """

    review_id: str
    reviewer: str
    kind: VerdictKind
    answer: Answer | None = None
    comment: str | None = None
    seconds: float | None = Field(default=None, ge=0, description="Time the reviewer spent.")
    created_at: datetime


class PastVerdict(Verdict):
    """A verdict of an item's history."""

    undone: bool = Field(description="The reviewer took it back.")


class SeatAnswer(Value):
    """What one member of a panel said. `by` is a letter; names are withheld."""

    by: str
    kind: VerdictKind
    answer: Answer | None
    comment: str | None = None


class Filter(Value):
    """Which items a reviewer wants.

    Blind items answer to the kind `blind` only, or to none: any other would tell what they are.
    """

    guideline: str | None = Field(default=None, description="A name or a `name@version`.")
    queue: QueueName = Field(
        default="review",
        description="adjudication: what panels could not agree on; for who sat on none of them.",
    )
    kind: ShownKind | None = Field(default=None, description="Why they are reviewed.")
    language: str | None = Field(default=None, description="Of the document: `en`.")
    order: Literal["priority", "oldest"] = Field(
        default="priority", description="What comes first; `oldest` by age alone."
    )


class Renewal(Value):
    """What became of a lease that was to be renewed: `expires_at`, or why it is over."""

    id: str
    expires_at: datetime | None = None
    code: str | None = Field(default=None, description="`already-reviewed`, `lease-expired`, …")
    detail: str | None = None
    winner: Verdict | None = Field(default=None, description="The verdict that was first.")


class QueueState(Value):
    """How much waits under a guideline, of one kind and language."""

    guideline: str = Field(description="name@version")
    kind: ShownKind | Literal["adjudication"]
    language: str | None
    open: int = Field(description="Undecided, leased ones included.")
    leased: int
    oldest_at: datetime
    median_seconds: float | None = Field(
        description="Of the guideline's newest 200 verdicts that stand; null where none tells."
    )
    seconds_to_clear: float | None = Field(description="Work of one reviewer to clear it.")


class Waiting(Value):
    """How many items wait; leased ones are open too."""

    open: int
    leased: int
