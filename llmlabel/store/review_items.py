"""Rows of `reviews` and `verdicts` as values; many are read as fast as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from llmlabel.domain.review import SeatAnswer, Verdict
from llmlabel.errors import NotFound
from llmlabel.store.labels import Labels
from llmlabel.store.records import ReviewItem, StoredLabel
from llmlabel.store.rows import document_of, recording_of
from llmlabel.store.tables import documents, recordings, reviews, verdicts
from llmlabel.store.verified import read_answer


class ReviewItems:
    """Reads items with all that is known of them."""

    def __init__(self, stored_labels: Labels) -> None:
        self._labels = stored_labels

    def one(self, connection: sa.Connection, id: str) -> ReviewItem:
        """An item as it stands.

        Raises:
            NotFound: There is none.
        """
        found = self.load(connection, [id])
        if not found:
            raise no_review(id)
        return found[0]

    def load(self, connection: sa.Connection, ids: Sequence[str]) -> list[ReviewItem]:
        """Items in the order of their ids; unknown ones are left out."""
        if not ids:
            return []
        found = connection.execute(_rows(), {"ids": ids}).mappings()
        rows = {row["review_id"]: row for row in found}
        proposals = self._labels.with_ids(
            connection, sorted({row["review_label_id"] for row in rows.values()})
        )
        given = verdicts_at(connection, {row["review_winner"] for row in rows.values()} - {None})
        panels = _Panels(connection, rows.values())
        return [
            _item(rows[id], proposals[rows[id]["review_label_id"]], given, panels)
            for id in ids
            if id in rows
        ]


class _Panels:
    """Of the panels of some rows: which are settled, and what their members said."""

    def __init__(self, connection: sa.Connection, rows: Collection[sa.RowMapping]) -> None:
        # An open seat tells nothing of its panel, so nothing is looked up for it.
        told = [row for row in rows if row["review_status"] == "done" or not row["review_seat"]]
        wanted = sorted({row["review_panel"] for row in told} - {None})
        self.settled: set[str] = set()
        self.answers: dict[str, tuple[SeatAnswer, ...]] = {}
        if not wanted:
            return
        found = connection.execute(
            sa.select(
                reviews.c.panel,
                reviews.c.seat,
                reviews.c.settles,
                verdicts.c.kind,
                verdicts.c.answer,
                verdicts.c.comment,
            )
            .join(verdicts, verdicts.c.seq == reviews.c.winner)
            .where(reviews.c.panel.in_(wanted), reviews.c.status == "done")
            .order_by(reviews.c.panel, reviews.c.seat)
        )
        for row in found:
            if row.settles:
                self.settled.add(row.panel)
            if row.seat:
                said = SeatAnswer(
                    by=chr(ord("A") + row.seat - 1),
                    kind=row.kind,
                    answer=read_answer(row.answer),
                    comment=row.comment,
                )
                self.answers[row.panel] = (*self.answers.get(row.panel, ()), said)


def verdicts_at(connection: sa.Connection, seqs: Collection[int]) -> dict[int, Verdict]:
    """Verdicts by the numbers of their rows."""
    if not seqs:
        return {}
    found = connection.execute(sa.select(verdicts).where(verdicts.c.seq.in_(sorted(seqs))))
    return {row["seq"]: Verdict(**values_of(row)) for row in found.mappings()}


def values_of(row: sa.RowMapping) -> dict[str, Any]:
    """A row of `verdicts` as the values of a `Verdict`."""
    return {
        "review_id": row["review_id"],
        "reviewer": row["reviewer"],
        "kind": row["kind"],
        "answer": read_answer(row["answer"]),
        "comment": row["comment"],
        "seconds": row["seconds"],
        "created_at": row["created_at"],
    }


def no_review(id: str) -> NotFound:
    """The error of an id that nothing has."""
    return NotFound(f"There is no review `{id[:64]}`; ask for the next item.", field="review_id")


@lru_cache(maxsize=1)
def _rows() -> sa.Select[Any]:
    # Writing this query down takes longer than its execution.
    return (
        sa.select(
            documents,
            recordings.c.file_name,
            recordings.c.media_type,
            recordings.c.bytes,
            *(column.label(f"review_{column.name}") for column in reviews.c),
        )
        .select_from(reviews)
        .join(documents, documents.c.id == reviews.c.document_id)
        .outerjoin(recordings, recordings.c.sha256 == documents.c.recording_sha256)
        .where(reviews.c.id.in_(sa.bindparam("ids", expanding=True)))
    )


def _item(
    row: sa.RowMapping, proposal: StoredLabel, given: dict[int, Verdict], panels: _Panels
) -> ReviewItem:
    document = document_of(row)
    assert document is not None, "a label exists only of a document with a text"
    winner = row["review_winner"]
    panel = row["review_panel"]
    adjudicated = row["review_kind"] == "adjudication"
    return ReviewItem(
        id=row["review_id"],
        status=row["review_status"],
        kind=row["review_kind"],
        blind=row["review_blind"],
        sampled=row["review_sampled"],
        document=document,
        recording=recording_of(row),
        label=proposal,
        guideline=row["review_guideline"],
        reason=row["review_reason"],
        priority=row["review_priority"],
        token=row["review_token"],
        leased_by=row["review_leased_by"],
        lease_expires_at=row["review_lease_expires_at"],
        session=row["review_session"],
        panel=panel,
        seat=row["review_seat"],
        settled=panel is None or panel in panels.settled,
        answers=panels.answers.get(panel, ()) if adjudicated else (),
        verdict=None if winner is None else given[winner],
        created_at=row["review_created_at"],
    )
