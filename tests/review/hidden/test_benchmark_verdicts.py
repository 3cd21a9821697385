"""Verdicts on hidden gold are checked and taken back as any, and measure who gave them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hidden_gold import NEGATIVE, POSITIVE, REF, Chance, gold, say, take

from llmlabel.confidence.bounds import binomial_upper
from llmlabel.domain.answer import Span, SpansAnswer, TokensAnswer
from llmlabel.errors import AlreadyReviewed, Conflict, InvalidInput, LeaseExpired, NotFound
from llmlabel.review import ReviewQueue
from llmlabel.store import Store
from llmlabel.store.people import upper_bound

if TYPE_CHECKING:
    from told_clock import Clock

TOKENS = TokensAnswer(
    tokens=(Span(start=0, end=4, label="NOUN"), Span(start=5, end=10, label="VERB"))
)


def test_the_same_verdict_again_gives_the_same_result_and_another_is_refused(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    ask("a")
    gold(store, "one")
    item = take(queue)
    first = say(queue, item)
    assert say(queue, item) == first
    with pytest.raises(AlreadyReviewed) as refused:
        say(queue, item, NEGATIVE)
    assert refused.value.winner == first.verdict


def test_verdicts_on_benchmarks_and_reviews_are_taken_back_in_one_row(
    queue: ReviewQueue, store: Store, chance: Chance, clock: Clock, ask: Callable[..., None]
) -> None:
    ask("a")
    gold(store, "one")
    benchmark = take(queue)
    say(queue, benchmark, NEGATIVE)
    clock.pass_seconds(1)
    chance.value = 1.0
    review = take(queue)
    say(queue, review)
    with pytest.raises(Conflict):
        queue.undo(benchmark.id, "ann")
    assert queue.undo_last("ann").id == review.id
    assert queue.undo_last("ann").id == benchmark.id
    with pytest.raises(NotFound):
        queue.undo_last("ann")
    again = queue.get(benchmark.id)
    assert (again.status, again.verdict, again.token) == ("open", None, benchmark.token + 1)
    assert store.benchmarks.answers(REF) == []
    say(queue, again, POSITIVE)
    assert store.people.scores(REF)[0].wrong == 0
    (undone,) = store.events.of(benchmark.id, "benchmark.undone")
    assert undone.payload["loss"] == 1.0, "what was said first is kept"


def test_a_skipped_benchmark_counts_for_nothing_and_can_be_taken_back(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    ask("a")
    gold(store, "one")
    item = take(queue)
    say(queue, item, None, kind="skip")
    assert store.benchmarks.answers(REF) == []
    assert take(queue).kind == "doubt", "it is not given to them again"
    assert queue.undo(item.id, "ann").status == "open"


def test_rejecting_is_right_where_no_right_answer_exists(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    ask("a")
    gold(store, "gibberish", answer=None)
    say(queue, take(queue), None)
    gold(store, "plain")
    say(queue, take(queue), None)
    assert [each.loss for each in store.benchmarks.answers(REF)] == [0.0, 1.0]


def test_spans_are_as_wrong_as_the_share_that_differs(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    anna, rome = Span(start=0, end=4, label="PERSON"), Span(start=11, end=15, label="PLACE")
    ask("a", name="ner", answer=SpansAnswer())
    gold(store, "Anna likes Oslo", answer=SpansAnswer(spans=(anna, rome)), ref="ner@1.0.0")
    say(queue, take(queue), SpansAnswer(spans=(anna,)))
    (answer,) = store.benchmarks.answers("ner")
    assert answer.loss == pytest.approx(1 / 3)


def test_an_answer_is_checked_as_that_to_any_other_item(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    ask("a", name="pos", answer=TOKENS, text="Anna likes")
    gold(store, "Rome waits", answer=TOKENS, ref="pos@1.0.0")
    gold(store, "no tokens", answer=None, ref="pos@1.0.0")
    item = take(queue)
    assert item.document.text == "Rome waits", "where there are no tokens to show, none is given"
    moved = TokensAnswer(tokens=(TOKENS.tokens[0],))
    with pytest.raises(InvalidInput, match="differ from the proposed ones"):
        say(queue, item, moved)
    with pytest.raises(InvalidInput, match="cannot be confirmed"):
        say(queue, item, None, kind="confirm")
    with pytest.raises(InvalidInput, match="needs the right answer"):
        say(queue, item, None, kind="correct")
    say(queue, item, TOKENS)


def test_answers_to_gold_that_was_replaced_since_count_no_more(
    queue: ReviewQueue, store: Store, ask: Callable[..., None]
) -> None:
    ask("a")
    gold(store, "one")
    say(queue, take(queue), NEGATIVE)
    assert store.people.scores(REF)[0].wrong == 1
    gold(store, "one", answer=NEGATIVE)
    assert store.people.scores(REF) == []
    assert take(queue).kind == "doubt", "the text is known to them all the same"


def test_scores_count_what_stands_and_bound_the_error(
    queue: ReviewQueue, store: Store, chance: Chance, clock: Clock, ask: Callable[..., None]
) -> None:
    ask(*(f"d{n}" for n in range(5)))
    chance.value = 1.0
    for seconds in (2.0, 4.0, 9000.0, None):
        say(queue, take(queue), seconds=seconds)
        clock.pass_seconds(1)
    queue.undo_last("ann")
    chance.value = 0.0
    gold(store, *(f"text {n}" for n in range(10)))
    for n in range(10):
        say(queue, take(queue, "bob"), NEGATIVE if n < 2 else POSITIVE, reviewer="bob")
    ann, bob = store.people.scores()
    assert (ann.reviewer, ann.decided, ann.median_seconds) == ("ann", 3, 4.0)
    assert ann.items_per_hour == pytest.approx(3600 / ((2 + 4 + 300) / 3)), "and who is away, is"
    assert (ann.benchmarks, ann.error, ann.error_high) == (0, None, 1.0)
    assert (bob.decided, bob.benchmarks, bob.wrong, bob.error) == (0, 10, 2.0, 0.2)
    assert bob.error_high == pytest.approx(binomial_upper(2, 10, 0.05))
    assert store.people.scores("ner") == []


def test_the_bound_of_shares_is_never_below_that_of_whole_mistakes_of_the_same_number() -> None:
    assert upper_bound([], 0.05) == upper_bound([1.0, 1.0], 0.05) == 1.0
    shares = upper_bound([0.5] * 8 + [0.0] * 92, 0.05)
    assert binomial_upper(4, 100, 0.05) <= shares < 0.2


def test_a_lease_on_hidden_gold_that_ran_out_can_be_had_again_as_on_any_item(
    queue: ReviewQueue, store: Store, clock: Clock, ask: Callable[..., None]
) -> None:
    ask("a")
    gold(store, "one")
    item = take(queue)
    clock.pass_seconds(301)
    with pytest.raises(LeaseExpired):
        say(queue, item)
    again = queue.take_one(item.id, "ann", "a tab")
    assert (again.id, again.token, again.session) == (item.id, item.token + 1, "a tab")
    assert queue.take_one(item.id, "ann", "a tab").token == again.token
    with pytest.raises(Conflict, match="You hold this item in another window"):
        queue.take_one(item.id, "ann", "another tab")
    with pytest.raises(Conflict, match="Another reviewer holds this item"):
        queue.take_one(item.id, "bob")
    say(queue, again)
    with pytest.raises(AlreadyReviewed):
        queue.take_one(item.id, "ann", "a tab")


def test_the_history_of_hidden_gold_is_that_of_any_other_item(
    queue: ReviewQueue, store: Store, chance: Chance, clock: Clock, ask: Callable[..., None]
) -> None:
    ask("a", drawn=True)
    gold(store, "one")
    told = []
    for chance.value in (0.0, 1.0):
        item = take(queue)
        said = say(queue, item, NEGATIVE, comment="hm", seconds=2.5).verdict
        assert said is not None
        again = queue.undo(item.id, "ann")
        clock.pass_seconds(1)
        say(queue, again, POSITIVE)
        history = queue.history(item.id)
        assert history[0].created_at == said.created_at
        told.append([each.model_dump(exclude={"review_id", "created_at"}) for each in history])
    assert told[0] == told[1]
    assert [each["undone"] for each in told[0]] == [True, False]
