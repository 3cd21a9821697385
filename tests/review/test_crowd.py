"""Many reviewers at once: nothing is decided twice, nothing is lost, nobody sits twice."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.errors import Conflict, NotFound
from llmlabel.review import Filter, ReviewQueue
from llmlabel.store import Store

ANSWERS = [ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")]
ADJUDICATION = Filter(queue="adjudication")


def _work(queue: ReviewQueue, name: str, left: Callable[[], int]) -> Counter[str]:
    """Take, decide, skip, give back and take back at random until nothing waits."""
    dice = random.Random(name)
    decided: Counter[str] = Counter()
    while left():
        where = ADJUDICATION if dice.random() < 0.2 else Filter()
        items = queue.take(name, dice.randint(1, 4), where, dice.choice([None, "tab"]))
        panels = [item.panel for item in items if item.panel]
        assert len(set(panels)) == len(panels), "two seats of a panel"
        for item in items:
            chance = dice.random()
            if chance < 0.1:
                queue.release(item.id, item.token, name)
            elif chance < 0.15:
                queue.verdict(item.id, token=item.token, kind="skip", reviewer=name)
            else:
                queue.verdict(
                    item.id,
                    token=item.token,
                    kind="correct",
                    reviewer=name,
                    answer=dice.choices(ANSWERS, [3, 1])[0],
                )
                decided[item.id] += 1
        if dice.random() < 0.1:
            try:
                back = queue.undo_last(name)
            except (Conflict, NotFound):
                continue
            queue.release(back.id, back.token, name)
            decided[back.id] = max(0, decided[back.id] - 1)
    return decided


def test_many_reviewers_at_once_settle_every_document_exactly_once(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    singles = [f"single-{n}" for n in range(20)]
    ask(*singles)
    pairs = [f"pair-{n}" for n in range(12)]
    ask(*pairs, reviewers=2)

    def left() -> int:
        return store.counts().reviews_open

    names = [f"reviewer-{n}" for n in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: _work(queue, name, left), names))

    items = store.reviews.page(limit=200).items
    assert {item.status for item in items} <= {"done", "withdrawn"}
    members: dict[str, list[str]] = {}
    for item in items:
        if item.status == "done":
            assert item.verdict is not None
            members.setdefault(item.document.id, []).append(item.verdict.reviewer)
            standing = [each for each in queue.history(item.id) if not each.undone]
            assert [each.kind for each in standing if each.kind != "skip"] == ["correct"]
    assert all(len(set(given)) == len(given) for given in members.values()), "somebody sat twice"
    assert {len(members[id]) for id in singles} == {1}
    assert {len(members[id]) for id in pairs} <= {2, 3}
    verified = store.verified("sentiment@1.0.0")
    assert sorted(each.document.id for each in verified) == sorted(singles + pairs)
    assert store.verified.decided_since("sentiment", None) == len(singles + pairs)
    by_document = {each.document.id: each.answer for each in verified}
    for document in store.documents.page(limit=200).items:
        (stored,) = document.labels
        assert stored.label.verified
        assert stored.label.answer == by_document[document.id]


def test_two_tabs_of_one_reviewer_never_get_two_seats_of_a_panel(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask(*(f"d{n}" for n in range(10)), reviewers=2)
    ready = threading.Barrier(4)

    def take(session: int) -> list[str | None]:
        ready.wait()
        return [
            item.panel
            for _ in range(5)
            for item in queue.take("ann", 1, session=f"{session}-{random.random()}")
        ]

    with ThreadPoolExecutor(4) as pool:
        panels = [panel for found in pool.map(take, range(4)) for panel in found]
    assert len(panels) == len(set(panels)) == 10
