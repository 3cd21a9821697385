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
from llmlabel.domain.review import (
    Lease,
    QueueName,
    ReviewKind,
    ReviewStatus,
    SeatAnswer,
    Verdict,
    VerdictKind,
)
from llmlabel.review import token_offsets
from llmlabel.store import Counts, Recording, ReviewItem, ReviewPage

BLIND = (
    "What was proposed, and why a person looks at it, is hidden until a verdict is given, or until "
    "a panel came to an answer. Whoever gives the verdict does not see it in the answer "
    "either, because a verdict can be taken back."
)
KIND = "How it came to be reviewed; null while that is hidden."

Token = Annotated[
    int, Field(ge=0, lt=2**31, strict=True, description="`lease.token`, as the item came with it.")
]


class VerdictIn(Body):
    """A reviewer's decision."""

    token: Token
    kind: VerdictKind = Field(
        description="`confirm` the proposal, `correct` it, `reject` (there is no right answer), "
        "or `skip` (someone else should decide). The answer to a blind item is sent with "
        "`correct`."
    )
    answer: Answer | None = Field(default=None, description="The right answer; for `correct`.")
    comment: str | None = Field(default=None, max_length=10_000)
    seconds: float | None = Field(
        default=None, strict=True, ge=0, le=86_400, allow_inf_nan=False, description="Time spent."
    )


class LeaseIn(Body):
    """The lease that is meant."""

    token: Token


class TokenOffsets(BaseModel):
    """Where a token stands; code points, `end` exclusive."""

    start: int
    end: int


class ReviewedDocument(BaseModel):
    """What the reviewer reads or hears.

    Where the transcript itself is what a blind reviewer has to give, there is only the recording.
    """

    id: str
    text: str | None
    text_sha256: str | None
    language: str | None
    metadata: dict[str, JsonValue]
    recording: Recording | None
    transcript: Transcript | None = Field(description="Says when each word was spoken.")


class ReviewSummary(BaseModel):
    """An item of the queue, in short; while a blind one is open, what is hidden is null."""

    id: str
    status: ReviewStatus
    blind: bool = Field(description=BLIND)
    kind: ReviewKind | None = Field(description=KIND)
    document_id: str
    guideline: str
    reason: str | None = Field(description="Why a person should look at it.")
    priority: float | None
    lease: Lease | None
    verdict: Verdict | None
    created_at: datetime

    @classmethod
    def of(cls, item: ReviewItem) -> Self:
        """A stored item as clients get it."""
        return cls(
            id=item.id,
            status=item.status,
            blind=item.blind,
            kind=None if item.hidden else item.kind,
            document_id=item.document.id,
            guideline=item.guideline,
            reason=None if item.hidden else item.reason,
            priority=None if item.hidden else item.priority,
            lease=lease_of(item),
            verdict=None if item.hidden else item.verdict,
            created_at=item.created_at,
        )


class ReviewOut(BaseModel):
    """An item with everything needed to decide it; while a blind one is open, the rest is null."""

    id: str
    status: ReviewStatus
    blind: bool = Field(description=BLIND)
    queue: QueueName
    kind: ReviewKind | None = Field(description=KIND)
    reason: str | None = Field(description="Why a person should look at it.")
    document: ReviewedDocument
    proposal: LabelOut | None = Field(
        description="The proposed answer, its confidence and its units."
    )
    scores: dict[str, float] | None = Field(
        description="Of a choice: the probabilities of its most probable labels, best first."
    )
    opinions: list[Prediction] | None = Field(
        description="What each labeler said, failures included."
    )
    answers: list[SeatAnswer] | None = Field(
        description="Of an adjudication: what each member of the panel said, names withheld."
    )
    tokens: list[TokenOffsets] | None = Field(
        description="Of a blind item of the kind `tokens`: the tokens to label, in order."
    )
    guideline: GuidelineForReview
    lease: Lease | None
    verdict: Verdict | None
    created_at: datetime

    @classmethod
    def of(cls, item: ReviewItem, guideline: Guideline, *, decided: bool = False) -> Self:
        """A stored item and its guideline as clients get it.

        Args:
            item: As it stands.
            guideline: Of the item.
            decided: It goes to who has just decided it: a blind one stays hidden, but for the
                verdict.
        """
        hidden = item.hidden or (decided and item.blind)
        adjudicated = item.kind == "adjudication"
        offsets = token_offsets(item.label.label.answer) if hidden else None
        return cls(
            id=item.id,
            status=item.status,
            blind=item.blind,
            queue="adjudication" if adjudicated else "review",
            kind=None if hidden else item.kind,
            reason=None if hidden else item.reason,
            document=_reviewed(item, told=not (hidden and guideline.kind == "transcript")),
            proposal=None if hidden else LabelOut.of(item.label),
            scores=None if hidden else item.label.label.scores,
            opinions=None if hidden else list(item.label.label.opinions),
            answers=list(item.answers) if adjudicated else None,
            tokens=offsets and [TokenOffsets(start=start, end=end) for start, end in offsets],
            guideline=GuidelineForReview.of(guideline),
            lease=lease_of(item),
            verdict=None if item.hidden and not decided else item.verdict,
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


def _reviewed(item: ReviewItem, *, told: bool) -> ReviewedDocument:
    document = item.document
    return ReviewedDocument(
        id=document.id,
        text=document.text if told else None,
        text_sha256=document.text_sha256 if told else None,
        language=document.language,
        metadata=document.metadata,
        recording=item.recording,
        transcript=document.transcript if told else None,
    )


def lease_of(item: ReviewItem) -> Lease | None:
    """The last lease given on an open item, unless it was given back."""
    if item.status != "open" or item.leased_by is None or item.lease_expires_at is None:
        return None
    return Lease(
        review_id=item.id,
        reviewer=item.leased_by,
        token=item.token,
        expires_at=item.lease_expires_at,
    )
