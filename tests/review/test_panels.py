"""Several reviewers decide one document, each without the others; then somebody settles it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmlabel.domain.answer import Answer, ChoiceAnswer, Span, SpansAnswer
from llmlabel.domain.guideline import Guideline, Panel
from llmlabel.domain.label import Label, Route
from llmlabel.domain.review import Verdict
from llmlabel.errors import AlreadyReviewed, Conflict, NotFound
from llmlabel.review import Filter, ReviewQueue
from llmlabel.store import ReviewItem, Store
from llmlabel.store.openings import AUDIT_PRIORITY
from llmlabel.store.panels import Said, agreed

POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")
ADJUDICATION = Filter(queue="adjudication")


@pytest.fixture
def say(queue: ReviewQueue) -> Callable[..., ReviewItem]:
    """Has a reviewer take the next item and decide it."""

    def give(reviewer: str, answer: Answer | None, where: Filter = Filter()) -> ReviewItem:  # noqa: B008
        (item,) = queue.take(reviewer, where=where)
        kind = "reject" if answer is None else "correct"
        return queue.verdict(
            item.id,
            token=item.token,
            kind=kind,  # type: ignore[arg-type]
            reviewer=reviewer,
            answer=answer,
        )

    return give


def _current(store: Store, id: str) -> Label:
    (stored,) = store.documents.get(id).labels
    return stored.label


def test_the_seats_of_a_panel_are_as_blind_as_any_other_item(
    store: Store, ask: Callable[..., None], accept: Callable[..., None]
) -> None:
    ask("a", reviewers=3)
    accept("audit", drawn=True)
    items = store.reviews.page(limit=10).items
    assert [item.document.id for item in items].count("a") == 3
    assert {(item.hidden, item.priority, item.kind) for item in items} == {
        (True, AUDIT_PRIORITY, "doubt"),
        (True, AUDIT_PRIORITY, "audit"),
    }
    assert len({len(item.id) for item in items}) == 1
    assert len({item.id for item in items}) == 4


def test_nobody_gets_two_seats_of_one_panel(
    queue: ReviewQueue, ask: Callable[..., None], say: Callable[..., ReviewItem]
) -> None:
    ask("a", "b", reviewers=2)
    held = queue.take("ann", 10)
    assert [item.document.id for item in held] == ["a", "b"]
    assert queue.take("ann", 10) == []
    other = next(
        item
        for item in queue.page(limit=10).items
        if item.document.id == "a" and item.id != held[0].id
    )
    with pytest.raises(Conflict, match="another part"):
        queue.take_one(other.id, "ann")
    queue.release(held[0].id, held[0].token, "ann")
    assert queue.take_one(other.id, "ann").seat == other.seat
    say("bob", POSITIVE)
    say("bob", POSITIVE)
    assert queue.next("bob") is None


def test_a_panel_that_agrees_makes_one_verified_label(
    store: Store, ask: Callable[..., None], say: Callable[..., ReviewItem]
) -> None:
    ask("a", reviewers=2)
    first = say("ann", NEGATIVE)
    assert (first.status, first.hidden) == ("done", True)
    assert not _current(store, "a").verified
    assert store.documents.get("a").status == "review"
    assert store.verified.count("sentiment") == 0
    say("bob", NEGATIVE)
    label = _current(store, "a")
    assert (label.verified, label.answer, label.route) == (True, NEGATIVE, Route.ACCEPTED)
    assert store.documents.get("a").status == "done"
    assert [each.answer for each in store.verified("sentiment@1.0.0")] == [NEGATIVE]
    assert store.verified.count("sentiment") == 1
    assert store.verified.decided_since("sentiment", None) == 1
    assert store.counts().reviews_done == 1
    assert [stored.label.verified for stored in store.labels.history("a")] == [False, True]
    assert not store.reviews.get(first.id).hidden


def test_where_a_panel_disagrees_somebody_else_decides_with_all_answers_in_sight(
    store: Store,
    queue: ReviewQueue,
    ask: Callable[..., None],
    say: Callable[..., ReviewItem],
) -> None:
    ask("a", reviewers=2, audit_rate=0.1, drawn=True)
    say("ann", NEGATIVE)
    say("bob", POSITIVE)
    assert not _current(store, "a").verified
    assert store.documents.get("a").status == "review"
    assert queue.next("eve") is None, "adjudications are given only where they are asked for"
    assert queue.take("ann", where=ADJUDICATION) == []
    (item,) = queue.take("eve", where=ADJUDICATION)
    assert (item.kind, item.blind, item.hidden, item.sampled) == ("adjudication", False, False, 0.1)
    assert [(each.by, each.answer) for each in item.answers] == [("A", NEGATIVE), ("B", POSITIVE)]
    assert "ann" not in item.model_dump_json(include={"answers"})
    queue.release(item.id, item.token, "eve")
    with pytest.raises(Conflict, match="another part"):
        queue.take_one(item.id, "bob")
    say("eve", NEGATIVE, ADJUDICATION)
    assert _current(store, "a").answer == NEGATIVE
    (verified,) = store.verified("sentiment@1.0.0")
    assert (verified.reviewer, verified.kind, verified.sampled) == ("eve", "adjudication", 0.1)
    assert store.documents.get("a").status == "done"


def test_an_accepted_label_stands_while_a_panel_audits_it(
    store: Store, accept: Callable[..., None], say: Callable[..., ReviewItem]
) -> None:
    accept("a", drawn=True, reviewers=2)
    assert store.audits.results("c-1")[0].pending
    say("ann", NEGATIVE)
    say("bob", POSITIVE)
    assert store.audits.results("c-1")[0].pending
    assert store.documents.get("a").status == "done"
    assert [each.id for each in store.documents.page(status="done").items] == ["a"]
    say("eve", NEGATIVE, ADJUDICATION)
    (result,) = store.audits.results("c-1")
    assert (result.pending, result.answer) == (False, NEGATIVE)


def test_what_one_member_said_is_shown_to_nobody_until_the_panel_settled(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", reviewers=2)
    item = queue.next("ann")
    assert item is not None
    sent = {"token": item.token, "kind": "correct", "answer": NEGATIVE}
    queue.verdict(item.id, reviewer="ann", **sent)  # type: ignore[arg-type]
    with pytest.raises(AlreadyReviewed) as caught:
        queue.verdict(item.id, reviewer="bob", **sent)  # type: ignore[arg-type]
    assert isinstance(caught.value.winner, Verdict)
    assert caught.value.winner.answer is None
    assert queue.get(item.id).hidden


@pytest.mark.parametrize(
    ("said", "rule", "verdict"),
    [
        ([POSITIVE, POSITIVE], "unanimous", 2),
        ([POSITIVE, NEGATIVE], "unanimous", None),
        ([None, None], "unanimous", 2),
        ([POSITIVE, None], "majority", None),
        ([POSITIVE, NEGATIVE, POSITIVE], "majority", 3),
        ([POSITIVE, POSITIVE, NEGATIVE], "majority", 2),
        ([POSITIVE, POSITIVE, NEGATIVE], "unanimous", None),
        ([POSITIVE, NEGATIVE, None], "majority", None),
        ([POSITIVE, POSITIVE, NEGATIVE, NEGATIVE], "majority", None),
    ],
)
def test_a_panel_agrees_by_its_rule(
    said: list[Answer | None], rule: str, verdict: int | None
) -> None:
    numbered = [Said(seq, answer) for seq, answer in enumerate(said, start=1)]
    assert agreed(numbered, rule) == verdict  # type: ignore[arg-type]


def test_spans_in_another_order_are_the_same_answer() -> None:
    one, two = Span(start=0, end=4, label="PERSON"), Span(start=0, end=4, label="PLACE")
    said = [SpansAnswer(spans=(one, two)), SpansAnswer(spans=(two, one))]
    assert agreed([Said(1, said[0]), Said(2, said[1])], "unanimous") == 2


def test_the_majority_decides_where_the_guideline_says_so(
    store: Store, guideline: Callable[[str], Guideline], ask: Callable[..., None]
) -> None:
    def with_majority(ref: str) -> Guideline:
        found = guideline(ref)
        panel = Panel(share=0.5, reviewers=3, settle="majority")
        return found.model_copy(update={"policy": found.policy.model_copy(update={"panel": panel})})

    queue = ReviewQueue(store, with_majority)
    ask("a", reviewers=3)
    for reviewer, answer in (("ann", NEGATIVE), ("bob", NEGATIVE), ("eve", POSITIVE)):
        (item,) = queue.take(reviewer)
        queue.verdict(item.id, token=item.token, kind="correct", reviewer=reviewer, answer=answer)
    assert _current(store, "a").answer == NEGATIVE
    assert queue.take("max", where=ADJUDICATION) == []
    queue.undo_last("eve")
    assert not _current(store, "a").verified
    (item,) = [each for each in queue.page(limit=9).items if each.status == "open"]
    queue.verdict(item.id, token=item.token, kind="reject", reviewer="eve")
    assert _current(store, "a").answer == NEGATIVE, "the same two settle it once more"
    assert store.verified.count("sentiment") == 1


def test_taking_the_verdict_on_a_seat_back_unsettles_the_panel(
    store: Store, queue: ReviewQueue, ask: Callable[..., None], say: Callable[..., ReviewItem]
) -> None:
    ask("a", reviewers=2)
    say("ann", NEGATIVE)
    say("bob", NEGATIVE)
    again = queue.undo_last("ann")
    assert (again.status, again.leased_by, again.hidden) == ("open", "ann", True)
    label = _current(store, "a")
    assert (label.verified, label.answer, label.route) == (False, POSITIVE, Route.REVIEW)
    assert store.verified("sentiment@1.0.0") == []
    assert store.verified.count("sentiment") == 0
    queue.verdict(again.id, token=again.token, kind="correct", reviewer="ann", answer=NEGATIVE)
    assert _current(store, "a").answer == NEGATIVE
    assert store.verified.decided_since("sentiment", None) == 1


def test_an_adjudication_that_nobody_works_on_is_withdrawn_and_comes_back(
    store: Store, queue: ReviewQueue, ask: Callable[..., None], say: Callable[..., ReviewItem]
) -> None:
    ask("a", reviewers=2)
    say("ann", NEGATIVE)
    say("bob", POSITIVE)
    again = queue.undo_last("bob")
    assert queue.take("eve", where=ADJUDICATION) == []
    (withdrawn,) = queue.page(status="withdrawn").items
    with pytest.raises(Conflict, match="withdrawn"):
        queue.take_one(withdrawn.id, "eve")
    queue.verdict(again.id, token=again.token, kind="reject", reviewer="bob")
    (item,) = queue.take("eve", where=ADJUDICATION)
    assert item.id == withdrawn.id
    assert [each.answer for each in item.answers] == [NEGATIVE, None]


@pytest.mark.parametrize("decided", [False, True])
def test_a_seat_stays_decided_once_an_adjudicator_is_at_work(
    queue: ReviewQueue,
    ask: Callable[..., None],
    say: Callable[..., ReviewItem],
    decided: bool,
) -> None:
    ask("a", reviewers=2)
    say("ann", NEGATIVE)
    say("bob", POSITIVE)
    if decided:
        say("eve", NEGATIVE, ADJUDICATION)
    else:
        queue.take("eve", where=ADJUDICATION)
    with pytest.raises(Conflict, match="adjudicator"):
        queue.undo_last("bob")
    if decided:
        queue.undo_last("eve")
        with pytest.raises(Conflict, match="adjudicator"):
            queue.undo_last("bob")


def test_a_skipped_panel_comes_last_whichever_seat_is_free(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b", reviewers=2)
    (item,) = queue.take("ann")
    queue.verdict(item.id, token=item.token, kind="skip", reviewer="ann")
    assert [each.document.id for each in queue.take("ann", 5)] == ["b", item.document.id]


def test_an_unsettled_panel_has_decided_nothing(
    store: Store, queue: ReviewQueue, ask: Callable[..., None], say: Callable[..., ReviewItem]
) -> None:
    ask("a", reviewers=2)
    say("ann", NEGATIVE)
    ask("a", run=2)
    assert len([each for each in queue.page().items if each.status == "open"]) == 2
    with pytest.raises(NotFound):
        queue.undo_last("bob")


def test_what_a_panel_decided_is_looked_at_again_by_a_panel(
    store: Store,
    queue: ReviewQueue,
    ask: Callable[..., None],
    say: Callable[..., ReviewItem],
    relabel: Callable[[str], None],
) -> None:
    ask("a", reviewers=2, audit_rate=0.1, drawn=True)
    say("ann", NEGATIVE)
    say("bob", NEGATIVE)
    relabel("a")
    assert (_current(store, "a").answer, store.counts().reviews_open) == (NEGATIVE, 2)
    first = say("ann", POSITIVE)
    assert first.hidden, "nobody sees what is said of it before all have decided"
    assert (first.kind, first.seat, queue.next("ann")) == ("relabel", 1, None)
    assert _current(store, "a").answer == NEGATIVE, "one does not set aside what two said"
    say("eve", NEGATIVE)
    assert _current(store, "a").answer == NEGATIVE
    say("joe", POSITIVE, ADJUDICATION)
    assert _current(store, "a").answer == POSITIVE
    (verified,) = store.verified("sentiment@1.0.0")
    assert (verified.reviewer, verified.sampled) == ("joe", 0.1)
    relabel("a")
    for reviewer in ("ann", "bob"):
        say(reviewer, NEGATIVE)
    assert _current(store, "a").answer == NEGATIVE
    assert queue.undo_last("bob").status == "open"
    assert _current(store, "a").answer == POSITIVE


def test_labels_that_several_look_at_again_are_counted_once(
    store: Store, accept: Callable[..., None]
) -> None:
    accept("a", reviewers=3)
    accept("b")
    ids = [stored.id for id in "ab" for stored in store.documents.get(id).labels]
    assert store.audits.requeue(ids, "breach", "The audit failed.") == 2
    assert store.counts().reviews_open == 4
    assert store.audits.requeue(ids, "breach", "The audit failed.") == 0
