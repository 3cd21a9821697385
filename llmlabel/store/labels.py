"""Labels: added exactly once, never changed; a label that needs a person opens a review."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction
from llmlabel.errors import NotFound
from llmlabel.store.costing import count_costs
from llmlabel.store.database import Database, batches
from llmlabel.store.openings import review_rows, wants_review
from llmlabel.store.outbox import label_notice, put, review_notice
from llmlabel.store.records import StoredLabel
from llmlabel.store.rows import document_of
from llmlabel.store.tables import documents, labels, predictions, requests, reviews

EXPORT_PAGE = 200


class Labels:
    """The labels of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        new: Sequence[Label],
        run: int = 1,
        priorities: Mapping[str, float] | None = None,
    ) -> int:
        """Store labels with their opinions, mark their requests done and open reviews.

        All or nothing, and exactly once: a label that is stored for this document, guideline
        and run already is left as it is; one of a run that was called off or took another's place
        is not kept, nor one of a text that another has replaced under the same id.

        Args:
            new: Labels as the pipeline made them.
            run: Of the requests they answer.
            priorities: How much a look at a doubted document is worth, by its id; higher comes
                first, 0.0 without one. See `place_in_queue` for what comes before them.

        Returns:
            How many were new.

        Raises:
            NotFound: A label is of a document that is not stored.
        """
        rows: dict[str, tuple[dict[str, Any], Label]] = {}
        for label in sorted(new, key=lambda label: (label.document_id, label.guideline)):
            id = label_id(label.document_id, label.guideline, run)
            rows.setdefault(id, (row_of_label(id, label, run), label))
        with self._database.write() as connection:
            known = _documents(connection, [label.document_id for label in new])
            _refuse_unknown(new, known)
            for id, (_, label) in list(rows.items()):
                if label.text_sha256 != known[label.document_id].text_sha256:
                    del rows[id]
            kept = [label for _, label in rows.values()]
            fresh = {
                row.id
                for some in batches([row for row, _ in rows.values()])
                for row in self._database.insert_new(connection, labels, some, [labels.c.id])
            }
            # Only now: whoever deletes documents locks these first as well, then requests.
            over = self._over(connection, kept, run)
            late = [id for id in fresh if (rows[id][1].document_id, rows[id][1].guideline) in over]
            if late:
                connection.execute(sa.delete(labels).where(labels.c.id.in_(late)))
                fresh.difference_update(late)
            added = [(id, label) for id, (_, label) in rows.items() if id in fresh]
            _insert(connection, predictions, _prediction_rows(added))
            decided = self._decided(connection, [label.document_id for _, label in added])
            when = self._database.clock()
            opened = [
                row
                for id, label in added
                if wants_review(label) and (label.document_id, label.guideline) not in decided
                for row in review_rows(
                    id,
                    label,
                    when,
                    priority=(priorities or {}).get(label.document_id),
                    language=known[label.document_id].language,
                )
            ]
            _insert(connection, reviews, opened)
            told = [label_notice(id, label) for id, label in added]
            put(connection, when, told + [review_notice(row) for row in opened])
            self._settle(connection, kept, run)
            # Last, because every worker adds to the same few rows.
            count_costs(self._database, connection, [label for _, label in added])
        return len(added)

    def history(self, document_id: str, guideline: str | None = None) -> list[StoredLabel]:
        """Every label ever given of a document, oldest first; `guideline` is a name or ref."""
        query = sa.select(labels).where(labels.c.document_id == document_id)
        if guideline is not None:
            query = query.where(matches(labels.c.guideline, guideline))
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(labels.c.seq)).mappings().all()
            return self._with_opinions(connection, rows)

    def current(
        self, connection: sa.Connection, document_ids: Sequence[str]
    ) -> dict[str, dict[str, StoredLabel]]:
        """The newest label by document and guideline, within a transaction."""
        given = {"ids": list(document_ids)}
        rows = connection.execute(_queries().current, given).mappings().all()
        found: dict[str, dict[str, StoredLabel]] = defaultdict(dict)
        for stored in self._with_opinions(connection, rows):
            found[stored.label.document_id][stored.label.guideline] = stored
        return dict(found)

    def export(
        self,
        *,
        guideline: str | None = None,
        verified: bool | None = None,
        route: Route | None = None,
    ) -> Iterator[tuple[Document, StoredLabel]]:
        """Current labels with their documents, in the order in which documents came.

        Read page by page, so that no transaction stays open and memory stays small.

        Args:
            guideline: Only of this one: a name or a `name@version`.
            verified: Only those a person did (or did not) decide.
            route: Only those with this route.
        """
        query = (
            sa.select(labels, documents.c.seq.label("document_seq"))
            .join(documents)
            .where(_is_current())
        )
        if guideline is not None:
            query = query.where(matches(labels.c.guideline, guideline))
        if verified is not None:
            query = query.where(labels.c.verified.is_(verified))
        if route is not None:
            query = query.where(labels.c.route == route.value)
        place = sa.tuple_(documents.c.seq, labels.c.guideline)
        after: tuple[int, str] = (0, "")
        while True:
            with self._database.read() as connection:
                page = query.where(place > sa.tuple_(*after)).order_by(
                    documents.c.seq, labels.c.guideline
                )
                rows = connection.execute(page.limit(EXPORT_PAGE)).mappings().all()
                stored = self._with_opinions(connection, rows)
                ids = {row["document_id"] for row in rows}
                found = connection.execute(sa.select(documents).where(documents.c.id.in_(ids)))
                texts = {row["id"]: document_of(row) for row in found.mappings()}
            for item in stored:
                document = texts[item.label.document_id]
                if document is not None:
                    yield document, item
            if len(rows) < EXPORT_PAGE:
                return
            after = (rows[-1]["document_seq"], rows[-1]["guideline"])

    def with_ids(self, connection: sa.Connection, ids: Sequence[str]) -> dict[str, StoredLabel]:
        """Labels by their id, within a transaction."""
        rows = connection.execute(sa.select(labels).where(labels.c.id.in_(ids))).mappings().all()
        return {stored.id: stored for stored in self._with_opinions(connection, rows)}

    def _with_opinions(
        self, connection: sa.Connection, rows: Sequence[sa.RowMapping]
    ) -> list[StoredLabel]:
        opinions: dict[str, list[Prediction]] = defaultdict(list)
        for some in batches(sorted({row["opinions_of"] for row in rows})):
            found = connection.execute(_queries().opinions, {"ids": some})
            for row in found:
                opinions[row.label_id].append(Prediction.model_validate_json(row.payload))
        return [
            StoredLabel(
                id=row["id"],
                run=row["run"],
                label=Label.model_validate_json(row["payload"]).model_copy(
                    update={"opinions": tuple(opinions[row["opinions_of"]])}
                ),
            )
            for row in rows
        ]

    def _settle(self, connection: sa.Connection, new: Sequence[Label], run: int) -> None:
        by_guideline: dict[str, list[str]] = defaultdict(list)
        for label in new:
            by_guideline[label.guideline].append(label.document_id)
        for guideline, ids in sorted(by_guideline.items()):
            for some in batches(sorted(ids)):
                connection.execute(
                    _queries().settle,
                    {
                        "ids": some,
                        "of_guideline": guideline,
                        "of_run": run,
                        "status": "done",
                        "error_code": None,
                        "error": None,
                        "updated_at": self._database.clock(),
                    },
                )

    def _over(
        self, connection: sa.Connection, new: Sequence[Label], run: int
    ) -> set[tuple[str, str]]:
        """What is asked under a later run, or was called off; nobody can do so from here on."""
        return {
            (row.document_id, row.guideline)
            for some in batches(sorted({label.document_id for label in new}))
            for row in connection.execute(
                _queries().asked,
                {"ids": some, "guidelines": sorted({label.guideline for label in new})},
            )
            if row.run > run
        }

    def _decided(self, connection: sa.Connection, ids: Sequence[str]) -> set[tuple[str, str]]:
        # By people, under any run: what is verified needs no second look. A panel that has not
        # come to an answer yet has decided nothing.
        return {
            (row.document_id, row.guideline)
            for some in batches(sorted(set(ids)))
            for row in connection.execute(_queries().decided, {"ids": some})
        }


