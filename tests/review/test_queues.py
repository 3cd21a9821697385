"""Which items a reviewer gets: by filter, by clearance; how many wait; hidden gold among them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from llmlabel.domain.answer import Answer, ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.people import Reviewer
from llmlabel.domain.promise import Loss
from llmlabel.domain.review import Waiting
from llmlabel.errors import Conflict, NotFound
from llmlabel.review import Filter, ReviewQueue
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.review.waiting import Remembered
from llmlabel.store import Asker, Store
from llmlabel.store.free import free_rows

if TYPE_CHECKING:
    from told_clock import Clock

POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")


def _taken(queue: ReviewQueue, where: Filter) -> list[str]:
    items = queue.take("ann", 20, where)
    queue.release_all([(item.id, item.token) for item in items], "ann")
    return [item.document.id for item in items]


@pytest.fixture
def mixed(
    ask: Callable[..., None], accept: Callable[..., None], relabel: Callable[[str], None]
) -> None:
    """One review of every kind."""
    ask("doubt", audit_rate=0.0)
    ask("forced", forced=True)
    accept("audit", drawn=True)
    accept("again")
    relabel("again")


@pytest.mark.usefixtures("mixed")
def test_items_are_given_by_why_they_are_reviewed_and_blind_ones_tell_nothing(
    queue: ReviewQueue,
) -> None:
    assert _taken(queue, Filter()) == ["audit", "forced", "doubt", "again"]
    assert _taken(queue, Filter(order="oldest")) == ["doubt", "forced", "audit", "again"]
    assert _taken(queue, Filter(kind="doubt")) == ["doubt"]
    assert _taken(queue, Filter(kind="forced")) == ["forced"]
    assert _taken(queue, Filter(kind="relabel")) == ["again"]
    assert _taken(queue, Filter(kind="breach")) == []
    assert _taken(queue, Filter(kind="blind")) == ["audit"]
    assert _taken(queue, Filter(queue="adjudication", kind="doubt")) == []


def test_items_are_given_by_language(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    store.documents.add([Document.of_text("Anna likes Rome", id="en", language="en")], [])
    with store.database.write() as connection:
        connection.execute(sa.text("update documents set language = 'en' where id = 'en'"))
    ask("none")
    label = store.documents.get("none").labels[0].label
    store.labels.save([label.model_copy(update={"document_id": "en"})])
    assert _taken(queue, Filter(language="en")) == ["en"]
    assert _taken(queue, Filter(language="de")) == []
    assert {each.language for each in queue.queues()} == {None, "en"}


def test_guidelines_are_mixed_in_the_order_of_the_whole_queue(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    ask("b", name="ner", answer=None)
    ask("c")
    ask("d", name="pos", answer=None, forced=True)
    assert _taken(queue, Filter()) == ["d", "a", "b", "c"]
    assert _taken(queue, Filter(order="oldest")) == ["a", "b", "c", "d"]


def test_a_reviewer_gets_only_what_they_are_cleared_for(
    store: Store, guideline: Callable[[str], Guideline], ask: Callable[..., None]
) -> None:
    people = {"ann": Reviewer(name="ann", guidelines=("ner",), adjudicates=False)}
    queue = ReviewQueue(
        store, guideline, clearance=lambda name: people.get(name, Reviewer(name=name))
    )
    ask("a")
    ask("b", name="ner", answer=None)
    assert _taken(queue, Filter()) == ["b"]
    assert _taken(queue, Filter(guideline="sentiment")) == []
    assert queue.waiting("ann") == Waiting(open=1, leased=0)
    assert queue.waiting("bob") == Waiting(open=2, leased=0)
    assert [each.guideline for each in queue.queues("ann")] == ["ner@1.0.0"]
    assert len(queue.queues()) == 2
    closed = next(item for item in queue.page().items if item.document.id == "a")
    with pytest.raises(Conflict, match="not cleared"):
        queue.take_one(closed.id, "ann")


def test_items_without_a_guideline_wait_and_hold_nobody_up(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", name="gone", forced=True)
    ask("b")
    assert _taken(queue, Filter()) == ["b"]
    assert [(each.guideline, each.open) for each in queue.queues()] == [
        ("gone@1.0.0", 1),
        ("sentiment@1.0.0", 1),
    ]


def test_adjudications_are_for_those_who_adjudicate(
    store: Store, guideline: Callable[[str], Guideline], ask: Callable[..., None]
) -> None:
    people = {"max": Reviewer(name="max", adjudicates=False)}
    queue = ReviewQueue(
        store, guideline, clearance=lambda name: people.get(name, Reviewer(name=name))
    )
    ask("a", reviewers=2)
    for reviewer, answer in (("ann", POSITIVE), ("bob", NEGATIVE)):
        (item,) = queue.take(reviewer)
        queue.verdict(item.id, token=item.token, kind="correct", reviewer=reviewer, answer=answer)
    where = Filter(queue="adjudication")
    assert queue.take("max", where=where) == []
    assert queue.waiting("max", where).open == 0
    assert queue.queues("max") == []
    assert queue.queues("ann") == [], "she was in the panel"
    (state,) = queue.queues("eve")
    assert (state.kind, state.open) == ("adjudication", 1)
    (item,) = queue.page(status="open").items
    with pytest.raises(Conflict, match="not cleared"):
        queue.take_one(item.id, "max")


def test_queues_tell_how_much_waits_and_how_long_it_takes(
    store: Store, queue: ReviewQueue, ask: Callable[..., None], clock: Clock
) -> None:
    ask("a", "b", "c")
    began = clock.time
    clock.pass_seconds(60)
    ask("d", "e", reviewers=2)
    for seconds in (4.0, 10.0, None):
        item = queue.take("ann", 1, Filter(kind="doubt"))[0]
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann", seconds=seconds)
    ask("f")
    queue.take("ann", 1, Filter(kind="doubt"))
    states = {state.kind: state for state in queue.queues()}
    assert set(states) == {"doubt", "blind"}
    assert (states["doubt"].open, states["doubt"].leased) == (1, 1)
    assert (states["blind"].open, states["blind"].leased) == (4, 0)
    assert states["blind"].oldest_at == began + timedelta(seconds=60)
    assert states["doubt"].median_seconds == 7.0
    assert states["blind"].seconds_to_clear == 28.0
    queue.take("bob", 1, Filter(kind="blind"))
    assert {each.kind: each.open for each in queue.queues("bob")}["blind"] == 3
    assert queue.waiting("bob", Filter(kind="blind")) == Waiting(open=4, leased=1)


def test_what_takes_long_to_count_is_remembered_for_a_while() -> None:
    moment = [0.0]
    counted: list[float] = []
    took = 0.001

    def count() -> float:
        moment[0] += took
        counted.append(moment[0])
        return moment[0]

    remembered = Remembered(lambda: moment[0])
    for _ in range(3):
        assert remembered.of("quick", count) == counted[-1]
    assert len(counted) == 3
    took = 1.0
    first = remembered.of("slow", count)
    moment[0] += 19.9
    assert remembered.of("slow", count) == first
    moment[0] += 0.2
    assert remembered.of("slow", count) != first


def test_a_lease_reads_the_queue_along_its_index(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", recordings=tmp_path)
    asker = Asker("ann", None, timedelta(minutes=5))
    wanted = {
        Filter(): "ix_reviews_place",
        Filter(kind="doubt"): "ix_reviews_kind_place",
        Filter(queue="adjudication"): "ix_reviews_kind_place",
        Filter(order="oldest"): "ix_reviews_status_guideline_seq",
    }
    for where, index in wanted.items():
        query, parameters = free_rows(
            asker,
            where,
            ["a@1.0.0"],
            datetime(2026, 1, 1, tzinfo=UTC),
            limit=10,
            again=False,
            besides=((), ()),
        )
        with store.database.read() as connection:
            compiled = query.compile(connection.engine)
            values = [parameters.get(name) for name in compiled.positiontup or ()]
            given = compiled.params
            rows = connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {compiled}",
                tuple(
                    str(value) if isinstance(value, datetime) else value or given[name]
                    for name, value in zip(compiled.positiontup or (), values, strict=True)
                ),
            )
            plan = [row[3] for row in rows]
        assert plan[0].startswith(f"SEARCH reviews USING INDEX {index} (status=? AND guideline=?")
        assert not any("TEMP B-TREE" in step for step in plan), "nothing is sorted"
    store.close()


class _Gold:
    """A queue whose guideline has hidden gold, given whenever `due`."""

    def __init__(self, store: Store, guideline: Callable[[str], Guideline]) -> None:
        self.due = True

        def measured(ref: str) -> Guideline:
            found = guideline(ref)
            policy = found.policy.model_copy(update={"benchmarks": 0.5})
            return found.model_copy(update={"policy": policy})

        def loss(
            given: Answer | None, right: Answer | None, loss: Loss, language: str | None
        ) -> float:
            return float(given != right)

        hidden = BenchmarkQueue(store, measured, loss, chance=lambda: 0.0 if self.due else 0.9)
        self.queue = ReviewQueue(store, measured, benchmarks=hidden)
        gold = [NewGold(document=Document.of_text(f"gold {n}"), answer=POSITIVE) for n in range(2)]
        store.gold.add(gold, "sentiment@1.0.0")


def test_hidden_gold_takes_the_place_of_other_items_and_is_worked_on_like_them(
    store: Store, guideline: Callable[[str], Guideline], ask: Callable[..., None], clock: Clock
) -> None:
    gold = _Gold(store, guideline)
    queue = gold.queue
    ask("a", "b", "c")
    items = queue.take("ann", 3, session="one")
    assert [item.kind for item in items] == ["benchmark", "doubt", "benchmark"]
    hidden, _, other = items
    assert hidden.hidden
    assert len(hidden.id) == len(items[1].id)
    assert [item.document.id for item in queue.take("bob", 1, Filter(kind="doubt"))] == ["b"]
    gold.due = False
    again = queue.take("ann", 3, session="one")
    assert sorted(item.id for item in again) == sorted(item.id for item in items)
    leases = [(item.id, item.token) for item in items]
    clock.pass_seconds(10)
    assert {each.code for each in queue.renew_all(leases, "ann")} == {None}
    done = queue.verdict(
        hidden.id, token=hidden.token, kind="correct", reviewer="ann", answer=NEGATIVE
    )
    assert (done.status, done.hidden) == ("done", True)
    assert store.verified.count("sentiment") == 2, "it makes no label and no gold"
    assert queue.undo_last("ann", "one").id == hidden.id
    assert queue.release_all([(other.id, other.token)], "ann") == 1
    with pytest.raises(NotFound):
        queue.undo_last("ann", "one")


def test_verdicts_on_hidden_gold_and_on_reviews_are_one_stack(
    store: Store, guideline: Callable[[str], Guideline], ask: Callable[..., None], clock: Clock
) -> None:
    queue = _Gold(store, guideline).queue
    ask("a")
    (hidden,) = queue.take("ann", 1, session="one")
    (item,) = queue.take("bob", 1, session="one")
    assert (hidden.kind, item.kind) == ("benchmark", "benchmark")
    review = queue.page().items[0]
    taken = queue.take_one(review.id, "ann", "one")
    for each in (hidden, taken):
        clock.pass_seconds(1)
        queue.verdict(each.id, token=each.token, kind="reject", reviewer="ann")
    with pytest.raises(Conflict, match="newest"):
        queue.undo(hidden.id, "ann", "one")
    assert queue.undo_last("ann", "one").id == review.id
    assert queue.undo(hidden.id, "ann", "one").id == hidden.id
