"""What verdicts become: gold, verified labels, results of audits, items that are queued again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.domain.label import Label, Route
from llmlabel.review import ReviewQueue
from llmlabel.store import ReviewItem, Store
from llmlabel.store.numbers import Numbers

if TYPE_CHECKING:
    from told_clock import Clock

Put = Callable[..., None]
Decide = Callable[..., ReviewItem]
REF = "sentiment@1.0.0"
POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")


def _current(store: Store, id: str) -> Label:
    (stored,) = store.documents.get(id).labels
    return stored.label


def test_verdicts_on_documents_chosen_at_random_are_gold_and_no_others(
    store: Store, ask: Put, accept: Put, decide: Decide
) -> None:
    accept("drawn", text="one", drawn=True)
    ask("forced", text="two", forced=True)
    ask("doubted", text="three")
    ask("waits", text="four", forced=True)
    decide("drawn", NEGATIVE)
    decide("forced", None)
    decide("doubted", POSITIVE, kind="confirm")
    found = {item.document.id: item for item in store.gold.items(REF)}
    assert set(found) == {"drawn", "forced"}
    assert (found["drawn"].answer, found["drawn"].sampled) == (NEGATIVE, 0.05)
    assert (found["forced"].answer, found["forced"].sampled) == (None, 1.0)
    assert {item.source for item in found.values()} == {"verdict"}
    assert store.gold.get("drawn").origin == "ann"
    verified = {each.document.id: each for each in store.verified(REF)}
    assert {id: each.sampled for id, each in verified.items()} == {
        "drawn": 0.05,
        "forced": 1.0,
        "doubted": None,
    }
    assert verified["drawn"].proposal is not None
    assert verified["drawn"].proposal.answer == POSITIVE
    assert not verified["drawn"].proposal.verified
    assert store.verified.count(REF) == 3


def test_a_verdict_that_is_taken_back_is_gold_no_more(
    store: Store, queue: ReviewQueue, accept: Put, decide: Decide
) -> None:
    accept("a", drawn=True)
    item = decide("a", NEGATIVE)
    assert len(store.gold.items(REF)) == 1
    queue.undo(item.id, "ann")
    assert store.gold.items(REF) == []
    assert store.verified(REF) == []
    decide("a", POSITIVE)
    assert [item.answer for item in store.gold.items(REF)] == [POSITIVE]


def test_imported_gold_outweighs_a_verdict_on_the_same_text(
    store: Store, accept: Put, decide: Decide
) -> None:
    accept("a", text="the text", drawn=True)
    decide("a", NEGATIVE)
    store.gold.add([NewGold(document=Document.of_text("the text"), answer=POSITIVE)], REF)
    assert [(item.source, item.answer) for item in store.gold.items(REF)] == [("import", POSITIVE)]
    assert len(store.verified(REF)) == 2


def test_a_relabeled_document_stays_part_of_the_sample_with_its_new_answer(
    store: Store, accept: Put, decide: Decide
) -> None:
    accept("a", drawn=True)
    first = decide("a", NEGATIVE)
    assert store.audits.requeue([first.label.id], "relabel", "Likely wrong.") == 1
    assert [item.answer for item in store.gold.items(REF)] == [NEGATIVE]
    assert _current(store, "a").verified
    second = decide("a", POSITIVE, reviewer="bob")
    assert (second.kind, second.blind) == ("relabel", False)
    (item,) = store.gold.items(REF)
    assert (item.answer, item.sampled, item.origin) == (POSITIVE, 0.05, "bob")
    (result,) = store.audits.results("c-1")
    assert (result.pending, result.answer) == (False, POSITIVE)


def test_undoing_a_relabeling_restores_the_verified_answer(
    store: Store, queue: ReviewQueue, ask: Put, decide: Decide
) -> None:
    ask("a")
    first = decide("a", NEGATIVE)
    store.audits.requeue([first.label.id], "relabel", "Likely wrong.")
    queue.undo(decide("a", POSITIVE, reviewer="bob").id, "bob")
    label = _current(store, "a")
    assert (label.answer, label.verified) == (NEGATIVE, True)
    (known,) = store.verified(REF)
    assert (known.answer, known.reviewer) == (NEGATIVE, "ann")


def test_audits_are_told_in_the_order_of_acceptance_with_runs_of_the_rest(
    store: Store, accept: Put, decide: Decide
) -> None:
    accept("a", "b")
    accept("c", drawn=True)
    accept("d")
    accept("e", audit_rate=0.2)
    accept("f", drawn=True)
    accept("other", certificate="c-2", drawn=True)
    decide("c", NEGATIVE)
    results = store.audits.results("c-1")
    assert [(each.count, each.drawn, each.pending, each.rate) for each in results] == [
        (2, False, False, 0.05),
        (1, True, False, 0.05),
        (1, False, False, 0.05),
        (1, False, False, 0.2),
        (1, True, True, 0.05),
    ]
    assert (results[1].proposed, results[1].answer) == (POSITIVE, NEGATIVE)
    assert [each.seq for each in results] == sorted(each.seq for each in results)
    assert store.audits.uncertified(REF) == []


def test_of_copies_of_a_text_the_first_counts_in_the_audits(
    store: Store, accept: Put, decide: Decide
) -> None:
    accept("a", "b", text="said by many", drawn=True)
    accept("c", "d", text="not drawn")
    decide("a", NEGATIVE)
    decide("b", NEGATIVE)
    results = store.audits.results("c-1")
    assert [(each.document_id, each.count) for each in results] == [("a", 1), (None, 1)]
    assert len(store.audits.accepted_since(REF)) == 2, "all that are undecided are taken back"


def test_of_copies_of_a_text_the_first_counts_among_the_doubted(store: Store, ask: Put) -> None:
    ask("a", "b", text="said by many", certificate="c-1", audit_rate=0.05)
    assert [rate for _, rate in Numbers(store.database).doubted("c-1")] == [0.05]


def test_pages_of_accepted_labels_join_without_a_seam(
    store: Store, accept: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept("a", "b", "c", "d", "e")
    accept("f", drawn=True)
    whole = store.audits.results("c-1")
    monkeypatch.setattr("llmlabel.store.audits._PAGE", 2)
    assert store.audits.results("c-1") == whole


def test_an_audit_whose_verdict_is_taken_back_is_pending_again(
    store: Store, queue: ReviewQueue, accept: Put, decide: Decide
) -> None:
    accept("a", drawn=True)
    item = decide("a", NEGATIVE)
    assert not store.audits.results("c-1")[0].pending
    queue.undo(item.id, "ann")
    (result,) = store.audits.results("c-1")
    assert (result.pending, result.answer) == (True, None)


def test_an_audit_of_a_label_that_was_replaced_is_left_out(
    store: Store, ask: Put, accept: Put
) -> None:
    accept("a", drawn=True)
    accept("b")
    accept("a", drawn=True, run=2, certificate="c-2")
    assert [each.count for each in store.audits.results("c-1")] == [1]
    assert not store.audits.results("c-1")[0].drawn
    assert [each.document_id for each in store.audits.results("c-2")] == ["a"]


def test_after_a_breach_what_was_accepted_since_waits_for_a_person(
    store: Store, queue: ReviewQueue, accept: Put, decide: Decide
) -> None:
    accept("before")
    accept("good", drawn=True)
    accept("after")
    accept("waits", drawn=True)
    accept("wrong", drawn=True)
    decide("good", POSITIVE)
    decide("wrong", NEGATIVE)
    good = next(each for each in store.audits.results("c-1") if each.document_id == "good")
    since = store.audits.accepted_since(REF, good.seq, certificate="c-1")
    assert len(since) == 2
    assert store.audits.requeue(since, "breach", "The promise is broken.") == 1
    assert store.audits.requeue(since, "breach", "The promise is broken.") == 0
    label = _current(store, "after")
    assert (label.route, label.reason) == (Route.REVIEW, "The promise is broken.")
    assert store.documents.get("after").status == "review"
    assert store.documents.get("before").status == "done"
    assert len(store.audits.accepted_since(REF)) == 2
    item = decide("after", POSITIVE, kind="confirm")
    assert (item.kind, item.sampled, item.reason) == ("breach", None, "The promise is broken.")
    assert _current(store, "after").route is Route.ACCEPTED
    assert "after" not in {each.document.id for each in store.gold.items(REF)}
    queue.undo(item.id, "ann")
    assert _current(store, "after").route is Route.REVIEW


def test_labels_that_people_decided_are_not_queued_again_by_a_breach(
    store: Store, accept: Put, decide: Decide
) -> None:
    accept("a")
    ids = store.audits.accepted_since(REF)
    store.audits.requeue(ids, "relabel", "Look.")
    decide("a", POSITIVE, kind="confirm")
    assert store.audits.requeue(ids, "breach", "Broken.") == 0


def test_gold_since_a_breach_survives_a_clock_that_is_set_back(
    store: Store, clock: Clock, accept: Put, decide: Decide
) -> None:
    accept("old", text="old", drawn=True)
    decide("old", NEGATIVE)
    store.gold.add([NewGold(document=Document.of_text("early"), answer=POSITIVE)], REF)
    assert store.gates.close(REF, "Broken.")
    since = store.gates.get(REF).gold_since
    assert since is not None
    assert store.gold.items(REF, since=since) == []
    clock.time -= timedelta(days=2)
    accept("new", text="new", drawn=True)
    decide("new", NEGATIVE)
    store.gold.add([NewGold(document=Document.of_text("late"), answer=POSITIVE)], REF)
    assert [item.document.text for item in store.gold.items(REF, since=since)] == ["late", "new"]


def test_a_lease_from_before_the_clock_was_set_back_does_not_lock_the_item(
    queue: ReviewQueue, ask: Put, clock: Clock
) -> None:
    ask("a")
    old = queue.next("ann")
    assert old is not None
    clock.time -= timedelta(days=1)
    new = queue.next("bob")
    assert new is not None
    assert (new.id, new.token) == (old.id, old.token + 1)


def test_days_tell_what_the_pipeline_said_and_not_what_people_made_of_it(
    store: Store, clock: Clock, ask: Put, accept: Put, decide: Decide
) -> None:
    ask("a")
    decide("a", NEGATIVE)
    clock.pass_seconds(86_400)
    accept("b")
    ask("c", answer=None, confidence=None)
    first, second = store.days(REF)
    assert (first.documents, first.labels, first.accepted) == (("a",), {"positive": 1}, 0)
    assert (second.documents, second.confidences) == (("b", "c"), (0.5, None))
    assert (second.labels, second.accepted) == ({"positive": 1, "": 1}, 1)


def test_doubted_items_can_be_put_in_another_order_and_blind_ones_stay_first(
    store: Store, queue: ReviewQueue, ask: Put, accept: Put
) -> None:
    ask("a", "b", "c")
    accept("audit", drawn=True)
    assert store.reviews.prioritize(REF, {"c": 2.0, "b": 1.0, "audit": -1.0}) == 2
    order = [item.document.id for _ in range(4) if (item := queue.next("ann"))]
    assert order == ["audit", "c", "b", "a"]
