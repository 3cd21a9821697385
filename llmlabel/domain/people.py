"""Reviewers: what they may review, how they do on hidden gold, what they say of a guideline."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from llmlabel.domain.base import Value


class Reviewer(Value):
    """A reviewer's clearance. Whoever was given none may review and adjudicate everything."""

    name: str
    guidelines: tuple[str, ...] | None = Field(
        default=None, description="Names of those they may review; None: all of them."
    )
    adjudicates: bool = Field(default=True, description="May decide where a panel disagrees.")
    note: str = Field(default="", description="For people.")

    def may_review(self, guideline: str) -> bool:
        """Whether they are cleared for a guideline: a name or a `name@version`."""
        return self.guidelines is None or guideline.partition("@")[0] in self.guidelines


class ReviewerScore(Value):
    """What a reviewer decided, how fast, and how often wrongly where the answer is known.

    Attributes:
        reviewer: The name.
        decided: Verdicts that stand, skips left out.
        median_seconds: Of those verdicts; None where no time was sent.
        items_per_hour: At the mean of those times, none of them counted for more than five
            minutes, after which somebody is away.
        benchmarks: Hidden gold items that they decided.
        wrong: The sum of the losses on them, each from 0 to 1: for right or wrong answers, how
            many were wrong.
        error: `wrong` per benchmark; None without one.
        error_high: Its upper bound at 95%; 1 without a benchmark.
    """

    reviewer: str
    decided: int
    median_seconds: float | None
    items_per_hour: float | None
    benchmarks: int
    wrong: float
    error: float | None
    error_high: float


class Flag(Value):
    """A reviewer's remark on a guideline, made over one item; evaluators answer it.

    It is open until `resolution` says what was done about it.
    """

    id: str
    review_id: str
    document_id: str
    guideline: str = Field(description="name@version")
    clause: str | None = Field(default=None, description="The rule that is in doubt, if one is.")
    reviewer: str
    comment: str
    created_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolution: str | None = None

    @property
    def open(self) -> bool:
        """Whether nobody has answered it yet."""
        return self.resolved_at is None
