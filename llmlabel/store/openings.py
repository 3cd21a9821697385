"""Which labels open a review, of which kind, in which place of the queue, and who sees what."""

from __future__ import annotations

import hashlib
from datetime import datetime
from math import isnan
from typing import Any

from llmlabel.domain.gold import blind_draw
from llmlabel.domain.label import Label, Route
from llmlabel.domain.review import ReviewKind

BLIND_SHARE = 0.2
"""Share of the reviews that are blind although they are no part of an audit."""

AUDIT_PRIORITY = 1_000_000.0
"""Of audits and of every other blind item: they come first, and none tells what it is."""

FORCED_PRIORITY = 1000.0
"""Of items that are reviewed because everything is: in the order in which they came.

Their verdicts are a random sample only if doubt has no say in which of them are decided.
"""

_HIGHEST = 999.0


def wants_review(label: Label) -> bool:
    """Whether a person looks at a label of the pipeline: a doubt, or a draw."""
    return not label.verified and (label.route is Route.REVIEW or label.drawn)


def review_rows(
    label_id: str, label: Label, when: datetime, *, priority: float | None, language: str | None
) -> list[dict[str, Any]]:
    """The reviews that a label opens, as rows of `reviews`: one, or the seats of its panel.

    A seat is blind, and in nothing else different from any other blind item. No verdict on it
    settles the label until all are given.
    """
    return seats_of(_row(label_id, label, when, priority) | {"language": language}, label.reviewers)


def seats_of(row: dict[str, Any], reviewers: int) -> list[dict[str, Any]]:
    """A row of `reviews` for one person, or one for each of several."""
    if reviewers == 1:
        return [row | {"panel": None, "seat": 0, "settles": True}]
    seat = row | {"blind": True, "priority": AUDIT_PRIORITY, "settles": False}
    name = row["id"][1:]  # that of the label, with an `r` in the place of its `l`
    return [
        seat | {"id": derived_id("l" + name, f"seat {n}"), "panel": "p" + name, "seat": n}
        for n in range(1, reviewers + 1)
    ]


def derived_id(label_id: str, part: str) -> str:
    """The id of one of several reviews of a label, in the form of every other."""
    digest = hashlib.sha256(f"{label_id}\x1f{part}".encode()).hexdigest()
    return "r-" + digest[:32]


def _row(label_id: str, label: Label, when: datetime, priority: float | None) -> dict[str, Any]:
    """The review of one person.

    It is part of a random sample (`sampled`) where the document was drawn, or where everything
    was reviewed. It is blind where it was drawn; and, where there are audits at all, elsewhere
    with a fixed share, so that a blind item does not tell that it is an audit.
    """
    kind: ReviewKind = "doubt"
    sampled = label.audit_rate if label.drawn else None
    if label.route is not Route.REVIEW:
        kind = "audit"
    elif label.forced:
        kind, sampled = "forced", 1.0
    chance = blind_draw("", label.guideline, label.text_sha256)
    blind = label.drawn or (label.audit_rate > 0 and chance < BLIND_SHARE)
    place = place_in_queue(priority)
    return {
        "id": "r" + label_id[1:],
        "label_id": label_id,
        "document_id": label.document_id,
        "guideline": label.guideline,
        "reason": label.reason,
        "status": "open",
        "priority": AUDIT_PRIORITY if blind else FORCED_PRIORITY if kind == "forced" else place,
        "token": 0,
        "created_at": when,
        "kind": kind,
        "blind": blind,
        "sampled": sampled,
    }


def place_in_queue(priority: float | None) -> float:
    """The priority of a doubted item: the given value, kept below that of forced and blind ones."""
    if priority is None or isnan(priority):
        return 0.0
    return min(priority, _HIGHEST)
