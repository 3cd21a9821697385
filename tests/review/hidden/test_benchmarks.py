"""Hidden gold: nobody can tell it from a blind review, and it comes as often as it should."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hidden_gold import NEGATIVE, POSITIVE, REF, Chance, gold, say, take

from llmlabel.api.review_shapes import ReviewOut
from llmlabel.domain.guideline import Guideline
from llmlabel.errors import LeaseExpired
from llmlabel.review import ReviewQueue
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.store import ReviewItem, Store

if TYPE_CHECKING:
    from told_clock import Clock


def test_hidden_gold_has_the_shape_of_any_blind_item(
    queue: ReviewQueue,
    store: Store,
    chance: Chance,
    accept: Callable[..., None],
    clock: Clock,
    measured: Callable[[str], Guideline],
) -> None:
    accept("d-" + "0" * 24, drawn=True)
    gold(store, "nobody liked it")
    clock.pass_seconds(3600)
    benchmark = take(queue)
    chance.value = 1.0
    audit = take(queue)
    assert {benchmark.kind, audit.kind} == {"benchmark", "audit"}
    shapes = []
    for item in (benchmark, audit):
        task = measured(item.guideline)
        decided = say(queue, item)
        for shown in (ReviewOut.of(item, task), ReviewOut.of(decided, task, decided=True)):
            shapes.append(_shape(shown.model_dump(mode="json")))
    assert shapes[:2] == shapes[2:]
    assert len(benchmark.id) == len(audit.id)
    assert benchmark.id[:2] == audit.id[:2] == "r-"
    assert len(benchmark.document.id) == len(audit.document.id)
    assert benchmark.created_at == audit.created_at, "it is as old as what waits beside it"
    assert "positive" not in str(_without_guideline(benchmark, measured))


def _shape(value: Any, name: str = "") -> Any:
    """Everything but ids, texts, hashes, and how often an item was leased before."""
    if isinstance(value, dict):
        return {key: _shape(each, key) for key, each in value.items()}
    if name in ("id", "review_id", "text", "text_sha256", "created_at", "expires_at", "token"):
        return type(value)
    return value


def _without_guideline(item: ReviewItem, measured: Callable[[str], Guideline]) -> dict[str, Any]:
    return ReviewOut.of(item, measured(item.guideline)).model_dump(exclude={"guideline"})


def test_what_is_said_of_hidden_gold_makes_no_label_no_gold_and_no_audit(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    told: list[ReviewItem] = []
    queue._decided = told.append
    ask("a")
    gold(store, "one", "two")
    before = (
        store.counts(),
        store.gold.counts(),
        store.verified(REF),
        store.audits.uncertified(REF),
    )
    for answer in (NEGATIVE, POSITIVE):
        item = take(queue)
        assert item.kind == "benchmark"
        assert say(queue, item, answer).status == "done"
    after = (
        store.counts(),
        store.gold.counts(),
        store.verified(REF),
        store.audits.uncertified(REF),
    )
    assert after == before
    assert told == []
    assert [each.loss for each in store.benchmarks.answers(REF)] == [1.0, 0.0]


def test_each_reviewer_meets_a_text_once(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    ask(*(f"d{n}" for n in range(9)))
    gold(store, "one", "two")
    for reviewer in ("ann", "bob"):
        texts = []
        for _ in range(3):
            item = take(queue, reviewer)
            texts.append(item.document.text)
            say(queue, item, reviewer=reviewer, kind="correct")
        assert sorted(texts[:2]) == ["one", "two"]
        assert texts[2] == "Anna likes Rome", "the gold is used up, so a review comes"


def test_a_text_that_a_reviewer_decided_or_the_guideline_shows_is_no_benchmark_for_them(
    queue: ReviewQueue, store: Store, chance: Chance, ask: Callable[..., None]
) -> None:
    ask("a", text="met before")
    ask("b", "c")
    chance.value = 1.0
    say(queue, take(queue))
    gold(store, "met before", "an example")
    chance.value = 0.0
    assert take(queue).kind == "doubt"
    assert take(queue, "bob").document.text == "met before"


def test_hidden_gold_comes_as_often_as_the_policy_says_and_only_where_something_waits(
    queue: ReviewQueue, store: Store, chance: Chance, ask: Callable[..., None]
) -> None:
    gold(store, *(f"text {n}" for n in range(20)))
    assert queue.next("ann") is None, "nothing waits, so nobody's time is spent"
    ask(*(f"d{n}" for n in range(4)))
    chance.value = 0.5
    assert take(queue).kind == "doubt"
    chance.value = 0.499
    assert take(queue).kind == "benchmark"


def test_the_review_in_whose_place_it_comes_stays_free(
    queue: ReviewQueue, store: Store, chance: Chance, ask: Callable[..., None]
) -> None:
    ask("a")
    gold(store, "one")
    assert take(queue).kind == "benchmark"
    assert take(queue, "bob").kind == "benchmark"
    chance.value = 1.0
    assert take(queue).document.id == "a"


def test_a_benchmark_given_back_or_left_is_offered_to_the_same_reviewer_again(
    queue: ReviewQueue, store: Store, ask: Callable[..., None], clock: Clock
) -> None:
    ask("a")
    gold(store, "one")
    first = take(queue)
    queue.release(first.id, first.token, "ann")
    second = take(queue)
    assert (second.id, second.token) == (first.id, first.token + 1)
    clock.pass_seconds(300)
    third = take(queue)
    assert (third.id, third.token) == (first.id, first.token + 2)
    for act in (queue.renew, queue.release):
        with pytest.raises(LeaseExpired):
            act(third.id, second.token, "ann")
    with pytest.raises(LeaseExpired):
        say(queue, second)
    with pytest.raises(LeaseExpired):
        say(queue, third, reviewer="bob")
    clock.pass_seconds(200)
    assert queue.renew(third.id, third.token, "ann").lease_expires_at is not None
    clock.pass_seconds(200)
    assert say(queue, third).status == "done"


def test_a_page_that_is_loaded_again_gets_its_benchmark_back(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    ask("a", "b", "c")
    gold(store, "one")
    held = queue.take("ann", 2, session="tab")
    assert "benchmark" in {item.kind for item in held}
    again = queue.take("ann", 2, session="tab")
    assert {(each.id, each.token) for each in again} == {(each.id, each.token) for each in held}
    assert "benchmark" not in {each.kind for each in queue.take("ann", 2, session="other")}
    leases = [(each.id, each.token) for each in held]
    assert all(each.expires_at for each in queue.renew_all(leases, "ann"))
    assert queue.release_all(leases, "ann") == 2


def test_a_transcript_is_never_hidden_gold(hidden: BenchmarkQueue, store: Store) -> None:
    gold(store, "hello", answer=None, ref="transcription@1.0.0")
    assert hidden.offer("ann", "transcription@1.0.0", None) is None


def test_a_reviewer_who_asks_twice_at_once_gets_no_text_twice(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    ask(*(f"d{n}" for n in range(30)))
    gold(store, *(f"text {n}" for n in range(12)))
    got: list[str] = []

    def taking() -> None:
        for _ in range(3):
            item = queue.next("ann")
            assert item is not None
            got.append(item.document.text)

    threads = [threading.Thread(target=taking) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(f"text {n}" for n in range(12))
