"""What must hold of a review queue however many worked on it, looked up in the database."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa

from eval.load_reviewers import Diary, Told
from llmlabel.store import Store
from llmlabel.store.tables import benchmarks, labels, reviews, verdicts
from llmlabel.store.verified import read_answer

Key = tuple[str, str, str, int]
"""A review, a reviewer, the kind of the verdict, the token of the lease."""


def broken(
    store: Store, seeded: int, diary: Diary, inside: sa.Connection | None = None
) -> list[str]:
    """Every rule that does not hold, as a sentence; none where all is well.

    Args:
        store: The database the reviewers worked on; the service is stopped.
        seeded: So many reviews were put into it.
        diary: What the reviewers were told.
        inside: Look from within this transaction.
    """
    with nullcontext(inside) if inside else store.database.read() as connection:
        rows = connection.execute(sa.select(reviews)).all()
        given = connection.execute(sa.select(verdicts).order_by(verdicts.c.seq)).all()
        hidden = connection.execute(sa.select(benchmarks)).all()
        newest = _newest_labels(connection)
    return [
        *(f"{id} was given to two reviewers under one token" for id in diary.twice),
        *diary.surprises,
        *_lost(rows, seeded),
        *_decided_once(rows, given),
        *_panels(rows),
        *_told(given, {row.id: row for row in hidden}, diary),
        *_labeled(rows, given, newest),
    ]


def counts(store: Store) -> dict[str, int]:
    """How many reviews are in which state, and how many verdicts stand."""
    with store.database.read() as connection:
        found = connection.execute(
            sa.select(reviews.c.status, sa.func.count()).group_by(reviews.c.status)
        )
        states = {str(status): int(n) for status, n in found}
        kinds = connection.execute(
            sa.select(verdicts.c.kind, sa.func.count()).group_by(verdicts.c.kind)
        )
        adjudications = sa.select(sa.func.count()).where(reviews.c.kind == "adjudication")
        return {
            **{f"reviews {name}": n for name, n in sorted(states.items())},
            "adjudications": int(connection.execute(adjudications).scalar_one()),
            **{f"verdicts {kind}": n for kind, n in sorted(tuple(row) for row in kinds)},
            "benchmarks decided": int(
                connection.execute(
                    sa.select(sa.func.count()).where(benchmarks.c.status == "done")
                ).scalar_one()
            ),
        }


def _lost(rows: Any, seeded: int) -> Iterator[str]:
    there = [row for row in rows if row.kind != "adjudication"]
    if len(there) != seeded:
        yield f"{seeded} reviews were seeded, {len(there)} are there"
    odd = Counter(row.status for row in there if row.status not in {"open", "done"})
    if odd:
        yield f"seeded reviews are neither open nor done: {dict(odd)}"


def _decided_once(rows: Any, given: Any) -> Iterator[str]:
    undone = {row.undoes for row in given if row.kind == "undo"}
    standing: dict[str, list[int]] = defaultdict(list)
    for row in given:
        if row.kind not in {"undo", "skip"} and row.seq not in undone:
            standing[row.review_id].append(row.seq)
    for row in rows:
        expected = [row.winner] if row.status == "done" else []
        if standing[row.id] != expected:
            yield f"{row.id} is {row.status}, and its standing verdicts are {standing[row.id]}"


def _panels(rows: Any) -> Iterator[str]:
    panels: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if row.panel is not None:
            panels[row.panel].append(row)
    for panel, members in panels.items():
        done = [row for row in members if row.status == "done"]
        people = [row.leased_by for row in done]
        if len(people) != len(set(people)):
            parts = [(row.id, row.seat, row.leased_by) for row in done]
            yield f"panel {panel}: one reviewer decided two of its parts: {parts}"
        settling = [row for row in done if row.settles]
        seats = [row for row in members if row.seat]
        complete = all(row.status == "done" for row in seats)
        judged = [row for row in members if not row.seat and row.status != "withdrawn"]
        if len(settling) > 1 or (settling and not complete):
            yield f"panel {panel} is settled by {len(settling)} rows, complete: {complete}"
        if complete and not settling and not judged:
            yield f"panel {panel} is complete, has no answer and no adjudication"


def _told(given: Any, hidden: dict[str, Any], diary: Diary) -> Iterator[str]:
    stored: Counter[Key] = Counter()
    answers: dict[Key, str | None] = {}
    for row in given:
        # An undo gives a new lease, and the reviewer is told the token of that one.
        token = row.token + 1 if row.kind == "undo" else row.token
        key = (row.review_id, row.reviewer, row.kind, token)
        stored[key] += 1
        answers[key] = _label_of(row.answer)
    last: dict[str, Told] = {}
    claimed: Counter[Key] = Counter()
    for each in diary.told:
        if each.review_id in hidden:
            last[each.review_id] = each
            continue
        key = (each.review_id, each.reviewer, each.kind, each.token)
        claimed[key] += 1
        if stored[key] < claimed[key]:
            yield f"{each} was answered with 200 and is not in the database"
        elif each.label is not None and answers[key] != each.label:
            yield f"{each} was answered with 200; the database says {answers[key]}"
    extra = stored.total() - claimed.total()
    if extra > diary.unanswered:
        yield f"{extra} verdicts are in the database that nobody was told of"
    for each in last.values():
        row = hidden[each.review_id]
        decided = each.kind != "undo"  # nobody else gets one that was skipped
        if (row.status == "done") != decided or (decided and row.kind != each.kind):
            yield f"{each} was answered with 200; the benchmark is {row.status}, {row.kind}"


def _labeled(rows: Any, given: Any, newest: dict[tuple[str, str], Any]) -> Iterator[str]:
    answers = {row.seq: _label_of(row.answer) for row in given}
    settled = {
        (row.document_id, row.guideline): answers.get(row.winner)
        for row in rows
        if row.status == "done" and row.settles
    }
    for key, label in newest.items():
        verified = key in settled
        if bool(label.verified) != verified:
            yield f"the label of {key} is verified: {bool(label.verified)}, should be {verified}"
        elif verified and _label_of_label(label.payload) != settled[key]:
            yield f"the label of {key} is not what its verdict says: {settled[key]}"


def _newest_labels(connection: sa.Connection) -> dict[tuple[str, str], Any]:
    rows = connection.execute(sa.select(labels).order_by(labels.c.seq))
    return {(row.document_id, row.guideline): row for row in rows}


def _label_of(answer: str | None) -> str | None:
    return getattr(read_answer(answer), "label", None)


def _label_of_label(payload: str) -> str | None:
    answer = json.loads(payload)["answer"]
    return None if answer is None else str(answer["label"])
