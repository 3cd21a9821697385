"""Verified labels: the verdicts that stand, with what the labelers had said, and imported gold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

import sqlalchemy as sa
from pydantic import TypeAdapter

from llmlabel.domain.answer import Answer
from llmlabel.domain.document import Document
from llmlabel.domain.review import ReviewKind
from llmlabel.store.database import Database, batches
from llmlabel.store.labels import Labels, matches
from llmlabel.store.learning_records import VerifiedLabel
from llmlabel.store.rows import document_of
from llmlabel.store.tables import documents, gold, labels, reviews, verdicts

_answers: TypeAdapter[Answer] = TypeAdapter(Answer)


class Standing(NamedTuple):
    """The newest verdict on a document under a guideline that nobody took back."""

    document_id: str
    guideline: str
    answer_json: str | None
    sampled: float | None
    kind: ReviewKind
    reviewer: str
    review_id: str
    proposal_id: str  # of the pipeline's label
    seq: int
    created_at: datetime
    known_at: datetime  # of the first verdict that stands: since then the answer can be learned

    @property
    def answer(self) -> Answer | None:
        """What the person said; read anew every time."""
        return read_answer(self.answer_json)


class Verified:
    """Every right answer known, of one database."""

    def __init__(self, database: Database, stored_labels: Labels) -> None:
        self._database = database
        self._labels = stored_labels

    def __call__(self, guideline: str) -> list[VerifiedLabel]:
        """What is known under a guideline: imported gold first, then verdicts, oldest first.

        One per document: of several verdicts the newest that stands. A text may occur more than
        once, as documents do and as gold and verdict.

        Args:
            guideline: `name@version`.
        """
        with self._database.read() as connection:
            imported = [
                VerifiedLabel(
                    document=gold_document(row),
                    guideline=row["guideline"],
                    answer=read_answer(row["answer"]),
                    source="import",
                    sampled=1.0,
                    created_at=row["created_at"],
                )
                for row in current_gold(connection, guideline)
            ]
            found = standing(connection, guideline)
            texts = documents_of(connection, [each.document_id for each in found])
            proposals = {
                id: stored.label
                for some in batches([each.proposal_id for each in found])
                for id, stored in self._labels.with_ids(connection, some).items()
            }
        return imported + [
            VerifiedLabel(
                document=texts[each.document_id],
                guideline=each.guideline,
                answer=each.answer,
                source="verdict",
                sampled=each.sampled,
                reviewer=each.reviewer,
                kind=each.kind,
                label_id=each.proposal_id,
                review_id=each.review_id,
                proposal=proposals[each.proposal_id],
                created_at=each.created_at,
            )
            for each in found
        ]

    def decided_since(self, guideline: str, moment: datetime | None) -> int:
        """Standing verdicts given under a guideline after a moment, or at any time; cheap."""
        query = (
            sa.select(sa.func.count())
            .select_from(reviews)
            .join(verdicts, verdicts.c.seq == reviews.c.winner)
            .where(_counts(), matches(reviews.c.guideline, guideline))
        )
        if moment is not None:
            query = query.where(verdicts.c.created_at > moment)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def count(self, guideline: str) -> int:
        """How many answers are known under a guideline; cheap."""
        with self._database.read() as connection:
            decided = connection.execute(
                sa.select(sa.func.count(reviews.c.document_id.distinct())).where(
                    _counts(), matches(reviews.c.guideline, guideline)
                )
            ).scalar_one()
            imported = connection.execute(
                sa.select(sa.func.count(gold.c.text_sha256.distinct())).where(
                    matches(gold.c.guideline, guideline)
                )
            ).scalar_one()
        return int(decided) + int(imported)


def standing(
    connection: sa.Connection,
    guideline: str | None = None,
    *,
    document_ids: Sequence[str] | None = None,
    newer: sa.ColumnElement[bool] | None = None,
) -> list[Standing]:
    """The verdict that stands on each document, by the order of the verdicts.

    A document that was drawn once stays part of the random sample when a later look at it
    (a relabeling) gives another answer. With `newer`, only verdicts for which it is true.
    """
    query = (
        sa.select(
            reviews.c.document_id,
            reviews.c.guideline,
            reviews.c.id,
            reviews.c.kind,
            reviews.c.sampled,
            labels.c.opinions_of,
            verdicts.c.seq,
            verdicts.c.answer,
            verdicts.c.reviewer,
            verdicts.c.created_at,
        )
        .join(verdicts, verdicts.c.seq == reviews.c.winner)
        .join(labels, labels.c.id == reviews.c.label_id)
        .where(_counts())
        .order_by(verdicts.c.seq)
    )
    if guideline is not None:
        query = query.where(matches(reviews.c.guideline, guideline))
    if document_ids is not None:
        query = query.where(reviews.c.document_id.in_(document_ids))
    if newer is not None:
        query = query.where(newer)
    newest: dict[tuple[str, str], Standing] = {}
    for row in connection.execute(query):
        key = (row.document_id, row.guideline)
        before = newest.pop(key, None)
        sampled = row.sampled
        if sampled is None and before is not None:
            sampled = before.sampled
        newest[key] = Standing(
            document_id=row.document_id,
            guideline=row.guideline,
            answer_json=row.answer,
            sampled=sampled,
            kind=cast(ReviewKind, row.kind),
            reviewer=row.reviewer,
            review_id=row.id,
            proposal_id=row.opinions_of,
            seq=row.seq,
            created_at=row.created_at,
            known_at=row.created_at if before is None else before.known_at,
        )
    return list(newest.values())


def _counts() -> sa.ColumnElement[bool]:
    # Of a panel only the verdict that gave its answer.
    return sa.and_(reviews.c.status == "done", reviews.c.settles)


def current_gold(
    connection: sa.Connection,
    guideline: str | None = None,
    where: sa.ColumnElement[bool] | None = None,
) -> Sequence[sa.RowMapping]:
    """The newest imported row of each text, oldest first."""
    newer = gold.alias()
    query = (
        sa.select(gold)
        .where(
            ~sa.exists().where(
                newer.c.guideline == gold.c.guideline,
                newer.c.text_sha256 == gold.c.text_sha256,
                newer.c.seq > gold.c.seq,
            )
        )
        .order_by(gold.c.seq)
    )
    if guideline is not None:
        query = query.where(matches(gold.c.guideline, guideline))
    if where is not None:
        query = query.where(where)
    return connection.execute(query).mappings().all()


def gold_document(row: sa.RowMapping) -> Document:
    """The document of a row of `gold`."""
    return Document(
        id=row["document_id"],
        text=row["text"],
        text_sha256=row["text_sha256"],
        language=row["language"],
    )


def documents_of(connection: sa.Connection, ids: Sequence[str]) -> dict[str, Document]:
    """Documents by id."""
    found: dict[str, Document] = {}
    for some in batches(ids):
        rows = connection.execute(sa.select(documents).where(documents.c.id.in_(some)))
        for row in rows.mappings():
            document = document_of(row)
            if document is not None:
                found[document.id] = document
    return found


def read_answer(text: str | None) -> Answer | None:
    """A stored answer."""
    return None if text is None else _answers.validate_json(text)
