"""Clearances and flags, and what is refused of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from llmlabel.domain.guideline import Clause, Guideline
from llmlabel.domain.people import Reviewer
from llmlabel.domain.review import Filter
from llmlabel.errors import Conflict, InvalidInput, NotFound
from llmlabel.review import ReviewQueue
from llmlabel.review.people import clear, flag, resolve
from llmlabel.store import ReviewItem, Store

if TYPE_CHECKING:
    from told_clock import Clock

KNOWN = ("sentiment", "ner")


def test_whoever_was_given_no_clearance_may_review_everything(store: Store) -> None:
    nobody = store.people.get("ann")
    assert nobody == Reviewer(name="ann")
    assert nobody.may_review("sentiment@1.0.0")
    assert nobody.adjudicates
    assert store.people.list() == []


def test_a_clearance_reads_back_and_the_next_takes_its_place(store: Store) -> None:
    first = clear(store, " ann ", KNOWN, guidelines=["ner", "ner"], adjudicates=False, note=" new ")
    assert first == Reviewer(name="ann", guidelines=("ner",), adjudicates=False, note="new")
    assert store.people.get("ann") == first
    assert first.may_review("ner@2.0.0")
    assert not first.may_review("sentiment")
    clear(store, "ann", KNOWN, guidelines=[])
    assert not store.people.get("ann").may_review("ner")
    clear(store, "ann", KNOWN, guidelines=None)
    assert store.people.get("ann").guidelines is None
    kept = [each.payload["guidelines"] for each in store.events.of("ann", "reviewer.cleared")]
    assert kept == [["ner"], [], None]


def test_a_clearance_that_cannot_be_meant_names_its_field(store: Store) -> None:
    for name, guidelines, field in (
        ("  ", None, "name"),
        ("a" * 201, None, "name"),
        ("a\x00", None, "name"),
        ("ann", ["ner", "nothing"], "guidelines.1"),
        ("ann", ["ner@1.0.0"], "guidelines.0"),
    ):
        with pytest.raises(InvalidInput) as refused:
            clear(store, name, KNOWN, guidelines=guidelines)
        assert refused.value.field == field
    assert store.people.list() == []


def test_everybody_who_decided_something_is_listed(
    store: Store, ask: Callable[..., None], decide: Callable[..., ReviewItem]
) -> None:
    ask("a")
    decide("a", None, "eve")
    clear(store, "ann", KNOWN, guidelines=["ner"])
    assert [each.name for each in store.people.list()] == ["ann", "eve"]


def test_nobody_gets_what_they_are_not_cleared_for(
    store: Store, guideline: Callable[[str], Guideline], ask: Callable[..., None], clock: Clock
) -> None:
    queue = ReviewQueue(store, guideline, clearance=store.people.get)
    ask("a")
    clear(store, "ann", KNOWN, guidelines=["ner"])
    assert queue.next("ann") is None
    assert queue.take("ann", 5, Filter(guideline="sentiment")) == []
    assert queue.queues("ann") == []
    clear(store, "ann", KNOWN, guidelines=["sentiment"])
    assert queue.next("ann") is not None


@pytest.fixture
def item(queue: ReviewQueue, ask: Callable[..., None]) -> ReviewItem:
    ask("a")
    found = queue.next("ann")
    assert found is not None
    return found


@pytest.fixture
def task(guideline: Callable[[str], Guideline]) -> Guideline:
    clauses = (Clause(id="SENT-1", text="-"),)
    return guideline("sentiment@1.0.0").model_copy(update={"clauses": clauses})


def test_a_flag_leaves_the_item_with_its_reviewer(
    store: Store, queue: ReviewQueue, item: ReviewItem, task: Guideline
) -> None:
    made = flag(store, item, task, reviewer="ann", comment=" unclear ", clause="SENT-1")
    assert (made.comment, made.clause, made.open) == ("unclear", "SENT-1", True)
    assert (made.review_id, made.document_id, made.guideline) == (item.id, "a", "sentiment@1.0.0")
    assert queue.get(item.id) == item
    assert queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann").verdict
    again = flag(store, item, task, reviewer="ann", comment="unclear", clause="SENT-1")
    assert again == made, "sent twice, it is kept once"
    flag(store, item, task, reviewer="bob", comment="unclear", clause="SENT-1")
    assert [each.reviewer for each in store.flags.list()] == ["bob", "ann"]


def test_an_answered_flag_is_open_no_more(store: Store, item: ReviewItem, task: Guideline) -> None:
    made = flag(store, item, task, reviewer="ann", comment="unclear")
    other = flag(store, item, task, reviewer="bob", comment="unclear")
    done = resolve(store, made.id, by="eve", resolution=" clearer now ")
    assert (done.resolved_by, done.resolution, done.open) == ("eve", "clearer now", False)
    assert resolve(store, made.id, by="eve", resolution="clearer now") == done
    with pytest.raises(Conflict, match="eve answered this flag already: clearer now"):
        resolve(store, made.id, by="ann", resolution="no")
    assert store.flags.list("sentiment", open=True) == [other]
    assert store.flags.list(open=False) == [done] == [store.flags.get(made.id)]
    assert store.flags.list("ner") == []
    with pytest.raises(NotFound, match="reviews flags list"):
        store.flags.get("f-none")


def test_a_flag_that_says_nothing_names_its_field(
    store: Store, item: ReviewItem, task: Guideline
) -> None:
    for comment, clause, field in (
        ("  ", None, "comment"),
        ("a\x00", None, "comment"),
        ("unclear", "SENT-2", "clause"),
    ):
        with pytest.raises(InvalidInput) as refused:
            flag(store, item, task, reviewer="ann", comment=comment, clause=clause)
        assert refused.value.field == field
    with pytest.raises(InvalidInput, match="choose from: SENT-1"):
        flag(store, item, task, reviewer="ann", comment="unclear", clause="SENT-2")
    made = flag(store, item, task, reviewer="ann", comment="unclear")
    with pytest.raises(InvalidInput) as refused:
        resolve(store, made.id, by="eve", resolution=" ")
    assert refused.value.field == "resolution"
