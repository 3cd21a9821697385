"""Deletion of documents with all that was made of them; what was counted of them stays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence, Set
from typing import Any

import sqlalchemy as sa
from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.errors import NotFound, TrainingUnderWay
from llmlabel.store.audits import kept_audits
from llmlabel.store.compact import compact
from llmlabel.store.database import Database, batches
from llmlabel.store.events import Events
from llmlabel.store.learning_records import AuditResult
from llmlabel.store.mentions import forget_answers, forget_events
from llmlabel.store.recordings import Recordings
from llmlabel.store.tables import (
    benchmarks,
    documents,
    flags,
    gold,
    labels,
    metadata,
    predictions,
    recordings,
    requests,
    reviews,
    trainings,
    verdicts,
)
from llmlabel.store.trainings import HEARTBEAT_LAPSE, lapse

ERASED, AUDIT_KEPT = "document.erased", "audit.kept"

AT_ONCE = 500
"""Documents deleted in one transaction."""

Strip = Callable[[bytes, Set[str]], bytes | None]
"""What was learned without the texts of these SHA-256; None where nothing of it is to be kept."""

Weigh = Callable[[AuditResult, str, str], float]
"""How wrong an audited label was, in [0, 1]; of which certificate (or guideline), under which
`name@version`."""


class Erased(Value):
    """How many of what were deleted."""

    documents: int = 0
    labels: int = 0
    predictions: int = 0
    reviews: int = 0
    verdicts: int = 0
    gold: int = 0
    benchmarks: int = 0
    flags: int = 0
    messages: int = Field(default=0, description="To webhooks, sent or not.")
    recordings: int = Field(default=0, description="Whose bytes no other document has.")
    answers: int = Field(default=0, description="Kept by Idempotency-Key.")
    events: int = Field(default=0, description="Deleted, or left with their numbers only.")
    trainings: int = Field(default=0, description="Whose examples held the text; it was cut out.")
    compacted: bool = Field(
        default=False, description="Whether the database's file was rewritten without them."
    )

    def plus(self, other: Erased) -> Erased:
        """Both together."""
        ours, theirs = self.model_dump(), other.model_dump()
        counts = {name: ours[name] + theirs[name] for name in ours if name != "compacted"}
        return Erased(**counts, compacted=other.compacted)


class Erasure:
    """Deletes from one database.

    Args:
        database: Where.
        events: Its log: that something was deleted is told there, under a hash of its id.
        sounds: Its recordings.
        strip: Cuts texts out of what was learned.
        weigh: Of an audit, what is left to count once the document is gone.
    """

    def __init__(
        self,
        database: Database,
        events: Events,
        sounds: Recordings,
        *,
        strip: Strip,
        weigh: Weigh,
    ) -> None:
        self._database = database
        self._events = events
        self._sounds = sounds
        self._strip = strip
        self._weigh = weigh

    def __call__(
        self, ids: Collection[str], *, why: str = "asked for", rewrite: bool = True
    ) -> Erased:
        """Delete documents and everything made of them.

        Args:
            ids: Of documents. Those deleted already are an error, so that a typo is noticed.
            why: For the log; holds nothing of the documents.
            rewrite: Rewrite the database's file at the end; see `compact`.

        Raises:
            NotFound: One of them is not there; then none is deleted.
            TrainingUnderWay: A training runs that may have read them; then none is deleted.
            StoreUnavailable: The database cannot be used. What was deleted before stays so.
        """
        wanted = sorted(set(ids))
        self._refuse_unknown(wanted)
        done = Erased()
        for some in batches(wanted, AT_ONCE):
            with self._database.write() as connection:
                self._database.exclusive(connection, "erasure")
                part, files = self._erase(connection, some, why)
            for sha256 in files:
                self._sounds.discard(sha256)
            done = done.plus(part)
        if done.documents and rewrite:
            done = done.model_copy(update={"compacted": compact(self._database)})
        return done

    def newest(self) -> int:
        """Grows with every deletion, in whatever process; 0 where there was none."""
        query = sa.select(sa.func.max(_log.c.seq)).where(_log.c.kind == ERASED)
        with self._database.read() as connection:
            return connection.execute(query).scalar() or 0

    def _refuse_unknown(self, ids: Sequence[str]) -> None:
        with self._database.read() as connection:
            for some in batches(ids):
                query = sa.select(documents.c.id).where(documents.c.id.in_(some))
                known = set(connection.execute(query).scalars())
                for id in some:
                    if id not in known:
                        raise NotFound(
                            f"There is no document `{id[:256]}`; nothing was deleted.", field="id"
                        )

    def _erase(
        self, connection: sa.Connection, ids: Sequence[str], why: str
    ) -> tuple[Erased, list[str]]:
        self._refuse_training(connection)
        rows = connection.execute(
            sa.select(documents.c.text_sha256, documents.c.recording_sha256)
            .where(documents.c.id.in_(ids))
            .with_for_update()
        ).all()
        texts = {row.text_sha256 for row in rows if row.text_sha256}
        sounds = sorted({row.recording_sha256 for row in rows if row.recording_sha256})
        known = self._related(connection, ids, texts)
        learned_from = self._guidelines(connection, ids, texts)
        self._keep_audits(connection, ids)
        counts: dict[str, int] = {
            "events": forget_events(connection, known),
            "answers": forget_answers(connection, known),
            "trainings": self._strip_trainings(connection, learned_from, texts),
        }
        counts |= _delete_rows(connection, ids, texts)
        gone = self._unused(connection, sounds)
        counts["recordings"] = len(gone)
        for id in ids:
            self._events.append_with(connection, ERASED, erased_id(id), {"why": why})
        return Erased(**counts), gone

    def _refuse_training(self, connection: sa.Connection) -> None:
        running = connection.execute(
            sa.select(trainings.c.guideline, trainings.c.beat_at).where(
                trainings.c.status == "running"
            )
        )
        when = self._database.clock()
        for row in running:
            if lapse(row.beat_at, when) < HEARTBEAT_LAPSE:
                raise TrainingUnderWay(
                    f"A training of {row.guideline} runs and may have read what is to be deleted; "
                    "nothing was deleted. Try again when it has ended (`llmlabel train list`)."
                )

    def _related(self, connection: sa.Connection, ids: Sequence[str], texts: Set[str]) -> set[str]:
        """The ids of everything that goes, by which other rows may name it."""
        known = set(ids)
        queries = [
            *(sa.select(t.c.id).where(t.c.document_id.in_(ids)) for t in (labels, reviews)),
            *(sa.select(t.c.id).where(t.c.text_sha256.in_(texts)) for t in _BY_TEXT),
            sa.select(flags.c.id).where(_flagged(ids, texts)),
        ]
        for query in queries:
            known |= set(connection.execute(query).scalars())
        return known

    def _guidelines(
        self, connection: sa.Connection, ids: Sequence[str], texts: Set[str]
    ) -> set[str]:
        """Under which the texts may have been learned from."""
        asked = sa.union(
            sa.select(reviews.c.guideline).where(reviews.c.document_id.in_(ids)),
            sa.select(gold.c.guideline).where(gold.c.text_sha256.in_(texts)),
        )
        return set(connection.execute(asked).scalars())

    def _keep_audits(self, connection: sa.Connection, ids: Sequence[str]) -> None:
        for subject, guideline, result in kept_audits(connection, ids):
            loss = None
            if result.drawn:
                if result.pending:
                    continue  # nobody will ever decide it
                loss = self._weigh(result, subject, guideline)
            self._events.append_with(
                connection,
                AUDIT_KEPT,
                subject,
                {
                    "seq": result.seq,
                    "count": result.count,
                    "rate": result.rate,
                    "drawn": result.drawn,
                    "loss": loss,
                    "at": result.created_at.isoformat(),
                },
            )

    def _strip_trainings(
        self, connection: sa.Connection, guidelines: Set[str], texts: Set[str]
    ) -> int:
        changed = 0
        query = sa.select(trainings.c.id, trainings.c.payload).where(
            trainings.c.guideline.in_(guidelines), trainings.c.payload.is_not(None)
        )
        for row in connection.execute(query).all() if guidelines else ():
            before = bytes(row.payload)
            after = self._strip(before, texts)
            if after == before:
                continue
            values: dict[str, Any] = {
                "payload": after,
                "payload_sha256": after and hashlib.sha256(after).hexdigest(),
                "payload_bytes": after and len(after),
            }
            if after is None:
                values["active"] = False
            connection.execute(
                sa.update(trainings).where(trainings.c.id == row.id).values(**values)
            )
            self._events.append_with(
                connection, "training.stripped", row.id, {"kept": after is not None}
            )
            changed += 1
        return changed

    def _unused(self, connection: sa.Connection, sounds: Sequence[str]) -> list[str]:
        """Forget the recordings that no document has any more."""
        used = sa.select(documents.c.recording_sha256).where(
            documents.c.recording_sha256.in_(sounds)
        )
        gone = sorted(set(sounds) - set(connection.execute(used).scalars()))
        connection.execute(sa.delete(recordings).where(recordings.c.sha256.in_(gone)))
        return gone


_log = metadata.tables["events"]
_BY_TEXT = (gold, benchmarks)
_OWN = {table.name for table in (labels, reviews, requests, flags, documents, *_BY_TEXT)}


def erased_id(id: str) -> str:
    """Under which the log tells of a deletion: whoever knows the id can ask for it."""
    return f"e-{hashlib.sha256(id.encode()).hexdigest()[:32]}"


def _flagged(ids: Sequence[str], texts: Set[str]) -> sa.ColumnElement[bool]:
    """The flags on the documents, and on hidden gold of the same text."""
    hidden = sa.select(benchmarks.c.id).where(benchmarks.c.text_sha256.in_(texts))
    return sa.or_(flags.c.document_id.in_(ids), flags.c.review_id.in_(hidden))


def _delete_rows(connection: sa.Connection, ids: Sequence[str], texts: Set[str]) -> dict[str, int]:
    mine = sa.select(labels.c.id).where(labels.c.document_id.in_(ids))
    decided = sa.select(reviews.c.id).where(reviews.c.document_id.in_(ids))

    def delete(table: sa.Table, where: sa.ColumnElement[bool]) -> int:
        return int(connection.execute(sa.delete(table).where(where)).rowcount)

    counts = {
        "verdicts": delete(verdicts, verdicts.c.review_id.in_(decided)),
        "predictions": delete(predictions, predictions.c.label_id.in_(mine)),
        "reviews": delete(reviews, reviews.c.document_id.in_(ids)),
        "labels": delete(labels, labels.c.document_id.in_(ids)),
        "flags": delete(flags, _flagged(ids, texts)),
    }
    delete(requests, requests.c.document_id.in_(ids))
    # Whatever else names a document goes with it, also what a later release adds.
    others = [t for t in metadata.sorted_tables if "document_id" in t.c and t.name not in _OWN]
    for table in reversed(others):
        n = delete(table, table.c.document_id.in_(ids))
        if table.name == "webhook_deliveries":
            counts["messages"] = n
    for table in _BY_TEXT:
        counts[table.name] = delete(table, table.c.text_sha256.in_(texts))
    counts["documents"] = delete(documents, documents.c.id.in_(ids))
    return counts
