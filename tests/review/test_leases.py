from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from llmlabel.errors import InvalidInput, LeaseExpired, NotFound
from llmlabel.review import ReviewQueue
from llmlabel.store import ReviewItem, Store

if TYPE_CHECKING:
    from told_clock import Clock


def _next(queue: ReviewQueue, reviewer: str, guideline: str | None = None) -> ReviewItem:
    item = queue.next(reviewer, guideline)
    assert item is not None
    return item


def test_the_oldest_item_comes_first_with_text_proposal_and_reason(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b")
    item = _next(queue, "ann")
    assert item.document.id == "a"
    assert item.label.label.answer is not None
    assert item.reason == "0.5 is below the threshold 0.8."
    assert (item.token, item.leased_by, item.status) == (1, "ann", "open")


def test_two_reviewers_never_get_the_same_item(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a", "b")
    assert _next(queue, "ann").document.id == "a"
    assert _next(queue, "bob").document.id == "b"
    assert queue.next("eve") is None


def test_many_threads_never_get_the_same_item(queue: ReviewQueue, ask: Callable[..., None]) -> None:
    ask(*(f"d{n}" for n in range(30)))
    got: list[str] = []

    def take(reviewer: str) -> None:
        while (item := queue.next(reviewer)) is not None:
            got.append(item.document.id)

    threads = [threading.Thread(target=take, args=(f"r{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(f"d{n}" for n in range(30))


def test_an_expired_lease_returns_to_the_queue_with_a_higher_token(
    queue: ReviewQueue, ask: Callable[..., None], clock: Clock
) -> None:
    ask("a")
    old = _next(queue, "ann")
    clock.pass_seconds(299)
    assert queue.next("bob") is None
    clock.pass_seconds(1)
    new = _next(queue, "bob")
    assert (new.id, new.token, new.leased_by) == (old.id, old.token + 1, "bob")
    with pytest.raises(LeaseExpired):
        queue.verdict(old.id, token=old.token, kind="confirm", reviewer="ann")
    assert queue.verdict(new.id, token=new.token, kind="confirm", reviewer="bob").status == "done"


def test_a_lease_that_ended_holds_no_more_even_if_nobody_took_it(
    queue: ReviewQueue, ask: Callable[..., None], clock: Clock
) -> None:
    ask("a")
    item = _next(queue, "ann")
    clock.pass_seconds(300)
    for act in (queue.renew, queue.release):
        with pytest.raises(LeaseExpired):
            act(item.id, item.token, "ann")
    with pytest.raises(LeaseExpired):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")


def test_a_renewed_lease_lasts_longer(
    queue: ReviewQueue, ask: Callable[..., None], clock: Clock
) -> None:
    ask("a")
    item = _next(queue, "ann")
    clock.pass_seconds(200)
    renewed = queue.renew(item.id, item.token, "ann")
    assert renewed.token == item.token
    clock.pass_seconds(299)
    assert queue.next("bob") is None
    assert queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann").verdict


def test_a_released_item_is_free_at_once_and_its_token_is_stale(
    queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    ask("a")
    item = _next(queue, "ann")
    queue.release(item.id, item.token, "ann")
    with pytest.raises(LeaseExpired):
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    assert _next(queue, "bob").token == item.token + 1


@pytest.mark.parametrize(("change", "reviewer"), [(1, "ann"), (-1, "ann"), (0, "bob")])
def test_only_the_holder_with_the_current_token_decides(
    queue: ReviewQueue, ask: Callable[..., None], change: int, reviewer: str
) -> None:
    ask("a")
    item = _next(queue, "ann")
    with pytest.raises(LeaseExpired):
        queue.verdict(item.id, token=item.token + change, kind="confirm", reviewer=reviewer)


def test_items_are_offered_by_guideline(queue: ReviewQueue, ask: Callable[..., None]) -> None:
    ask("a")
    ask("b", name="ner", answer=None)
    assert queue.next("ann", "pos") is None
    assert _next(queue, "ann", "ner").document.id == "b"
    assert _next(queue, "ann", "sentiment@1.0.0").document.id == "a"


def test_a_higher_priority_comes_first(
    store: Store, queue: ReviewQueue, ask: Callable[..., None]
) -> None:
    import sqlalchemy as sa

    from llmlabel.store.tables import reviews

    ask("a", "b", "c")
    with store.database.write() as connection:
        connection.execute(
            sa.update(reviews).where(reviews.c.document_id == "b").values(priority=1.0)
        )
    assert [_next(queue, "ann").document.id for _ in range(3)] == ["b", "a", "c"]


def test_an_item_that_is_not_there_is_not_found(queue: ReviewQueue) -> None:
    with pytest.raises(NotFound):
        queue.get("r-none")
    with pytest.raises(NotFound):
        queue.verdict("r-none", token=1, kind="confirm", reviewer="ann")
    with pytest.raises(NotFound):
        queue.undo("r-none", "ann")


@pytest.mark.parametrize("name", ["", "  ", "a\x00b"])
def test_a_reviewer_has_a_name(queue: ReviewQueue, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        queue.next(name)
    assert caught.value.field == "reviewer"
