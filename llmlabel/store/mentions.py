"""Where a document is told of beside its own rows: kept answers and the log of what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.store.database import batches
from llmlabel.store.tables import events, idempotency

_PAGE = 500
_KEPT = ("kind", "code", "guideline", "certificate", "status")
"""What of an event stays beside its numbers."""

GONE = json.dumps(
    {
        "type": "about:blank",
        "title": "Gone",
        "status": 410,
        "detail": "A document in this answer was deleted, and the answer with it.",
    }
)


def forget_answers(connection: sa.Connection, ids: Set[str]) -> int:
    """Answers kept by Idempotency-Key in which one of these ids occurs say that they are gone."""
    after, changed = "", 0
    query = sa.select(idempotency.c.key, idempotency.c.body).order_by(idempotency.c.key)
    while True:
        page = connection.execute(query.where(idempotency.c.key > after).limit(_PAGE)).all()
        found = [row.key for row in page if row.body and _mentions(_read(row.body), ids)]
        if found:
            connection.execute(
                sa.update(idempotency)
                .where(idempotency.c.key.in_(found))
                .values(
                    status=410,
                    headers=json.dumps({"content-type": "application/problem+json"}),
                    body=GONE,
                )
            )
            changed += len(found)
        if len(page) < _PAGE:
            return changed
        after = page[-1].key


def forget_events(connection: sa.Connection, ids: Set[str]) -> int:
    """Events about these ids are deleted; of those that only name one, the numbers stay."""
    after, changed = 0, 0
    query = sa.select(events).order_by(events.c.seq)
    while True:
        page = connection.execute(query.where(events.c.seq > after).limit(_PAGE)).all()
        own = [row.seq for row in page if row.subject in ids]
        for some in batches(own):
            connection.execute(sa.delete(events).where(events.c.seq.in_(some)))
        changed += len(own)
        for row in page:
            payload = _read(row.payload)
            if row.subject not in ids and _mentions(payload, ids):
                kept = json.dumps(_numbers(payload))
                connection.execute(
                    sa.update(events).where(events.c.seq == row.seq).values(payload=kept)
                )
                changed += 1
        if len(page) < _PAGE:
            return changed
        after = page[-1].seq


def _numbers(payload: JsonValue) -> dict[str, Any]:
    fields = payload if isinstance(payload, dict) else {}
    return {
        name: value
        for name, value in fields.items()
        if isinstance(value, int | float) or name in _KEPT
    } | {"erased": True}


def _read(text: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except ValueError:
        return text
    return value


def _mentions(value: JsonValue, ids: Set[str]) -> bool:
    return any(each in ids for each in _strings(value))


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
