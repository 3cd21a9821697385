"""Documents as clients send and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from llmlabel.domain.answer import Answer, Span, SpansAnswer, TranscriptAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Transcript
from llmlabel.domain.label import Route
from llmlabel.domain.prediction import Prediction, Unit
from llmlabel.domain.promise import Promise
from llmlabel.exchange import label_record
from llmlabel.review.realign import realigned
from llmlabel.store import Failure, Page, Recording, StoredDocument, StoredLabel
from llmlabel.store.records import DocumentStatus, RequestStatus

Ref = Annotated[
    str, Field(max_length=100, description="`name` (its latest version) or `name@version`.")
]
Refs = Annotated[list[Ref], Field(min_length=1, max_length=50)]
Language = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="ISO 639 code, e.g. `en`; detected or assumed without it.",
    ),
]
Id = Annotated[
    str,
    Field(
        min_length=1,
        max_length=256,
        description="Yours; without it one is made from the content. Sent again with the same "
        "content it means the same document, with other content it is refused.",
    ),
]
Metadata = Annotated[
    dict[str, JsonValue], Field(description="Yours; kept and given back, never looked at.")
]


class Body(BaseModel):
    """A request's body: a field it does not know is an error."""

    model_config = ConfigDict(extra="forbid")


class DocumentItem(Body):
    """A text of a list; `guidelines` may be named once for the whole list instead."""

    id: Id | None = None
    text: str
    guidelines: Refs | None = None
    language: Language | None = None
    metadata: Metadata = Field(default_factory=dict)


class DocumentIn(DocumentItem):
    """A text to label."""

    guidelines: Refs


class DocumentsIn(Body):
    """Several texts to label; all are accepted, or none."""

    documents: list[DocumentItem] = Field(min_length=1)
    guidelines: Refs | None = Field(
        default=None, description="Asked of every document that names none itself."
    )


def _one_or_many(body: Any) -> str:
    return "<many>" if isinstance(body, dict) and "documents" in body else "<one>"


Submission = Annotated[
    Annotated[DocumentIn, Tag("<one>")] | Annotated[DocumentsIn, Tag("<many>")],
    Discriminator(_one_or_many),
]


class LabelSource(BaseModel):
    """Who made a label, in enough detail to make it again."""

    guideline_sha256: str
    threshold: float
    verified: bool = Field(description="A person confirmed or corrected it.")
    created_at: datetime
    opinions: list[Prediction] = Field(description="What each labeler said, failures included.")


class LabelOut(BaseModel):
    """A label, in the same form as `llmlabel label --format jsonl` writes it."""

    id: str = Field(description="The document's.")
    text_sha256: str
    guideline: str
    answer: Answer | None = Field(description="Null only when no labeler gave one.")
    confidence: Confidence | None
    route: Route
    reason: str = Field(description="Why it took this route, in words.")
    promise: Promise | None = Field(description="What is promised; null for a bare threshold.")
    certificate: str | None = Field(description="Id of the certificate that proves it.")
    source: LabelSource
    units: list[Unit]

    @classmethod
    def of(cls, stored: StoredLabel) -> Self:
        """A stored label as clients get it."""
        return cls.model_validate(label_record(stored.label))


class RequestOut(BaseModel):
    """A guideline asked for, and how far it got."""

    guideline: str
    status: RequestStatus
    failure: Failure | None = None


class DocumentSummary(BaseModel):
    """Where a document stands.

    `status`: `queued` while anything is still to come, `failed` if something could not be done,
    `review` while a label waits for a person, else `done`.
    """

    id: str
    url: str
    status: DocumentStatus
    language: str | None
    metadata: dict[str, JsonValue]
    recording: Recording | None
    failure: Failure | None = Field(description="Why a recording could not be transcribed.")
    requests: list[RequestOut]
    created_at: datetime

    @classmethod
    def of(cls, stored: StoredDocument) -> Self:
        """A stored document as clients get it."""
        return cls(**_summary(stored))


