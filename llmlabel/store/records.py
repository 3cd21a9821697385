"""What the store hands out: stored values with their status and history."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, JsonValue

from llmlabel.domain.base import Value
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.domain.review import ReviewKind, ReviewStatus, SeatAnswer, Verdict

RequestStatus = Literal["queued", "done", "failed"]
DocumentStatus = Literal["queued", "failed", "review", "done"]


class Failure(Value):
    """Why something could not be done; `code` is the error's stable name."""

    code: str
    detail: str


class Request(Value):
    """A guideline asked for of a document, and how far it got.

    `run` counts how often it was asked for anew; `attempts` how often a worker took it up in
    this run. A `failed` request never has a label of this run.
    """

    document_id: str
    guideline: str = Field(description="name@version")
    status: RequestStatus
    run: int
    attempts: int
    failure: Failure | None = None
    updated_at: datetime


class Recording(Value):
    """A recording whose bytes lie in the recordings folder under their sha256."""

    sha256: str
    file_name: str = Field(description="As the client called it.")
    media_type: str | None = None
    bytes: int


class StoredLabel(Value):
    """A label with its id and run; the highest run and newest row is the current one."""

    id: str
    run: int
    label: Label


class StoredDocument(Value):
    """A document with everything known of it.

    `status`: `queued` while anything asked for is still to come; else `failed` if something
    could not be done; else `review` while a label waits for a person; else `done`. A label that
    was accepted is done, also while a person checks it.
    `document` is None while a recording waits for its transcript, or if that failed.
    `labels` are the current ones, one per guideline, in the order of `requests`.
    """

    id: str
    status: DocumentStatus
    document: Document | None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    language: str | None = None
    recording: Recording | None = None
    failure: Failure | None = Field(default=None, description="Of the transcription.")
    requests: tuple[Request, ...] = ()
    labels: tuple[StoredLabel, ...] = ()
    created_at: datetime
    created: bool = Field(default=False, description="Made by this very call, not found.")


class Page(Value):
    """A page of documents, newest first; `cursor` asks for the next one, None at the end."""

    items: tuple[StoredDocument, ...]
    cursor: str | None


class ReviewItem(Value):
    """One item of the review queue as it stands.

    `token`, `leased_by` and `lease_expires_at` describe the last lease given on it.
    `verdict` is the one that closed it. While a `blind` item is open, or its panel unsettled,
    reviewers see the document only; `hidden` says so. `sampled` is the probability with which the
    document was chosen whatever its confidence; None where its verdict is part of no random
    sample. `panel` is shared by the seats of a panel (`seat` 1 and up) and by the adjudication
    where they disagree, which shows what they said as `answers`; all other items have `seat` 0.
    """

    id: str
    status: ReviewStatus
    kind: ReviewKind = "doubt"
    blind: bool = False
    sampled: float | None = None
    document: Document
    recording: Recording | None = None
    label: StoredLabel = Field(description="The proposal, with every labeler's opinion.")
    guideline: str
    reason: str
    priority: float
    token: int
    leased_by: str | None = None
    lease_expires_at: datetime | None = None
    session: str | None = Field(default=None, description="Of the last lease.")
    panel: str | None = None
    seat: int = 0
    settled: bool = Field(default=True, description="The panel, if any, came to an answer.")
    answers: tuple[SeatAnswer, ...] = ()
    verdict: Verdict | None = None
    created_at: datetime

    @property
    def hidden(self) -> bool:
        """Whether reviewers must not see the proposal, why it is reviewed, nor any answer."""
        return self.blind and (self.status == "open" or not self.settled)


class ReviewPage(Value):
    """A page of reviews, newest first; `cursor` asks for the next one, None at the end."""

    items: tuple[ReviewItem, ...]
    cursor: str | None


class StoredResponse(Value):
    """The answer once given to a request with this Idempotency-Key."""

    status: int
    headers: dict[str, str]
    body: str


class Event(Value):
    """Something that happened; `seq` grows."""

    seq: int
    kind: str
    subject: str
    payload: dict[str, JsonValue]
    created_at: datetime


class Counts(Value):
    """Numbers for health checks and metrics."""

    documents: int
    requests: dict[RequestStatus, int]
    transcriptions: dict[RequestStatus, int]
    labels_accepted: int
    labels_review: int
    labels_verified: int
    reviews_open: int
    reviews_leased: int
    reviews_done: int
    oldest_review_at: datetime | None