class _Queries(NamedTuple):
    """What is read, and settled, by the `ids` of documents; opinions, by those of labels."""

    current: sa.Select[Any]
    opinions: sa.Select[Any]
    decided: sa.Select[Any]
    languages: sa.Select[Any]
    labeled: sa.Select[Any]
    settle: sa.Update
    asked: sa.Select[Any]


# Making a statement takes longer than reading a few rows by it.
@lru_cache(maxsize=1)
def _queries() -> _Queries:
    ids: sa.BindParameter[Any] = sa.bindparam("ids", expanding=True)
    return _Queries(
        current=sa.select(labels).where(_is_current(), labels.c.document_id.in_(ids)),
        opinions=sa.select(predictions.c.label_id, predictions.c.payload)
        .where(predictions.c.label_id.in_(ids))
        .order_by(predictions.c.label_id, predictions.c.position),
        decided=sa.select(reviews.c.document_id, reviews.c.guideline).where(
            reviews.c.document_id.in_(ids), reviews.c.status == "done", reviews.c.settles
        ),
        languages=sa.select(documents.c.id, documents.c.language).where(documents.c.id.in_(ids)),
        # Held until the labels are in, so that nobody puts another document in the place of one.
        labeled=sa.select(documents.c.id, documents.c.language, documents.c.text_sha256)
        .where(documents.c.id.in_(ids))
        .order_by(documents.c.id)
        .with_for_update(read=True, key_share=True),
        settle=sa.update(requests).where(
            requests.c.guideline == sa.bindparam("of_guideline"),
            requests.c.run == sa.bindparam("of_run"),
            requests.c.document_id.in_(ids),
        ),
        # Taken in one order, so that two that change the same rows never wait for each other.
        asked=sa.select(requests.c.document_id, requests.c.guideline, requests.c.run)
        .where(
            requests.c.document_id.in_(ids),
            requests.c.guideline.in_(sa.bindparam("guidelines", expanding=True)),
        )
        .order_by(requests.c.guideline, requests.c.document_id)
        .with_for_update(),
    )


