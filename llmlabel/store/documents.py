"""Documents: accepted once, read with everything known of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.domain.document import Document
from llmlabel.errors import NotFound
from llmlabel.store.cursors import cursor_of, seq_of
from llmlabel.store.database import Database, batches
from llmlabel.store.document_reads import has_status, new_document, queries, read_document
from llmlabel.store.labels import Labels, matches
from llmlabel.store.records import (
    DocumentStatus,
    Page,
    Recording,
    Request,
    StoredDocument,
)
from llmlabel.store.rows import (
    checked_id,
    document_of,
    dumped,
    request_of,
    row_of,
    same_content,
    same_recording,
)
from llmlabel.store.tables import documents, requests, transcriptions


class Asked(NamedTuple):
    """A guideline asked of a document and not answered yet."""

    document_id: str
    guideline: str
    run: int


# Called inside the transaction that accepts, so that work is queued exactly when it is accepted.
Enqueue = Callable[[sa.Connection, Sequence[Asked]], None]


class Documents:
    """The documents of one database."""

    def __init__(self, database: Database, labels: Labels) -> None:
        self._database = database
        self._labels = labels

    def add(
        self,
        new: Sequence[Document],
        guidelines: Sequence[str] | Mapping[str, Sequence[str]],
        enqueue: Enqueue | None = None,
    ) -> list[StoredDocument]:
        """Accept documents and what is asked of them, in one transaction.

        A document that is stored already is found, not stored again; guidelines that were not
        asked of it before are added.

        Args:
            new: The documents; the same one may occur twice.
            guidelines: Full references (`sentiment@1.0.0`) asked of every document, or of each
                by its id.
            enqueue: Queues the work on what was not asked before, in the same transaction.

        Returns:
            One per document given, in order.

        Raises:
            DocumentConflict: A stored document has this id but another text, language or
                metadata. Nothing is stored then.
            InvalidInput: An id is empty, too long or holds control characters.
        """
        rows: dict[str, dict[str, object]] = {}
        for document in new:
            row = row_of(document)
            same_content(rows.setdefault(document.id, row), row, document.id)
        ids = sorted(rows)  # one order everywhere, so that two writers never wait for each other
        created: set[str] = set()
        asked: list[Asked] = []
        with self._database.write() as connection:
            when = self._database.clock()
            for some in batches(ids):
                inserted = self._database.insert_new(
                    connection,
                    documents,
                    [{**rows[id], "created_at": when} for id in some],
                    [documents.c.id],
                )
                created.update(row.id for row in inserted)
                found = [id for id in some if id not in created]
                if found:
                    stored = connection.execute(
                        sa.select(documents).where(documents.c.id.in_(found))
                    )
                    for other in stored.mappings():
                        same_content(other, rows[other["id"]], other["id"])
                asked += self._ask(connection, some, guidelines, when)
            if enqueue is not None and asked:
                enqueue(connection, asked)
            found = [id for id in ids if id not in created]
            known = {item.id: item for item in self._load(connection, found)}
        refs: dict[str, list[str]] = defaultdict(list)
        for each in asked:
            refs[each.document_id].append(each.guideline)
        for document in new:
            if document.id not in known:
                known[document.id] = new_document(document, sorted(refs[document.id]), when)
        return [known[document.id] for document in new]

    def add_recording(
        self,
        id: str,
        recording: Recording,
        guidelines: Sequence[str],
        *,
        language: str | None = None,
        metadata: dict[str, JsonValue] | None = None,
        enqueue: Enqueue | None = None,
        enqueue_recording: Callable[[sa.Connection, str, int], None] | None = None,
    ) -> StoredDocument:
        """Accept a recording whose text comes later, in one transaction.

        Args:
            id: Of the document it becomes.
            recording: As `Recordings.save` gave it.
            guidelines: Full references asked of its transcript.
            language: ISO 639-1 code of the speech; None has it detected.
            metadata: Of the document.
            enqueue: As in `add`; for what is asked once more of a recording with a text.
            enqueue_recording: Queues the transcription (document id, run) of a new one.

        Raises:
            DocumentConflict: A document has this id but is not this recording.
            InvalidInput: The id is empty, too long or holds control characters.
        """
        row = {
            "id": checked_id(id),
            "text": None,
            "text_sha256": None,
            "language": language,
            "metadata": dumped(metadata or {}),
            "transcript": None,
            "recording_sha256": recording.sha256,
        }
        with self._database.write() as connection:
            when = self._database.clock()
            created = self._database.insert_new(
                connection, documents, [{**row, "created_at": when}], [documents.c.id]
            )
            if created:
                connection.execute(
                    sa.insert(transcriptions).values(
                        document_id=id,
                        status="queued",
                        run=1,
                        attempts=0,
                        created_at=when,
                        updated_at=when,
                    )
                )
            else:
                stored = connection.execute(sa.select(documents).where(documents.c.id == id))
                same_recording(stored.mappings().one(), row, id)
            # Locked, so that its transcript cannot arrive between asking and queueing.
            state = connection.execute(
                sa.select(transcriptions)
                .where(transcriptions.c.document_id == id)
                .with_for_update()
            ).one()
            asked = self._ask(connection, [id], guidelines, when)
            if created and enqueue_recording is not None:
                enqueue_recording(connection, id, 1)
            elif asked and state.status == "done" and enqueue is not None:
                enqueue(connection, asked)
            elif state.status == "failed":
                connection.execute(
                    sa.update(requests)
                    .where(requests.c.document_id == id, requests.c.status == "queued")
                    .values(status="failed", error_code=state.error_code, error=state.error)
                )
            (known,) = self._load(connection, [id])
        return known.model_copy(update={"created": bool(created)})

    def _ask(
        self,
        connection: sa.Connection,
        ids: Sequence[str],
        guidelines: Sequence[str] | Mapping[str, Sequence[str]],
        when: datetime,
    ) -> list[Asked]:
        by_id = guidelines if isinstance(guidelines, Mapping) else dict.fromkeys(ids, guidelines)
        named = dict.fromkeys(ref for id in ids for ref in by_id[id])
        rows = [
            {
                "document_id": id,
                "guideline": guideline,
                "status": "queued",
                "run": 1,
                "attempts": 0,
                "created_at": when,
                "updated_at": when,
            }
            for guideline in named
            for id in ids
            if guideline in by_id[id]
        ]
        key = [requests.c.document_id, requests.c.guideline]
        return [
            Asked(row.document_id, row.guideline, 1)
            for some in batches(rows)
            for row in self._database.insert_new(connection, requests, some, key)
        ]

    def get(self, id: str) -> StoredDocument:
        """One document with its requests and current labels.

        Raises:
            NotFound: There is none under that id.
        """
        found = self.get_many([id])
        if not found:
            raise NotFound(f"There is no document `{id}`; submit it first.", field="id")
        return found[0]

    def get_many(self, ids: Collection[str]) -> list[StoredDocument]:
        """The stored ones among these ids, in the order of `ids`."""
        with self._database.read() as connection:
            return self._load(connection, list(dict.fromkeys(ids)))

    def texts(self, ids: Sequence[str]) -> list[Document]:
        """The documents alone, in order; those without a text yet are left out."""
        found = {}
        with self._database.read() as connection:
            for some in batches(ids):
                rows = connection.execute(queries().texts, {"ids": some})
                found.update({row["id"]: document_of(row) for row in rows.mappings()})
        return [document for id in ids if (document := found.get(id)) is not None]

    def page(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        status: DocumentStatus | None = None,
        guideline: str | None = None,
    ) -> Page:
        """A page of documents, newest first; documents added meanwhile do not shift it.

        Args:
            limit: At most so many.
            cursor: From the page before; None starts at the newest.
            status: Only those with this status.
            guideline: Only those of which this guideline was asked: a name or a `name@version`.

        Raises:
            InvalidInput: The cursor is not one that this method gave.
        """
        query = sa.select(documents.c.seq, documents.c.id).order_by(documents.c.seq.desc())
        if cursor is not None:
            query = query.where(documents.c.seq < seq_of(cursor))
        if status is not None:
            query = query.where(has_status(status))
        if guideline is not None:
            asked = sa.exists().where(
                requests.c.document_id == documents.c.id, matches(requests.c.guideline, guideline)
            )
            query = query.where(asked)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
            items = self._load(connection, [row.id for row in rows[:limit]])
        more = len(rows) > limit
        return Page(items=tuple(items), cursor=cursor_of(rows[limit - 1].seq) if more else None)

    def _load(self, connection: sa.Connection, ids: Sequence[str]) -> list[StoredDocument]:
        found: dict[str, StoredDocument] = {}
        for some in batches(ids):
            found.update(self._load_some(connection, some))
        return [found[id] for id in ids if id in found]

    def _load_some(
        self, connection: sa.Connection, ids: Sequence[str]
    ) -> dict[str, StoredDocument]:
        reads, given = queries(), {"ids": list(ids)}
        rows = connection.execute(reads.documents, given).mappings().all()
        asked: dict[str, list[Request]] = {id: [] for id in ids}
        for row in connection.execute(reads.requests, given).mappings():
            asked[row["document_id"]].append(request_of(row))
        labels = self._labels.current(connection, ids)
        waiting = set(connection.execute(reads.held_up, given).scalars())
        return {
            row["id"]: read_document(
                row, asked[row["id"]], labels.get(row["id"], {}), row["id"] in waiting
            )
            for row in rows
        }
