"""Hidden gold: nobody can tell it from a blind review, and it measures who decides it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from llmlabel.api.review_shapes import ReviewOut
from llmlabel.confidence.bounds import binomial_upper
from llmlabel.domain.answer import Answer, ChoiceAnswer, Span, SpansAnswer, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.domain.guideline import Example, Guideline
from llmlabel.errors import AlreadyReviewed, Conflict, InvalidInput, LeaseExpired, NotFound
from llmlabel.learning.losses import loss_of
from llmlabel.review import ReviewQueue
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.store import ReviewItem, Store
from llmlabel.store.people import upper_bound

if TYPE_CHECKING:
    from conftest import Clock

REF = "sentiment@1.0.0"
POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")
TOKENS = TokensAnswer(
    tokens=(Span(start=0, end=4, label="NOUN"), Span(start=5, end=10, label="VERB"))
)


class Chance:
    """Hidden gold always, until told otherwise."""

    def __init__(self) -> None:
        self.value = 0.0

    def __call__(self) -> float:
        return self.value


@pytest.fixture
def chance() -> Chance:
    return Chance()


@pytest.fixture
def measured(guideline: Callable[[str], Guideline]) -> Callable[[str], Guideline]:
    """The guidelines with a policy that asks for benchmarks."""

    def get(ref: str) -> Guideline:
        found = guideline(ref)
        changes: dict[str, Any] = {"benchmarks": 0.5}
        if found.kind == "spans":
            changes["loss"] = "units"
        example = Example(id="e1", text="an example", label="positive")
        return found.model_copy(
            update={"policy": found.policy.model_copy(update=changes), "examples": (example,)}
        )

    return get


@pytest.fixture
def hidden(
    store: Store, measured: Callable[[str], Guideline], chance: Chance, clock: Clock
) -> BenchmarkQueue:
    return BenchmarkQueue(store, measured, loss_of, 300, chance=chance)


@pytest.fixture
def queue(
    store: Store, measured: Callable[[str], Guideline], hidden: BenchmarkQueue
) -> ReviewQueue:
    return ReviewQueue(store, measured, lease_seconds=300, benchmarks=hidden)


def gold(store: Store, *texts: str, answer: Answer | None = POSITIVE, ref: str = REF) -> None:
    new = [NewGold(document=Document.of_text(text), answer=answer) for text in texts]
    store.gold.add(new, ref, replace=True)


def take(queue: ReviewQueue, reviewer: str = "ann") -> ReviewItem:
    item = queue.next(reviewer)
    assert item is not None
    return item


def say(
    queue: ReviewQueue, item: ReviewItem, answer: Answer | None = POSITIVE, **more: Any
) -> ReviewItem:
    kind = more.pop("kind", "reject" if answer is None else "correct")
    reviewer = more.pop("reviewer", "ann")
    return queue.verdict(
        item.id, token=item.token, kind=kind, reviewer=reviewer, answer=answer, **more
    )


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


def test_a_transcript_is_never_hidden_gold(hidden: BenchmarkQueue, store: Store) -> None:
    gold(store, "hello", answer=None, ref="transcription@1.0.0")
    assert hidden.offer("ann", "transcription@1.0.0", None) is None


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
