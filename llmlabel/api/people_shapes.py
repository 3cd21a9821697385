"""Reviewers, flags and what is to be labeled again, as clients send and get them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, StrictBool

from llmlabel.api.document_shapes import Body, Ref
from llmlabel.api.times import Moment
from llmlabel.domain.people import Flag, Reviewer, ReviewerScore
from llmlabel.learning.relabel import MOST, Wanted

Share = Annotated[float, Field(ge=0, le=1, strict=True)]


class ClearanceIn(Body):
    """What a reviewer may review from now on."""

    guidelines: Annotated[list[str], Field(max_length=1000)] | None = Field(
        default=None, description="Names, without versions; null: every guideline."
    )
    adjudicates: StrictBool = Field(default=True, description="May decide where a panel disagrees.")
    note: str = Field(default="", max_length=2000, description="For people.")


class ReviewerOut(BaseModel):
    """A reviewer: what they may review, and how they do."""

    name: str
    guidelines: list[str] | None = Field(description="Names; null: every guideline.")
    adjudicates: bool
    note: str
    decided: int = Field(description="Verdicts that stand, skips left out.")
    median_seconds: float | None = Field(description="Of those verdicts.")
    items_per_hour: float | None = Field(description="At the mean time of a verdict.")
    benchmarks: int = Field(description="Hidden gold items that they decided.")
    wrong: float = Field(description="The sum of the losses on them, each from 0 to 1.")
    error: float | None = Field(description="`wrong` per benchmark.")
    error_high: float = Field(description="Its upper bound at 95%; 1 without a benchmark.")

    @classmethod
    def of(cls, reviewer: Reviewer, score: ReviewerScore | None) -> Self:
        """A stored reviewer as clients get it."""
        known = score or ReviewerScore(
            reviewer=reviewer.name,
            decided=0,
            median_seconds=None,
            items_per_hour=None,
            benchmarks=0,
            wrong=0.0,
            error=None,
            error_high=1.0,
        )
        return cls(**reviewer.model_dump(mode="json"), **known.model_dump(exclude={"reviewer"}))


class ReviewersOut(BaseModel):
    """Everybody who was given a clearance, or decided anything, by name."""

    reviewers: list[ReviewerOut]


class FlagIn(Body):
    """A remark on the guideline of an item."""

    comment: str = Field(max_length=10_000, description="What is unclear or wrong.")
    clause: str | None = Field(
        default=None, max_length=100, description="Id of the rule that is meant, such as SENT-4."
    )


class ResolutionIn(Body):
    """What was done about a flag."""

    resolution: str = Field(max_length=10_000)


class FlagsOut(BaseModel):
    """Flags, newest first."""

    flags: list[Flag]


class RelabelIn(Body):
    """Labels that people are to look at again: those for which everything said here is true.

    Labels that wait for a person already are left out. A moment without a time zone is in UTC.
    """

    guideline: Ref
    label: str | None = Field(
        default=None,
        max_length=1000,
        description="It is the answer, or the label of a span or token of it.",
    )
    confidence_below: Share | None = None
    confidence_above: Share | None = Field(default=None, description="As sure, or surer.")
    since: Moment | None = Field(default=None, description="Labeled or decided from then on.")
    until: Moment | None = Field(default=None, description="Labeled or decided before then.")
    verified: StrictBool | None = Field(default=None, description="Decided by a person, or not.")
    suspected_errors: StrictBool = Field(
        default=False,
        description="Only verified labels that all the others make improbable; worst first.",
    )
    limit: int = Field(default=1000, ge=1, le=MOST, strict=True, description="Oldest first.")
    dry_run: StrictBool = Field(default=False, description="Only count them.")
    reason: str | None = Field(
        default=None, max_length=1000, description="Reviewers read it; made up without one."
    )

    @property
    def wanted(self) -> Wanted:
        """Which labels."""
        return Wanted.model_validate(self.model_dump(exclude={"guideline", "dry_run", "reason"}))
