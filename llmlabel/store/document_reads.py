"""How documents are read: statements, made once, and the values made of their rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.document import Document
from llmlabel.store.records import DocumentStatus, Request, StoredDocument, StoredLabel
from llmlabel.store.rows import document_of, failure_of, recording_of
from llmlabel.store.tables import documents, recordings, requests, reviews, transcriptions


class Queries(NamedTuple):
    """What is read of documents by their `ids`."""

    documents: sa.Select[Any]
    texts: sa.Select[Any]
    requests: sa.Select[Any]
    held_up: sa.Select[Any]


@lru_cache(maxsize=1)
def queries() -> Queries:
    """The statements, made at first use: making one takes longer than reading a few rows by it."""
    ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
    return Queries(
        texts=sa.select(documents).where(documents.c.id.in_(ids)),
        documents=sa.select(
            documents,
            recordings.c.file_name,
            recordings.c.media_type,
            recordings.c.bytes,
            transcriptions.c.status.label("transcription"),
            transcriptions.c.error_code,
            transcriptions.c.error,
        )
        .select_from(documents)
        .outerjoin(recordings)
        .outerjoin(transcriptions)
        .where(documents.c.id.in_(ids)),
        requests=sa.select(requests)
        .where(requests.c.document_id.in_(ids))
        .order_by(requests.c.created_at, requests.c.guideline),
        held_up=sa.select(reviews.c.document_id).where(reviews.c.document_id.in_(ids), _holds_up()),
    )


def new_document(document: Document, guidelines: Sequence[str], when: datetime) -> StoredDocument:
    """A document that was new a moment ago, as it would be read."""
    return StoredDocument(
        id=document.id,
        status="queued" if guidelines else "done",
        document=document,
        metadata=document.metadata,
        language=document.language,
        requests=tuple(
            Request(
                document_id=document.id,
                guideline=guideline,
                status="queued",
                run=1,
                attempts=0,
                updated_at=when,
            )
            for guideline in guidelines
        ),
        created_at=when,
        created=True,
    )


def read_document(
    row: sa.RowMapping,
    asked: Sequence[Request],
    labels: Mapping[str, StoredLabel],
    waiting: bool,
) -> StoredDocument:
    """A row of `Queries.documents` with what else is known.

    Args:
        row: It.
        asked: Its requests, in order.
        labels: Its current labels, by reference.
        waiting: Whether one of them waits for a person.
    """
    states = {request.status for request in asked} | {row["transcription"]}
    status: DocumentStatus = (
        "queued"
        if "queued" in states
        else "failed"
        if "failed" in states
        else "review"
        if waiting
        else "done"
    )
    order = {request.guideline: place for place, request in enumerate(asked)}
    return StoredDocument(
        id=row["id"],
        status=status,
        document=document_of(row),
        metadata=json.loads(row["metadata"]),
        language=row["language"],
        recording=recording_of(row),
        failure=failure_of(row),
        requests=tuple(asked),
        labels=tuple(
            labels[ref] for ref in sorted(labels, key=lambda ref: (order.get(ref, len(order)), ref))
        ),
        created_at=row["created_at"],
    )


def has_status(status: DocumentStatus) -> sa.ColumnElement[bool]:
    """Whether a document has this status, as `read_document` would say."""

    def any_is(state: str) -> sa.ColumnElement[bool]:
        return sa.or_(
            sa.exists().where(requests.c.document_id == documents.c.id, requests.c.status == state),
            sa.exists().where(
                transcriptions.c.document_id == documents.c.id, transcriptions.c.status == state
            ),
        )

    queued, failed = any_is("queued"), any_is("failed")
    review = sa.exists().where(reviews.c.document_id == documents.c.id, _holds_up())
    return {
        "queued": queued,
        "failed": sa.and_(~queued, failed),
        "review": sa.and_(~queued, ~failed, review),
        "done": sa.and_(~queued, ~failed, ~review),
    }[status]


def _holds_up() -> sa.ColumnElement[bool]:
    # An audit, or a second look at a verified label, lets the label stand meanwhile; and so does
    # the adjudication of an audit.
    doubted = ["doubt", "forced", "breach"]
    seat = reviews.alias("seat")
    of_doubt = sa.and_(
        reviews.c.kind == "adjudication",
        sa.exists().where(seat.c.panel == reviews.c.panel, seat.c.kind.in_(doubted)),
    )
    return sa.and_(reviews.c.status == "open", sa.or_(reviews.c.kind.in_(doubted), of_doubt))
