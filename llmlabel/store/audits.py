"""Audits: what was accepted, what people found of the drawn answers, what is looked at again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.domain.label import Route
from llmlabel.store.database import Database, batches
from llmlabel.store.events import Events
from llmlabel.store.labels import Labels, label_id, languages_of, matches, row_of_label
from llmlabel.store.learning_records import AuditResult
from llmlabel.store.openings import place_in_queue, seats_of
from llmlabel.store.outbox import label_notice, put, review_notice
from llmlabel.store.records import StoredLabel
from llmlabel.store.rows import FirstOfText
from llmlabel.store.tables import documents, events, labels, reviews
from llmlabel.store.verified import Standing, read_answer, standing

# Labels without opinions are small; this many are read at once.
_PAGE = 5000


class Audits:
    """The audits of one database, derived from labels and verdicts whenever they are asked for."""

    def __init__(self, database: Database, stored_labels: Labels, events: Events) -> None:
        self._database = database
        self._labels = stored_labels
        self._events = events

    def results(self, certificate: str) -> list[AuditResult]:
        """Every label accepted under a certificate, in the order of acceptance.

        What was not drawn is told in runs. Labels that a later labeling of the same document
        replaced are left out; a verdict that was taken back makes its label pending again. Of
        documents with the same text the first one counts: whether a text is drawn is decided
        once, so that a thousand copies tell no more than one.

        Args:
            certificate: Its id.
        """
        with self._database.read() as connection:
            found = list(_results(connection, labels.c.certificate == certificate))
            return _with_erased(connection, certificate, found)

    def uncertified(self, guideline: str) -> list[AuditResult]:
        """The same of what was accepted under a guideline (`name@version`) by a bare threshold."""
        where = sa.and_(labels.c.guideline == guideline, labels.c.certificate.is_(None))
        with self._database.read() as connection:
            return _with_erased(connection, guideline, list(_results(connection, where)))

    def accepted_since(
        self, guideline: str, after: int = 0, *, certificate: str | None = None
    ) -> list[str]:
        """Ids of the labels that were accepted and that no person has decided, oldest first.

        Args:
            guideline: A name or a `name@version`.
            after: Only labels with a higher row number: `AuditResult.seq` of the last good
                audit. A number and no moment, because clocks are set back.
            certificate: Only what was accepted under this one.
        """
        current, newer = labels.alias("current"), labels.alias("newer")
        query = (
            sa.select(labels.c.id)
            .join(current, current.c.opinions_of == labels.c.id)
            .where(
                _by_pipeline(),
                labels.c.seq > after,
                matches(labels.c.guideline, guideline),
                current.c.route == Route.ACCEPTED.value,
                ~current.c.verified,
                ~sa.exists().where(
                    newer.c.document_id == current.c.document_id,
                    newer.c.guideline == current.c.guideline,
                    newer.c.seq > current.c.seq,
                ),
            )
            .order_by(labels.c.seq)
        )
        if certificate is not None:
            query = query.where(labels.c.certificate == certificate)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def requeue(
        self,
        label_ids: Sequence[str],
        kind: Literal["breach", "relabel"],
        reason: str,
        priorities: Mapping[str, float] | None = None,
    ) -> int:
        """Have people look at labels again; returns how many labels wait for them now.

        The current label of each document is what is reviewed. Passed over are those that wait
        for a person already, and those that a later labeling replaced. Doing it twice opens
        nothing more.

        Args:
            label_ids: Of labels as the pipeline or a verdict made them.
            kind: `breach`: the label is accepted no more, until a person decides; decided ones
                are passed over. `relabel`: it stands until a person says otherwise. As many
                people decide either as the policy asked for of the document: what a panel said is
                not set aside by one.
            reason: Why, as a sentence; reviewers read it.
            priorities: By id of the document; 0.0 without one.
        """
        opened = 0
        with self._database.write() as connection:
            # Who asks for the same meanwhile waits, and then finds it done.
            self._database.exclusive(connection, "requeue")
            for some in batches(sorted(set(label_ids))):
                current = self._current(connection, some)
                if kind == "breach":
                    current = self._taken_back(connection, current, reason)
                rows = self._reopened(connection, current, kind, reason, priorities or {})
                if rows:
                    connection.execute(sa.insert(reviews), rows)
                    told = [review_notice(row) for row in rows]
                    put(connection, self._database.clock(), told)
                opened += len(current)
            if opened:
                about: dict[str, JsonValue] = {"kind": kind, "reason": reason, "labels": opened}
                self._events.append_with(connection, "review.requeued", kind, about)
        return opened

    def _current(self, connection: sa.Connection, ids: Sequence[str]) -> list[StoredLabel]:
        given, newest = labels.alias("given"), labels.alias("newest")
        rows = connection.execute(
            sa.select(labels.c.id, labels.c.document_id, labels.c.guideline)
            .distinct()
            .join(given, given.c.opinions_of == labels.c.opinions_of)
            .where(
                given.c.id.in_(ids),
                ~sa.exists().where(
                    newest.c.document_id == labels.c.document_id,
                    newest.c.guideline == labels.c.guideline,
                    newest.c.seq > labels.c.seq,
                ),
            )
            .order_by(labels.c.document_id)
        ).all()
        # Asked by document alone: SQLite would walk through the whole open queue for each.
        of_these = sa.select(reviews.c.document_id, reviews.c.guideline, reviews.c.status).where(
            reviews.c.document_id.in_([row.document_id for row in rows])
        )
        waiting = {
            (row.document_id, row.guideline)
            for row in connection.execute(of_these)
            if row.status == "open"
        }
        rows = [row for row in rows if (row.document_id, row.guideline) not in waiting]
        found = self._labels.with_ids(connection, [row.id for row in rows])
        return [found[row.id] for row in rows]

    def _taken_back(
        self, connection: sa.Connection, current: Sequence[StoredLabel], reason: str
    ) -> list[StoredLabel]:
        # What is current says from now on that it is not delivered as accepted any more.
        when = self._database.clock()
        wanted = [stored for stored in current if not stored.label.verified]
        made_by = {
            row.id: row.opinions_of
            for row in connection.execute(
                sa.select(labels.c.id, labels.c.opinions_of).where(
                    labels.c.id.in_([stored.id for stored in wanted])
                )
            )
        }
        rows: list[dict[str, Any]] = []
        found: list[StoredLabel] = []
        for stored in wanted:
            changes = {"route": Route.REVIEW, "reason": reason, "created_at": when}
            label = stored.label.model_copy(update=changes)
            id = label_id(label.document_id, label.guideline, stored.run, f"{stored.id} breach")
            rows.append(row_of_label(id, label, stored.run, opinions_of=made_by[stored.id]))
            found.append(StoredLabel(id=id, run=stored.run, label=label))
        if rows:
            connection.execute(sa.insert(labels), rows)
            put(connection, when, [label_notice(each.id, each.label) for each in found])
        return found

    def _reopened(
        self,
        connection: sa.Connection,
        current: Sequence[StoredLabel],
        kind: str,
        reason: str,
        priorities: Mapping[str, float],
    ) -> list[dict[str, Any]]:
        when = self._database.clock()
        ids = [stored.id for stored in current]
        languages = languages_of(connection, [stored.label.document_id for stored in current])
        earlier = {
            row.label_id: row.n
            for row in connection.execute(
                sa.select(reviews.c.label_id, sa.func.count().label("n"))
                .where(reviews.c.label_id.in_(ids))
                .group_by(reviews.c.label_id)
            )
        }
        rows: list[dict[str, Any]] = []
        for stored in current:
            id = _review_id(stored.id, kind, earlier.get(stored.id, 0))
            row = {
                "id": id,
                "label_id": stored.id,
                "document_id": stored.label.document_id,
                "guideline": stored.label.guideline,
                "reason": reason,
                "status": "open",
                "priority": place_in_queue(priorities.get(stored.label.document_id)),
                "token": 0,
                "kind": kind,
                "blind": False,
                "created_at": when,
                "language": languages[stored.label.document_id],
            }
            rows += seats_of(row, stored.label.reviewers)
        return rows


def kept_audits(
    connection: sa.Connection, document_ids: Sequence[str]
) -> Iterator[tuple[str, str, AuditResult]]:
    """What is to be remembered of audits before their documents are deleted.

    Yields:
        The certificate, or the guideline where there was none; the guideline; the result.
    """
    mine = labels.c.document_id.in_(document_ids)
    groups = connection.execute(
        sa.select(labels.c.guideline, labels.c.certificate).where(mine).distinct()
    ).all()
    for guideline, certificate in groups:
        where = sa.and_(
            mine,
            labels.c.guideline == guideline,
            labels.c.certificate.is_not_distinct_from(certificate),
        )
        for result in _results(connection, where):
            yield certificate or guideline, guideline, result


def _with_erased(
    connection: sa.Connection, subject: str, found: list[AuditResult]
) -> list[AuditResult]:
    """The results together with those whose documents were deleted since, in order."""
    query = sa.select(events).where(events.c.kind == "audit.kept", events.c.subject == subject)
    kept = [json.loads(row.payload) for row in connection.execute(query.order_by(events.c.seq))]
    for each in kept:
        moment = datetime.fromisoformat(each.pop("at"))
        found.append(AuditResult(**each, created_at=moment))
    return sorted(found, key=lambda result: result.seq) if kept else found


def _review_id(label_id: str, kind: str, earlier: int) -> str:
    digest = hashlib.sha256(f"{label_id}\x1f{kind}\x1f{earlier}".encode()).hexdigest()
    return "r-" + digest[:32]


def _results(connection: sa.Connection, where: sa.ColumnElement[bool]) -> Iterator[AuditResult]:
    run: AuditResult | None = None
    first = FirstOfText()
    for rows, decided in _accepted(connection, where):
        for row in filter(first, rows):
            if row.drawn:
                if run is not None:
                    yield run
                    run = None
                yield _drawn(row, decided.get((row.document_id, row.guideline)))
            elif run is not None and run.rate == row.audit_rate:
                changes = {"seq": row.seq, "count": run.count + 1, "created_at": row.created_at}
                run = run.model_copy(update=changes)
            else:
                if run is not None:
                    yield run
                run = AuditResult(
                    seq=row.seq, rate=row.audit_rate, drawn=False, created_at=row.created_at
                )
    if run is not None:
        yield run


def _accepted(
    connection: sa.Connection, where: sa.ColumnElement[bool]
) -> Iterator[tuple[Sequence[Any], dict[tuple[str, str], Standing]]]:
    # Pages of accepted labels, each with the verdicts on the drawn ones among them.
    newer = labels.alias("newer")
    query = (
        sa.select(
            labels.c.seq,
            labels.c.id,
            labels.c.document_id,
            labels.c.guideline,
            labels.c.audit_rate,
            labels.c.drawn,
            labels.c.created_at,
            documents.c.text_sha256,
            sa.case((labels.c.drawn, labels.c.payload), else_=None).label("payload"),
        )
        .join(documents, documents.c.id == labels.c.document_id)
        .where(
            where,
            _by_pipeline(),
            labels.c.route == Route.ACCEPTED.value,
            ~labels.c.verified,
            ~sa.exists().where(
                newer.c.document_id == labels.c.document_id,
                newer.c.guideline == labels.c.guideline,
                newer.c.seq > labels.c.seq,
                newer.c.opinions_of != labels.c.id,
            ),
        )
        .order_by(labels.c.seq)
    )
    after = 0
    while True:
        rows = connection.execute(query.where(labels.c.seq > after).limit(_PAGE)).all()
        drawn = sorted({row.document_id for row in rows if row.drawn})
        decided = {
            (each.document_id, each.guideline): each
            for some in batches(drawn)
            for each in standing(connection, document_ids=some)
        }
        yield rows, decided
        if len(rows) < _PAGE:
            return
        after = rows[-1].seq


def _drawn(row: Any, verdict: Standing | None) -> AuditResult:
    proposed = json.loads(row.payload)["answer"]
    return AuditResult(
        seq=row.seq,
        rate=row.audit_rate,
        drawn=True,
        pending=verdict is None,
        proposed=None if proposed is None else read_answer(json.dumps(proposed)),
        answer=None if verdict is None else verdict.answer,
        label_id=row.id,
        document_id=row.document_id,
        created_at=row.created_at,
    )


def _by_pipeline() -> sa.ColumnElement[bool]:
    return labels.c.opinions_of == labels.c.id
