"""Answers of the pipeline whose right answer is known and that no doubt chose: what tells truly."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic import TypeAdapter
from pydantic_core import from_json

from llmlabel.domain.answer import Answer
from llmlabel.domain.gold import part_of
from llmlabel.store.database import Database, batches
from llmlabel.store.tables import documents, gold, labels
from llmlabel.store.verified import standing

_answers: TypeAdapter[Answer | None] = TypeAdapter(Answer | None)

Stored = dict[str, Any] | None
"""An answer as it is stored: the JSON of an `Answer`, or none. There are many, and most are only
compared, which takes a tenth of the time that reading them takes."""


class Checked(NamedTuple):
    """An answer of the pipeline beside the right one.

    `proposed` is None where no labeler gave an answer, `right` where no right answer exists;
    `confidence` is None without a proposal. `calibrator` is the id of what made the confidence,
    None where it is a labeler's own. `weight` is how many documents this one stands for: the
    inverse of the probability with which it was chosen.
    """

    text_sha256: str
    proposed: Stored
    right: Stored
    confidence: float | None
    calibrator: str | None
    weight: float
    language: str | None

    @property
    def agrees(self) -> bool:
        """Whether the proposal is the right answer to the letter."""
        return self.proposed is not None and self.proposed == self.right

    def answers(self) -> tuple[Answer | None, Answer | None]:
        """The proposed answer and the right one."""
        return _answers.validate_python(self.proposed), _answers.validate_python(self.right)


class Sampled:
    """The checked answers of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, guideline: str) -> list[Checked]:
        """Every checked answer under a guideline that belongs to a random sample; each text once.

        They are of two kinds. Verdicts on documents that were drawn for an audit, or reviewed
        because everything was, with the proposal that was reviewed. And imported gold whose text
        was labeled as a document too, with the newest such label. Of neither where the label
        came after the answer was known, since it may have been learned by heart; except where
        the text is of the part that only certifies.

        Left out is what was reviewed out of doubt, and gold that was never a document: what the
        pipeline says of it is not kept.

        Args:
            guideline: `name@version`.
        """
        with self._database.read() as connection:
            known = {each.text_sha256: each for each in _imported(connection, guideline)}
            for each in _decided(connection, guideline):
                known.setdefault(each.text_sha256, each)
        return list(known.values())

    def calibrator(self, guideline: str) -> str | None:
        """What made the confidence of the newest label; None where it is a labeler's own."""
        newest = (
            sa.select(labels.c.payload)
            .where(
                labels.c.guideline == guideline,
                labels.c.opinions_of == labels.c.id,
                labels.c.confidence.is_not(None),
            )
            .order_by(labels.c.seq.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            payload = connection.execute(newest).scalar()
        return None if payload is None else _calibrator(from_json(payload))


def _decided(connection: sa.Connection, guideline: str) -> Iterable[Checked]:
    chosen = {each.proposal_id: each for each in standing(connection, guideline) if each.sampled}
    for some in batches(list(chosen)):
        query = _labels().where(labels.c.id.in_(some)).order_by(labels.c.seq)
        for row in connection.execute(query):
            verdict = chosen[row.id]
            assert verdict.sampled, "only what was chosen at random was asked for"
            if _unseen(row.text_sha256, row.created_at, verdict.known_at):
                yield _checked(row, verdict.answer_json, 1 / verdict.sampled)


def _imported(connection: sa.Connection, guideline: str) -> Iterable[Checked]:
    # Step by step, so that the documents are walked through once, and by their index after that.
    known: dict[str, _Gold] = {}
    rows = connection.execute(
        sa.select(gold.c.text_sha256, gold.c.answer, gold.c.created_at)
        .where(gold.c.guideline == guideline)
        .order_by(gold.c.seq)
    )
    for row in rows:
        since = known[row.text_sha256].known_at if row.text_sha256 in known else row.created_at
        known[row.text_sha256] = _Gold(row.answer, since)
    if not known:
        return
    of_gold = sa.select(gold.c.text_sha256).where(gold.c.guideline == guideline)
    same = sa.select(documents.c.id).where(documents.c.text_sha256.in_(of_gold))
    for some in batches(connection.execute(same).scalars().all()):
        query = (
            _labels()
            .where(
                labels.c.document_id.in_(some),
                labels.c.guideline == guideline,
                labels.c.opinions_of == labels.c.id,
            )
            .order_by(labels.c.seq)
        )
        for row in connection.execute(query):
            right = known[row.text_sha256]
            if _unseen(row.text_sha256, row.created_at, right.known_at):
                yield _checked(row, right.answer_json, 1.0)


class _Gold(NamedTuple):
    answer_json: str | None
    known_at: datetime  # of the first import of the text


def _labels() -> sa.Select[Any]:
    return sa.select(
        labels.c.id,
        labels.c.confidence,
        labels.c.payload,
        labels.c.created_at,
        documents.c.text_sha256,
        documents.c.language,
    ).join(documents, documents.c.id == labels.c.document_id)


def _unseen(text_sha256: str, labeled_at: datetime, known_at: datetime) -> bool:
    # Nothing is ever fitted on the texts that certify.
    return labeled_at <= known_at or part_of(text_sha256) == "certify"


def _checked(row: Any, right: str | None, weight: float) -> Checked:
    payload = from_json(row.payload)
    return Checked(
        text_sha256=row.text_sha256,
        proposed=payload["answer"],
        right=None if right is None else from_json(right),
        confidence=row.confidence,
        calibrator=_calibrator(payload),
        weight=weight,
        language=row.language,
    )


def _calibrator(payload: dict[str, Any]) -> str | None:
    confidence = payload["confidence"]
    return None if confidence is None else confidence["calibrator"]
