from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from llmlabel.domain.answer import ChoiceAnswer, SpansAnswer
from llmlabel.domain.label import Label, Route
from llmlabel.domain.review import Verdict, VerdictKind
from llmlabel.errors import AlreadyReviewed, Conflict, InvalidInput, LeaseExpired
from llmlabel.review import ReviewQueue
from llmlabel.store import ReviewItem, Store

NEGATIVE = ChoiceAnswer(label="negative")
POSITIVE = ChoiceAnswer(label="positive")


def _next(queue: ReviewQueue, reviewer: str) -> ReviewItem:
    item = queue.next(reviewer)
    assert item is not None
    return item


def _current(store: Store, id: str) -> Label:
    (stored,) = store.documents.get(id).labels
    return stored.label


def test_a_correction_becomes_the_current_verified_label(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    proposal = _current(store, "a")
    done = queue.verdict(
        item.id,
        token=item.token,
        kind="correct",
        reviewer="ann",
        answer=NEGATIVE,
        comment="It is irony.",
        seconds=4.5,
    )
    assert done.status == "done"
    assert done.verdict is not None
    assert (done.verdict.answer, done.verdict.seconds) == (NEGATIVE, 4.5)
    label = _current(store, "a")
    assert (label.verified, label.answer, label.route) == (True, NEGATIVE, Route.ACCEPTED)
    assert "It is irony." in label.reason
    assert store.labels.history("a")[0].label == proposal
    assert store.documents.get("a").status == "done"
    assert queue.next("bob") is None


def test_a_confirmation_keeps_the_answer_and_every_opinion(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann", answer=POSITIVE)
    label = _current(store, "a")
    assert label.verified
    assert label.answer == item.label.label.answer
    assert label.opinions == item.label.label.opinions
    assert label.confidence == item.label.label.confidence


def test_a_rejection_says_that_no_right_answer_exists(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    queue.verdict(item.id, token=item.token, kind="reject", reviewer="ann")
    label = _current(store, "a")
    assert (label.verified, label.answer, label.route) == (True, None, Route.REVIEW)
    assert store.documents.get("a").status == "done"


def test_the_first_verdict_wins_and_the_late_one_learns_of_it(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    queue.verdict(item.id, token=item.token, kind="correct", reviewer="ann", answer=NEGATIVE)
    with pytest.raises(AlreadyReviewed) as caught:
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="bob")
    winner = caught.value.winner
    assert isinstance(winner, Verdict)
    assert (winner.reviewer, winner.answer) == ("ann", NEGATIVE)
    with pytest.raises(AlreadyReviewed):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    with pytest.raises(AlreadyReviewed):
        queue.release(item.id, item.token, "ann")


def test_of_verdicts_sent_at_once_exactly_one_is_recorded(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    late: list[AlreadyReviewed] = []

    def decide(n: int) -> None:
        try:
            queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann", comment=str(n))
        except AlreadyReviewed as error:
            late.append(error)

    threads = [threading.Thread(target=decide, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (verdict,) = queue.history(item.id)
    winners = {error.winner.comment for error in late if isinstance(error.winner, Verdict)}
    assert (len(late), winners) == (7, {verdict.comment})
    assert len(store.labels.history("a")) == 2


def test_the_same_verdict_sent_again_gives_the_same_result(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    results = [
        queue.verdict(item.id, token=item.token, kind="correct", reviewer="ann", answer=NEGATIVE)
        for _ in range(2)
    ]
    assert results[0] == results[1]
    assert len(queue.history(item.id)) == 1


def test_a_skipped_item_goes_to_someone_else_while_others_remain(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b")
    item = _next(queue, "ann")
    queue.verdict(item.id, token=item.token, kind="skip", reviewer="ann")
    assert _next(queue, "ann").document.id == "b"
    assert _next(queue, "bob").document.id == "a"


def test_a_skipped_item_comes_back_when_nothing_else_is_left(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    queue.verdict(item.id, token=item.token, kind="skip", reviewer="ann")
    again = _next(queue, "ann")
    assert (again.document.id, again.token) == ("a", item.token + 1)


def test_an_undone_verdict_gives_the_item_back_and_stays_in_the_history(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    queue.verdict(item.id, token=item.token, kind="correct", reviewer="ann", answer=NEGATIVE)
    again = queue.undo(item.id, "ann")
    assert (again.status, again.leased_by, again.verdict) == ("open", "ann", None)
    assert again.token == item.token + 1
    label = _current(store, "a")
    assert (label.verified, label.answer, label.route) == (False, POSITIVE, Route.REVIEW)
    assert store.documents.get("a").status == "review"
    with pytest.raises(LeaseExpired):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    queue.verdict(again.id, token=again.token, kind="confirm", reviewer="ann")
    assert [(verdict.kind, verdict.undone) for verdict in queue.history(item.id)] == [
        ("correct", True),
        ("confirm", False),
    ]
    assert [stored.label.verified for stored in store.labels.history("a")] == [
        False,
        True,
        False,
        True,
    ]
    assert [event.kind for event in store.events.after()] == ["review.undone"]


def test_only_ones_own_last_verdict_can_be_undone(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b")
    first, second = _next(queue, "ann"), _next(queue, "ann")
    for item in (first, second):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    for id, reviewer in ((first.id, "ann"), (second.id, "bob")):
        with pytest.raises(Conflict):
            queue.undo(id, reviewer)
    queue.undo(second.id, "ann")
    with pytest.raises(Conflict):
        queue.undo(second.id, "ann")


@pytest.mark.parametrize(
    ("kind", "answer", "field"),
    [
        ("correct", None, "answer"),
        ("correct", ChoiceAnswer(label="angry"), "answer.label"),
        ("correct", SpansAnswer(), "answer.kind"),
        ("confirm", NEGATIVE, "answer"),
        ("reject", NEGATIVE, "answer"),
        ("skip", NEGATIVE, "answer"),
    ],
)
def test_a_verdict_that_does_not_fit_is_refused_and_the_lease_stays(
    queue: ReviewQueue,
    ask: Callable[..., None],
    kind: VerdictKind,
    answer: ChoiceAnswer | None,
    field: str,
) -> None:
    ask("a")
    item = _next(queue, "ann")
    with pytest.raises(InvalidInput) as caught:
        queue.verdict(item.id, token=item.token, kind=kind, reviewer="ann", answer=answer)
    assert caught.value.field == field
    queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")


def test_nothing_can_be_confirmed_where_no_labeler_answered(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", answer=None)
    item = _next(queue, "ann")
    with pytest.raises(InvalidInput, match="nothing to confirm"):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")


def test_a_comment_that_cannot_be_stored_is_refused(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    with pytest.raises(InvalidInput):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann", comment="\ud800")
