"""What the store hands out of gold, verdicts, trainings, gates and audits."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import Field, JsonValue

from llmlabel.domain.answer import Answer
from llmlabel.domain.base import Value
from llmlabel.domain.document import Document
from llmlabel.domain.gold import GoldSource, Part, part_of
from llmlabel.domain.label import Label
from llmlabel.domain.review import ReviewKind

TrainingStatus = Literal["running", "done", "failed"]


class GoldImport(Value):
    """What became of gold that was added."""

    added: int = 0
    replaced: int = Field(default=0, description="Of the added, those that changed an answer.")
    known: int = Field(default=0, description="The same text with the same answer was there.")


class VerifiedLabel(Value):
    """A right answer known of a document, wherever it comes from.

    `answer` is None where no right answer exists. `sampled` is the probability with which the
    document was chosen whatever its confidence; None says that doubt chose it, so it is no part
    of a random sample. `proposal` is what the labelers had said, with their opinions; None of
    imported gold.
    """

    document: Document
    guideline: str
    answer: Answer | None
    source: GoldSource
    sampled: float | None
    reviewer: str | None = None
    kind: ReviewKind | None = Field(default=None, description="Of the review.")
    label_id: str | None = Field(default=None, description="Of the proposal.")
    review_id: str | None = None
    proposal: Label | None = None
    created_at: datetime

    @property
    def part(self) -> Part:
        """What it may be used for."""
        return part_of(self.document.text_sha256)


class TrainingRow(Value):
    """A run that learns, without what it learned."""

    id: str
    guideline: str
    guideline_sha256: str
    started_by: str
    status: TrainingStatus
    active: bool
    payload_sha256: str | None = None
    payload_bytes: int | None = None
    report: dict[str, JsonValue] = Field(default_factory=dict)
    error: str | None = None
    created_at: datetime
    ended_at: datetime | None = None


class Gate(Value):
    """Whether answers under a guideline may be accepted at all.

    Gold from before `gold_since` is left out by the next certificate. `audit_rate` is used
    instead of the policy's where it is set.
    """

    open: bool = True
    reason: str = ""
    closed_at: datetime | None = None
    gold_since: datetime | None = None
    audit_rate: float | None = None


class AuditResult(Value):
    """An accepted label that was drawn, or a run of `count` ones that were not.

    In the order of acceptance. A drawn one is `pending` until a person has decided it;
    `answer` is theirs, None where no right answer exists.
    """

    seq: int = Field(description="Number of the label's row, of the last one of a run; grows.")
    count: int = 1
    rate: float = Field(description="With which probability each was drawn.")
    drawn: bool
    pending: bool = False
    proposed: Answer | None = None
    answer: Answer | None = None
    label_id: str | None = None
    document_id: str | None = None
    loss: float | None = Field(
        default=None, description="How wrong it was; kept of a document that was deleted since."
    )
    created_at: datetime


class Day(Value):
    """What the pipeline said on one day (UTC) under one guideline."""

    day: date
    documents: tuple[str, ...] = Field(description="Their ids, in the order of labeling.")
    confidences: tuple[float | None, ...] = Field(description="One per document.")
    labels: dict[str, int] = Field(
        description="How often each label was given; `` where there was no answer."
    )
    accepted: int
