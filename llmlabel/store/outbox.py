"""What endpoints are to be told, written in the transaction in which it happened.

A row per endpoint and event, not a place in a log that a sender remembers: on PostgreSQL a row
with a lower number may be committed after one with a higher number, and would be passed over.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from llmlabel.domain.label import Label
from llmlabel.domain.webhook import EventKind, Notice, Webhook
from llmlabel.store.database import batches
from llmlabel.store.webhook_tables import deliveries, webhooks


def put(connection: sa.Connection, when: datetime, notices: Sequence[Notice]) -> int:
    """Have the endpoints told that want to know; true exactly when the transaction commits.

    Args:
        connection: The transaction.
        when: It happened.
        notices: What happened, in order.

    Returns:
        How many messages are to be sent; 0 where nobody wants to know.
    """
    if not notices:
        return 0
    told = [webhook_of(row) for row in connection.execute(_enabled())]
    rows = [
        {
            "id": f"msg_{uuid.uuid4().hex}",
            "webhook_id": webhook.id,
            "kind": notice.kind,
            "guideline": notice.guideline,
            "document_id": notice.document_id,
            "path": notice.path,
            "payload": json.dumps(notice.data),
            "status": "waiting",
            "attempts": 0,
            "due_at": when,
            "claim": "",
            "created_at": when,
        }
        for notice in notices
        for webhook in told
        if webhook.wants(notice.kind, notice.guideline)
    ]
    for some in batches(rows):
        connection.execute(sa.insert(deliveries), some)
    return len(rows)


@lru_cache(maxsize=1)
def _enabled() -> sa.Select[Any]:
    return sa.select(webhooks).where(webhooks.c.enabled).order_by(webhooks.c.seq)


def label_notice(id: str, label: Label, *, review_id: str | None = None) -> Notice:
    """That there is a label: by the machine, by a person, or as it was before a verdict.

    Args:
        id: Of the label.
        label: It. Nothing of its answer is told: an answer may be a text.
        review_id: Of the item on which a person decided it.
    """
    confidence = label.confidence
    kind: EventKind = "review.verified" if label.verified else "document.labeled"
    data: dict[str, Any] = {
        "document_id": label.document_id,
        "guideline": label.guideline,
        "label_id": id,
        "route": label.route.value,
        "answered": label.answer is not None,
        "confidence": None if confidence is None else confidence.value,
        "calibrated": None if confidence is None else confidence.calibrated,
        "certificate": label.certificate,
    }
    if review_id is not None:
        data["review_id"] = review_id
    return Notice(
        kind=kind,
        guideline=label.guideline,
        document_id=label.document_id,
        path=document_path(label.document_id),
        data=data,
    )


def review_notice(row: Mapping[str, Any]) -> Notice:
    """That a person is needed, of a row of `reviews`.

    Neither confidence nor reason nor kind is told: reviewers may read it, and must not know of a
    blind item why it is there.
    """
    return Notice(
        kind="review.needed",
        guideline=row["guideline"],
        document_id=row["document_id"],
        path=f"/v1/reviews/{quote(row['id'], safe='')}",
        data={
            "review_id": row["id"],
            "document_id": row["document_id"],
            "guideline": row["guideline"],
        },
    )


def gate_notice(
    kind: EventKind, guideline: str, reason: str | None = None, certificate: str | None = None
) -> Notice:
    """That a guideline's gate was closed or opened."""
    data: dict[str, Any] = {"guideline": guideline}
    if kind == "gate.closed":
        data |= {"reason": reason, "certificate": certificate}
    name = quote(guideline, safe="@")
    path = f"/v1/metrics/quality?guideline={name}"
    return Notice(kind=kind, guideline=guideline, path=path, data=data)


def document_path(id: str) -> str:
    """Where a document is read."""
    return f"/v1/documents/{quote(id, safe='')}"


def webhook_of(row: sa.Row[Any]) -> Webhook:
    """A row of `webhooks`, without its secrets."""
    return Webhook(
        id=row.id,
        url=row.url,
        events=tuple(json.loads(row.events)),
        guidelines=None if row.guidelines is None else tuple(json.loads(row.guidelines)),
        note=row.note,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        failures=row.failures,
        rests_until=row.rests_until,
        old_secret_until=row.old_secret_until,
        created_at=row.created_at,
    )