def label_id(document_id: str, guideline: str, run: int, origin: str = "pipeline") -> str:
    """The id of a label: the same work has the same id, so it is stored once.

    `origin` tells the labels of one run apart: the pipeline's, and one per verdict.
    """
    text = "\x1f".join((document_id, guideline, str(run), origin))
    return "l-" + hashlib.sha256(text.encode()).hexdigest()[:32]


def row_of_label(
    id: str, label: Label, run: int, *, opinions_of: str | None = None
) -> dict[str, Any]:
    """A label as a row of `labels`; its opinions are rows of `predictions`."""
    return {
        "id": id,
        "document_id": label.document_id,
        "guideline": label.guideline,
        "run": run,
        "route": label.route.value,
        "confidence": None if label.confidence is None else label.confidence.value,
        "verified": label.verified,
        "opinions_of": opinions_of or id,
        "payload": label.model_dump_json(exclude={"opinions"}),
        "created_at": label.created_at,
        "certificate": label.certificate,
        "audit_rate": label.audit_rate,
        "drawn": label.drawn,
    }


def languages_of(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str | None]:
    """The language of each document that is stored; None where it is not known."""
    return {
        row.id: row.language
        for some in batches(sorted(set(ids)))
        for row in connection.execute(_queries().languages, {"ids": some})
    }


def _documents(connection: sa.Connection, ids: Sequence[str]) -> dict[str, sa.Row[Any]]:
    return {
        row.id: row
        for some in batches(sorted(set(ids)))
        for row in connection.execute(_queries().labeled, {"ids": some})
    }


def matches(column: sa.Column[str], guideline: str) -> sa.ColumnElement[bool]:
    """Whether a column of references is this `name@version`, or any version of this name."""
    if "@" in guideline:
        return column == guideline
    return column.startswith(guideline + "@", autoescape=True)


def _refuse_unknown(new: Sequence[Label], known: Mapping[str, object]) -> None:
    for label in new:
        if label.document_id not in known:
            raise NotFound(
                f"There is no document `{label.document_id}` to label; store the document first.",
                field="document_id",
            )


def _is_current() -> sa.ColumnElement[bool]:
    newer = labels.alias()
    return ~sa.exists().where(
        newer.c.document_id == labels.c.document_id,
        newer.c.guideline == labels.c.guideline,
        newer.c.seq > labels.c.seq,
    )


def _prediction_rows(added: Sequence[tuple[str, Label]]) -> list[dict[str, Any]]:
    return [
        {
            "label_id": id,
            "position": position,
            "labeler": opinion.source.labeler,
            "outcome": opinion.outcome.value,
            "payload": opinion.model_dump_json(),
        }
        for id, label in added
        for position, opinion in enumerate(label.opinions)
    ]


def _insert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)
