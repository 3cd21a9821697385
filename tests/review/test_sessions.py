"""A page that is loaded again, a second tab, leases kept and given back together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from llmlabel.errors import AlreadyReviewed, Conflict, InvalidInput, NotFound
from llmlabel.review import Filter, ReviewQueue
from llmlabel.store import ReviewItem

if TYPE_CHECKING:
    from told_clock import Clock


def _ids(items: list[ReviewItem]) -> list[tuple[str, int]]:
    return [(item.id, item.token) for item in items]


def test_a_page_that_is_loaded_again_gets_its_items_back(
    queue: ReviewQueue, ask: Callable[..., None], clock: Clock
) -> None:
    ask("a", "b", "c", "d")
    first = queue.take("ann", 2, session="one")
    clock.pass_seconds(200)
    again = queue.take("ann", 3, session="one")
    assert _ids(again[:2]) == _ids(first)
    assert len(again) == 3
    clock.pass_seconds(200)
    assert [item.document.id for item in queue.take("bob", 9)] == ["d"], "the leases were renewed"


def test_another_tab_of_the_same_reviewer_gets_other_items(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b", "c")
    queue.take("ann", 1, session="one")
    assert [item.document.id for item in queue.take("ann", 1, session="two")] == ["b"]
    assert [item.document.id for item in queue.take("ann", 1)] == ["c"]
    assert queue.take("ann", 5, session="three") == []


def test_what_is_held_of_another_queue_is_not_given(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    ask("b", name="ner", answer=None)
    (held,) = queue.take("ann", 1, Filter(guideline="ner"), session="one")
    found = queue.take("ann", 5, Filter(guideline="sentiment"), session="one")
    assert [item.document.id for item in found] == ["a"]
    assert held.document.id == "b"


@pytest.mark.parametrize("count", [0, 21, -1])
def test_one_to_twenty_items_are_taken_at_once(queue: ReviewQueue, count: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        queue.take("ann", count)
    assert caught.value.field == "count"


def test_a_certain_item_is_leased_unless_somebody_holds_it(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b")
    id = queue.page().items[0].id
    item = queue.take_one(id, "ann", "one")
    assert queue.take_one(id, "ann", "one").token == item.token
    with pytest.raises(Conflict, match="another window"):
        queue.take_one(id, "ann", "two")
    with pytest.raises(Conflict, match="Another reviewer"):
        queue.take_one(id, "bob")
    queue.verdict(id, token=item.token, kind="confirm", reviewer="ann")
    with pytest.raises(AlreadyReviewed):
        queue.take_one(id, "bob")
    with pytest.raises(NotFound):
        queue.take_one("r-none", "bob")


def test_leases_are_renewed_together_and_each_lost_one_says_why(
    queue: ReviewQueue, ask: Callable[..., None], clock: Clock
) -> None:
    ask("a", "b", "c")
    kept, decided, lost = queue.take("ann", 3)
    queue.verdict(decided.id, token=decided.token, kind="confirm", reviewer="ann")
    queue.release(lost.id, lost.token, "ann")
    clock.pass_seconds(200)
    leases = [(each.id, each.token) for each in (kept, decided, lost)] + [("r-none", 1)]
    found = queue.renew_all(leases, "ann")
    assert [each.id for each in found] == [id for id, _ in leases]
    assert [each.code for each in found] == [None, "already-reviewed", "lease-expired", "not-found"]
    assert found[1].winner is not None
    assert found[1].winner.reviewer == "ann"
    assert all(each.detail for each in found[1:])
    clock.pass_seconds(200)
    assert queue.get(kept.id).lease_expires_at == found[0].expires_at
    assert [item.id for item in queue.take("bob", 9)] == [lost.id]
    assert [each.expires_at for each in queue.renew_all(leases[:1], "bob")] == [None]


def test_leases_are_given_back_together(queue: ReviewQueue, ask: Callable[..., None]) -> None:
    ask("a", "b", "c")
    items = queue.take("ann", 3)
    leases = _ids(items)
    assert queue.release_all([*leases[:2], leases[0], ("r-none", 1)], "ann") == 2
    assert queue.release_all(leases[:2], "ann") == 0
    assert queue.release_all(leases, "bob") == 0
    assert [item.document.id for item in queue.take("bob", 9)] == ["a", "b"]


def test_the_newest_verdict_is_taken_back_again_and_again(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b", "c")
    items = queue.take("ann", 3, session="one")
    for item, kind in zip(items, ("confirm", "skip", "reject"), strict=True):
        queue.verdict(item.id, token=item.token, kind=kind, reviewer="ann")  # type: ignore[arg-type]
    back = [queue.undo_last("ann", "one") for _ in range(3)]
    assert [item.id for item in back] == [item.id for item in reversed(items)]
    assert {item.status for item in back} == {"open"}
    assert sorted(_ids(queue.take("ann", 3, session="one"))) == sorted(_ids(back))
    with pytest.raises(NotFound, match="left to take back"):
        queue.undo_last("ann", "one")
    assert [each.undone for each in queue.history(items[0].id)] == [True]


def test_a_tab_takes_its_own_verdicts_back(queue: ReviewQueue, ask: Callable[..., None]) -> None:
    ask("a", "b")
    for session in ("one", "two"):
        (item,) = queue.take("ann", session=session)
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    assert queue.undo_last("ann", "one").document.id == "a"
    with pytest.raises(NotFound):
        queue.undo_last("ann", "one")
    assert queue.undo_last("ann").document.id == "b", "without a session any of one's own"


def test_a_skip_is_taken_back_only_while_nobody_else_has_the_item(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    (item,) = queue.take("ann")
    queue.verdict(item.id, token=item.token, kind="skip", reviewer="ann")
    (taken,) = queue.take("bob")
    with pytest.raises(Conflict, match="Another reviewer"):
        queue.undo_last("ann")
    queue.verdict(taken.id, token=taken.token, kind="confirm", reviewer="bob")
    with pytest.raises(NotFound):
        queue.undo_last("ann")


def test_a_skip_that_was_taken_back_is_no_skip(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b")
    (item,) = queue.take("ann")
    queue.verdict(item.id, token=item.token, kind="skip", reviewer="ann")
    back = queue.undo_last("ann")
    queue.release(back.id, back.token, "ann")
    assert queue.take("ann")[0].document.id == "a"


def test_a_skip_is_taken_back_although_the_same_window_was_given_the_item_again(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("d")
    [item] = queue.take("ann", session="tab")
    queue.verdict(item.id, token=item.token, kind="skip", reviewer="ann")
    [again] = queue.take("ann", session="tab")
    assert again.id == item.id
    back = queue.undo(item.id, "ann", session="tab")
    assert back.token > again.token
    assert [each.undone for each in queue.history(item.id)] == [True]


def test_a_skip_sent_twice_is_recorded_once(queue: ReviewQueue, ask: Callable[..., None]) -> None:
    ask("a")
    (item,) = queue.take("ann")
    for _ in range(2):
        queue.verdict(item.id, token=item.token, kind="skip", reviewer="ann")
    assert [each.kind for each in queue.history(item.id)] == ["skip"]


def test_a_verdict_stays_where_the_label_was_reviewed_again_since(
    queue: ReviewQueue, ask: Callable[..., None], relabel: Callable[[str], None]
) -> None:
    ask("a")
    (item,) = queue.take("ann")
    queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    relabel("a")
    (again,) = queue.take("bob")
    queue.verdict(again.id, token=again.token, kind="reject", reviewer="bob")
    with pytest.raises(Conflict, match="reviewed again since"):
        queue.undo_last("ann")
    queue.undo_last("bob")
    assert queue.undo_last("ann").id == item.id


def test_the_history_of_no_item_is_not_found(queue: ReviewQueue, ask: Callable[..., None]) -> None:
    ask("a")
    assert queue.history(queue.page().items[0].id) == []
    with pytest.raises(NotFound):
        queue.history("r-none")
