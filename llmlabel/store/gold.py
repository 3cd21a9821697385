"""Gold: imported right answers, and the verdicts that belong to a random sample."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from pydantic import Field

from llmlabel.domain.answer import Answer
from llmlabel.domain.base import Value
from llmlabel.domain.gold import GoldItem, GoldSource, NewGold, Part
from llmlabel.errors import Conflict, NotFound
from llmlabel.store.database import Database, batches
from llmlabel.store.gates import newer_than
from llmlabel.store.learning_records import GoldImport
from llmlabel.store.tables import gold, verdicts
from llmlabel.store.verified import (
    current_gold,
    documents_of,
    gold_document,
    read_answer,
    standing,
)


class GoldCount(Value):
    """How much gold there is of one guideline, from one source, for one use."""

    guideline: str
    source: GoldSource
    part: Part
    n: int
    labels: dict[str, int] = Field(description="Documents or units by label; `` is: no answer.")


class Gold:
    """The gold of one database. Verdicts are never copied: what is undone is gold no more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        items: Sequence[NewGold],
        guideline: str,
        *,
        origin: str = "import",
        replace: bool = False,
    ) -> GoldImport:
        """Import right answers, all or none.

        Args:
            items: A text at most once with each answer; repeats are harmless.
            guideline: `name@version`; the answers must be allowed by it.
            origin: Where they come from: the name of the file.
            replace: An answer other than the imported one takes its place; the old one stays in
                the history.

        Raises:
            Conflict: Another answer was imported of the same text and `replace` is false, or
                `items` holds two answers of one text. Names both.
        """
        known = replaced = 0
        with self._database.write() as connection:
            self._database.exclusive(connection, f"gold {guideline}")
            stored = self._stored(connection, items, guideline)
            fresh: dict[str, NewGold] = {}
            for item in items:
                sha256 = item.document.text_sha256
                here, there = fresh.get(sha256), stored.get(sha256)
                if here is not None and here.answer != item.answer:
                    raise Conflict(_contradiction(item, here.place or "earlier"), field="answer")
                if here is not None:
                    known += 1
                elif there is None:
                    fresh[sha256] = item
                elif read_answer(there["answer"]) == item.answer:
                    known += 1
                elif replace:
                    fresh[sha256] = item
                    replaced += 1
                else:
                    where = f"{there['id']} (from {there['origin']})"
                    raise Conflict(_contradiction(item, where), field="answer")
            self._insert(connection, list(fresh.values()), guideline, origin)
        return GoldImport(added=len(fresh), replaced=replaced, known=known)

    def stored_answers(
        self, guideline: str, text_sha256s: Sequence[str]
    ) -> dict[str, tuple[str, Answer | None]]:
        """By hash of the text: id and answer of imported gold."""
        with self._database.read() as connection:
            return {
                row["text_sha256"]: (row["id"], read_answer(row["answer"]))
                for some in batches(text_sha256s)
                for row in current_gold(connection, guideline, gold.c.text_sha256.in_(some))
            }

    def items(
        self,
        guideline: str | None = None,
        part: Part | None = None,
        since: datetime | None = None,
        source: GoldSource | None = None,
    ) -> list[GoldItem]:
        """Imported gold, and the verdicts on documents that were chosen at random.

        Where a text was imported, its verdicts are left out: the import outweighs them.

        Args:
            guideline: `name@version`, or a name; all without it.
            part: Only what may fit, or only what may certify.
            since: Only from this moment on. A gate's `gold_since` means the rows added after
                the gate closed, whatever the clock did since.
            source: Only imported, or only from verdicts.
        """
        with self._database.read() as connection:
            imported = _imported(connection, guideline, since)
            texts = {(item.guideline, item.document.text_sha256) for item in imported}
            decided = [] if source == "import" else _decided(connection, guideline, since)
        found = [] if source == "verdict" else imported
        found += [
            item for item in decided if (item.guideline, item.document.text_sha256) not in texts
        ]
        return [item for item in found if part is None or item.part == part]

    def get(self, id: str) -> GoldItem:
        """One item by its id, or by that of its document.

        Raises:
            NotFound: There is none under that id.
        """
        for item in self.items():
            if id in (item.id, item.document.id):
                return item
        raise NotFound(
            f"There is no gold `{id[:64]}`; `llmlabel gold export` names them all.", field="id"
        )

    def counts(self, guideline: str | None = None) -> list[GoldCount]:
        """How much there is, by guideline, source and part."""
        tally: Counter[tuple[str, GoldSource, Part]] = Counter()
        given: dict[tuple[str, GoldSource, Part], Counter[str]] = {}
        for item in self.items(guideline):
            key = (item.guideline, item.source, item.part)
            tally[key] += 1
            given.setdefault(key, Counter()).update(label_names(item.answer))
        return [
            GoldCount(
                guideline=key[0],
                source=key[1],
                part=key[2],
                n=tally[key],
                labels=dict(given[key].most_common()),
            )
            for key in sorted(tally)
        ]

    def _stored(
        self, connection: sa.Connection, items: Sequence[NewGold], guideline: str
    ) -> dict[str, sa.RowMapping]:
        wanted = sorted({item.document.text_sha256 for item in items})
        return {
            row["text_sha256"]: row
            for some in batches(wanted)
            for row in current_gold(connection, guideline, gold.c.text_sha256.in_(some))
        }

    def _insert(
        self, connection: sa.Connection, items: Sequence[NewGold], guideline: str, origin: str
    ) -> None:
        rows = [
            {
                "id": f"g-{uuid.uuid4().hex}",
                "guideline": guideline,
                "document_id": item.document.id,
                "text": item.document.text,
                "text_sha256": item.document.text_sha256,
                "language": item.document.language,
                "answer": None if item.answer is None else item.answer.model_dump_json(),
                "origin": origin,
                "created_at": self._database.clock(),
            }
            for item in items
        ]
        for some in batches(rows):
            connection.execute(sa.insert(gold), list(some))