class DocumentLabeled(DocumentSummary):
    """Where a document stands, with its labels."""

    labels: list[LabelOut] = Field(description="The current ones, one per guideline.")

    @classmethod
    def of(cls, stored: StoredDocument) -> Self:
        """A stored document as clients get it."""
        return cls(**_summary(stored), labels=[LabelOut.of(label) for label in stored.labels])


class DocumentOut(DocumentLabeled):
    """A document with everything known of it."""

    text: str | None = Field(description="As it was sent; null until a recording is transcribed.")
    text_sha256: str | None
    transcript: Transcript | None
    verified_text: str | None = Field(
        description="What is said in the recording according to a person who reviewed its "
        "transcript; null while nobody has. Offsets count `text`, which stays as it was."
    )
    verified_spans: dict[str, list[Span]] | None = Field(
        description="Of each guideline that asks for spans: its answer with offsets in "
        "`verified_text`. A span moved with its words; one of whose words nothing is left is left "
        "out. Null without a `verified_text`."
    )
    notes: list[str] = Field(description="What whoever reads the labels has to know of them.")

    @classmethod
    def of(cls, stored: StoredDocument) -> Self:
        """A stored document as clients get it."""
        document = stored.document
        return cls(
            **_summary(stored),
            labels=[LabelOut.of(label) for label in stored.labels],
            text=document.text if document else None,
            text_sha256=document.text_sha256 if document else None,
            transcript=document.transcript if document else None,
            verified_text=_verified_text(stored),
            verified_spans=_verified_spans(stored),
            notes=_notes(stored),
        )


class DocumentsOut(BaseModel):
    """The documents of a list, in its order."""

    documents: list[DocumentLabeled]


class DocumentPage(BaseModel):
    """A page of documents, newest first."""

    documents: list[DocumentSummary]
    next_cursor: str | None = Field(description="Send it as `cursor`; null at the end.")

    @classmethod
    def of(cls, page: Page) -> Self:
        """A stored page as clients get it."""
        return cls(
            documents=[DocumentSummary.of(item) for item in page.items], next_cursor=page.cursor
        )


class LabelsOut(BaseModel):
    """Labels of one document."""

    labels: list[LabelOut]


def url_of(document_id: str) -> str:
    """Where a document is found."""
    return f"/v1/documents/{quote(document_id, safe='')}"


def _verified_text(stored: StoredDocument) -> str | None:
    for each in stored.labels:
        if each.label.verified and isinstance(each.label.answer, TranscriptAnswer):
            return each.label.answer.text
    return None


def _verified_spans(stored: StoredDocument) -> dict[str, list[Span]] | None:
    verified = _verified_text(stored)
    if verified is None or stored.document is None:
        return None
    return {
        each.label.guideline: list(realigned(stored.document.text, answer.spans, verified))
        for each in stored.labels
        if isinstance(answer := each.label.answer, SpansAnswer)
    }


def _notes(stored: StoredDocument) -> list[str]:
    verified = _verified_text(stored)
    text = stored.document.text if stored.document else None
    others = [
        each.label.guideline
        for each in stored.labels
        if not isinstance(each.label.answer, TranscriptAnswer)
    ]
    if verified is None or verified == text or not others:
        return []
    return [
        f"The labels of {', '.join(others)} are of `text`, as it was heard before a person "
        "corrected the transcript. Spans are moved to `verified_text` in `verified_spans`; send "
        "that text as one of its own to have it labeled anew."
    ]


def _summary(stored: StoredDocument) -> dict[str, Any]:
    return {
        "id": stored.id,
        "url": url_of(stored.id),
        "status": stored.status,
        "language": stored.language,
        "metadata": stored.metadata,
        "recording": stored.recording,
        "failure": stored.failure,
        "requests": [
            RequestOut(guideline=each.guideline, status=each.status, failure=each.failure)
            for each in stored.requests
        ],
        "created_at": stored.created_at,
    }
