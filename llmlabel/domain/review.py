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