def label_names(answer: Answer | None) -> list[str]:
    """The labels of an answer, repeats included; an empty one where there is no answer."""
    match answer:
        case None:
            return [""]
        case _ if answer.kind == "choice":
            return [answer.label]
        case _ if answer.kind == "spans":
            return [span.label for span in answer.spans]
        case _ if answer.kind == "tokens":
            return [token.label for token in answer.tokens]
    return []


def _imported(
    connection: sa.Connection, guideline: str | None, since: datetime | None
) -> list[GoldItem]:
    newer = newer_than(connection, guideline, since, gold)
    return [
        GoldItem(
            id=row["id"],
            guideline=row["guideline"],
            document=gold_document(row),
            answer=read_answer(row["answer"]),
            source="import",
            origin=row["origin"],
            created_at=row["created_at"],
        )
        for row in current_gold(connection, guideline, newer)
    ]


def _decided(
    connection: sa.Connection, guideline: str | None, since: datetime | None
) -> list[GoldItem]:
    newer = newer_than(connection, guideline, since, verdicts)
    found = [each for each in standing(connection, guideline, newer=newer) if each.sampled]
    texts = documents_of(connection, [each.document_id for each in found])
    return [
        GoldItem(
            id=each.review_id,
            guideline=each.guideline,
            document=texts[each.document_id],
            answer=each.answer,
            source="verdict",
            origin=each.reviewer,
            sampled=each.sampled or 1.0,
            created_at=each.created_at,
        )
        for each in found
    ]


def _contradiction(item: NewGold, other: str) -> str:
    what = "none" if item.answer is None else item.answer.model_dump_json(exclude={"kind"})
    return (
        f"{item.place or item.document.id}: the answer {what} contradicts the one at {other} of "
        "the same text; keep the right one."
    )
