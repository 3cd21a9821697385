"""A label: the answer the system gives of one document under one guideline version."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from llmlabel.domain.answer import Answer
from llmlabel.domain.base import Value
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.prediction import Prediction, Unit
from llmlabel.domain.promise import Promise


class Route(StrEnum):
    """Where an answer goes: out to the client, or to a reviewer first."""

    ACCEPTED = "accepted"
    REVIEW = "review"


class Label(Value):
    """One answer with its confidence, route and makers.

    `answer` is None only when no labeler gave one; the route is then `review`.
    `opinions` are the labelers' predictions it was combined from, failures included.
    `promise` and `certificate` name what the routing rests on; None where it is a bare threshold.
    `audit_rate`, `drawn` and `forced` say how the document came to be looked at by a person, or
    not, whatever its confidence: they make verdicts a random sample, and reviewers never see them.
    Nor do they see `reviewers`.
    """

    document_id: str
    text_sha256: str
    guideline: str = Field(description="name@version")
    guideline_sha256: str
    answer: Answer | None
    confidence: Confidence | None
    route: Route
    reason: str = Field(description="Why it took this route, in words.")
    threshold: float
    promise: Promise | None = None
    certificate: str | None = None
    audit_rate: float = Field(
        default=0.0, ge=0, le=1, description="With which probability the document was drawn."
    )
    drawn: bool = Field(default=False, description="It was drawn for an audit.")
    forced: bool = Field(
        default=False, description="Every document went to review at the time, doubtful or not."
    )
    reviewers: int = Field(
        default=1, ge=1, description="How many people decide it, if it is reviewed at all."
    )
    scores: dict[str, float] = Field(
        default_factory=dict,
        description="Of a choice: the probabilities of its most probable labels, best first.",
    )
    units: tuple[Unit, ...] = ()
    opinions: tuple[Prediction, ...] = ()
    verified: bool = Field(default=False, description="A person confirmed or corrected it.")
    created_at: datetime
