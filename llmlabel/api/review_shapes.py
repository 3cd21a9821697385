"""Reviews as reviewers get them, and verdicts as they send them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, JsonValue

from llmlabel.api.document_shapes import Body, LabelOut
from llmlabel.api.guideline_shapes import GuidelineForReview
from llmlabel.domain.answer import Answer
from llmlabel.domain.document import Transcript
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.review import Lease, ReviewStatus, Verdict, VerdictKind
from llmlabel.store import Counts, Recording, ReviewItem, ReviewPage

Token = Annotated[int, Field(ge=0, description="`lease.token`, as the item came with it.")]


class VerdictIn(Body):
    """A reviewer's decision."""

    token: Token
    kind: VerdictKind = Field(
        description="`confirm` the proposal, `correct` it, `reject` (there is no right answer), "
        "or `skip` (someone else should decide)."
    )
    answer: Answer | None = Field(default=None, description="The right answer; for `correct`.")
    comment: str | None = Field(default=None, max_length=10_000)
    seconds: float | None = Field(
        default=None, ge=0, le=86_400, allow_inf_nan=False, description="Time spent."
    )


class LeaseIn(Body):
    """The lease that is meant."""

    token: Token


class ReviewedDocument(BaseModel):
    """What the reviewer reads or hears."""

    id: str
    text: str
    text_sha256: str
    language: str | None
    metadata: dict[str, JsonValue]
    recording: Recording | None
    transcript: Transcript | None = Field(description="Says when each word was spoken.")


class ReviewSummary(BaseModel):
    """An item of the queue, in short."""

    id: str
    status: ReviewStatus
    document_id: str
    guideline: str
    reason: str = Field(description="Why a person should look at it.")
    priority: float
    lease: Lease | None
    verdict: Verdict | None
    created_at: datetime

    @classmethod
    def of(cls, item: ReviewItem) -> Self:
        """A stored item as clients get it."""
        return cls(
            id=item.id,
            status=item.status,
            document_id=item.document.id,
            guideline=item.guideline,
            reason=item.reason,
            priority=item.priority,
            lease=_lease(item),
            verdict=item.verdict,
            created_at=item.created_at,
        )


class ReviewOut(BaseModel):
    """An item with everything needed to decide it."""

    id: str
    status: ReviewStatus
    reason: str = Field(description="Why a person should look at it.")
    document: ReviewedDocument
    proposal: LabelOut = Field(description="The proposed answer, its confidence and its units.")
    opinions: list[Prediction] = Field(description="What each labeler said, failures included.")
    guideline: GuidelineForReview
    lease: Lease | None
    verdict: Verdict | None
    created_at: datetime

    @classmethod
    def of(cls, item: ReviewItem, guideline: Guideline) -> Self:
        """A stored item and its guideline as clients get it."""
        document = item.document
        return cls(
            id=item.id,
            status=item.status,
            reason=item.reason,
            document=ReviewedDocument(
                id=document.id,
                text=document.text,
                text_sha256=document.text_sha256,
                language=document.language,
                metadata=document.metadata,
                recording=item.recording,
                transcript=document.transcript,
            ),
            proposal=LabelOut.of(item.label),
            opinions=list(item.label.label.opinions),
            guideline=GuidelineForReview.of(guideline),
            lease=_lease(item),
            verdict=item.verdict,
            created_at=item.created_at,
        )


class ReviewCounts(BaseModel):
    """How long the queue is."""

    open: int
    leased: int = Field(description="Of the open ones, those a reviewer holds now.")
    done: int
    oldest_open_at: datetime | None

    @classmethod
    def of(cls, counts: Counts) -> Self:
        """The store's numbers as clients get them."""
        return cls(
            open=counts.reviews_open,
            leased=counts.reviews_leased,
            done=counts.reviews_done,
            oldest_open_at=counts.oldest_review_at,
        )


class ReviewsOut(BaseModel):
    """A page of the queue, newest first, and how long it is in all."""

    reviews: list[ReviewSummary]
    next_cursor: str | None = Field(description="Send it as `cursor`; null at the end.")
    counts: ReviewCounts

    @classmethod
    def of(cls, page: ReviewPage, counts: Counts) -> Self:
        """A stored page as clients get it."""
        return cls(
            reviews=[ReviewSummary.of(item) for item in page.items],
            next_cursor=page.cursor,
            counts=ReviewCounts.of(counts),
        )


def _lease(item: ReviewItem) -> Lease | None:
    if item.status == "done" or item.leased_by is None or item.lease_expires_at is None:
        return None
    return Lease(
        review_id=item.id,
        reviewer=item.leased_by,
        token=item.token,
        expires_at=item.lease_expires_at,
    )
