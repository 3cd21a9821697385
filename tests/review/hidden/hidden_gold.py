"""Imported right answers, and a reviewer who meets and decides them among the others."""

from __future__ import annotations

from typing import Any

from llmlabel.domain.answer import Answer, ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.review import ReviewQueue
from llmlabel.store import ReviewItem, Store

REF = "sentiment@1.0.0"
POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")


class Chance:
    """Hidden gold always, until told otherwise."""

    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self) -> float:
        return self.value


def gold(store: Store, *texts: str, answer: Answer | None = POSITIVE, ref: str = REF) -> None:
    new = [NewGold(document=Document.of_text(text), answer=answer) for text in texts]
    store.gold.add(new, ref, replace=True)


def take(queue: ReviewQueue, reviewer: str = "ann") -> ReviewItem:
    item = queue.next(reviewer)
    assert item is not None
    return item


def say(
    queue: ReviewQueue, item: ReviewItem, answer: Answer | None = POSITIVE, **more: Any
) -> ReviewItem:
    kind = more.pop("kind", "reject" if answer is None else "correct")
    reviewer = more.pop("reviewer", "ann")
    return queue.verdict(
        item.id, token=item.token, kind=kind, reviewer=reviewer, answer=answer, **more
    )
