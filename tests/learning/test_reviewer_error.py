"""What mistakes of reviewers may hide, and that a promise holds although they make them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_parts import BAD, DELIVERED, GOOD, World, a_guideline

from llmlabel.confidence.bounds import binomial_upper
from llmlabel.confidence.risk_control import candidate_thresholds, select_threshold
from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    Span,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.document import Document
from llmlabel.domain.gold import GoldItem, GoldSource
from llmlabel.domain.promise import Promise, PromiseKind
from llmlabel.domain.review import Verdict
from llmlabel.errors import Unsupported
from llmlabel.learning.certification import Asked, refuse_unmeasured
from llmlabel.learning.losses import loss_of
from llmlabel.learning.reviewer_error import (
    REVIEWERS_DELTA,
    Mistakes,
    assumed,
    mistakes_of,
    slack,
    taken_off,
    too_much,
)
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.store import Store
from llmlabel.store.benchmark_rows import Answered

TOKENS = [(0, 1), (1, 2), (2, 3)]
spans = st.builds(
    lambda places: SpansAnswer(
        spans=tuple(Span(start=at, end=at + 1, label=label) for at, label in sorted(places))
    ),
    st.sets(st.tuples(st.integers(0, 4), st.sampled_from("AB")), max_size=6),
)
tokens = st.builds(
    lambda labels: TokensAnswer(
        tokens=tuple(
            Span(start=start, end=end, label=label)
            for (start, end), label in zip(TOKENS, labels, strict=True)
        )
    ),
    st.tuples(*[st.sampled_from("AB")] * 3),
)
transcripts = st.builds(
    lambda words: TranscriptAnswer(text=" ".join(words)),
    st.lists(st.sampled_from(["one", "two", "three"]), max_size=6),
)
choices = st.builds(lambda label: ChoiceAnswer(label=label), st.sampled_from("ABC"))
three = st.one_of(
    *(st.tuples(*[st.one_of(st.none(), one)] * 3) for one in (spans, tokens, transcripts, choices))
)


@given(three, st.sampled_from(["exact", "units"]))
def test_a_verdict_hides_no_more_than_its_slack(
    answers: tuple[Answer | None, Answer | None, Answer | None], counted: str
) -> None:
    said, verdict, right = answers
    loss = 0.0 if verdict is None and right is None else _loss(verdict, right, counted)
    hidden = slack(loss, None if verdict is None else verdict.kind, counted)  # type: ignore[arg-type]
    assert loss <= hidden <= 1
    assert _loss(said, right, counted) <= _loss(said, verdict, counted) + hidden + 1e-9


def _loss(proposed: Answer | None, right: Answer | None, counted: str) -> float:
    return loss_of(proposed, right, counted, "en")  # type: ignore[arg-type]


def test_of_spans_the_slack_is_reached() -> None:
    one, two = (Span(start=at, end=at + 1, label="A") for at in (0, 1))
    said, verdict, right = (SpansAnswer(spans=s) for s in ((one,), (one, two), (two,)))
    lost = loss_of(verdict, right, "units")
    gap = loss_of(said, right, "units") - loss_of(said, verdict, "units")
    assert gap == pytest.approx(slack(lost, "spans", "units"))
    assert gap > lost, "so the loss of the verdict alone would not do"


def _answered(gold_id: str, reviewer: str, loss: float) -> Answered:
    return Answered(
        gold_id=gold_id,
        guideline="mood@1.0.0",
        reviewer=reviewer,
        loss=loss,
        answer_kind="choice",
    )


def _gold(sources: Sequence[tuple[GoldSource, str]]) -> list[GoldItem]:
    return [
        GoldItem(
            id=f"g-{n}",
            guideline="mood@1.0.0",
            document=Document.of_text(f"text {n}"),
            answer=GOOD,
            source=source,
            origin=origin,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        for n, (source, origin) in enumerate(sources)
    ]


def test_of_several_answers_to_one_text_one_counts_in_the_bound() -> None:
    answers = [_answered(f"g-{n}", who, float(n < 5)) for n in range(100) for who in ("ann", "bob")]
    found = mistakes_of(answers, _gold([("import", "f"), ("verdict", "ann")]), "exact")
    assert (found.answers, found.wrong) == (200, 10)
    assert len(found.slacks) == 100
    assert found.high == pytest.approx(binomial_upper(5, 100, 0.05))


def test_gold_by_reviewers_who_were_never_measured_counts_as_wrong() -> None:
    answers = [_answered(f"g-{n}", "ann", 0.0) for n in range(500)]
    gold = _gold([("import", "file")] * 6 + [("verdict", "ann")] * 3 + [("verdict", "eve")])
    found = mistakes_of(answers, gold, "exact")
    assert (found.measured, found.unmeasured) == (0.3, 0.1)
    taken = taken_off(found, DELIVERED, 10, 0.05)
    assert taken.allowance(5) == pytest.approx(binomial_upper(0, 500, 0.01) + 0.1)
    assert "10.0% of the gold" in too_much(found, DELIVERED, taken, 0.05)
    assert "10.0% of the gold is by reviewers who decided no hidden gold" in assumed(
        found, DELIVERED, taken
    )


def test_imported_gold_leaves_accepted_answers_untouched_by_reviewers() -> None:
    found = mistakes_of([], _gold([("import", "file")] * 4), "exact")
    accepted = Promise(kind="accepted", error=0.1)
    taken = taken_off(found, accepted, 4, 0.05)
    assert (taken.delta, taken.high, taken.allowance(1)) == (0.05, 0.0, 0.0)
    assert "do not touch this promise" in assumed(found, accepted, taken)
    assert taken_off(found, DELIVERED, 4, 0.05).allowance(4) == 1.0


def test_the_fewer_are_accepted_the_more_may_be_hidden_among_them() -> None:
    found = Mistakes(400, 4.0, 0.03, (1.0,) * 4 + (0.0,) * 396, measured=1.0, unmeasured=0.0)
    taken = taken_off(found, Promise(kind="accepted", error=0.1), 1000, 0.05)
    at = [taken.allowance(k) for k in (1000, 500, 100, 10)]
    assert at == sorted(at)
    assert at[-1] == 1.0, "of so few nothing can be said"
    assert taken.high == pytest.approx(binomial_upper(4, 400, REVIEWERS_DELTA * 0.05))


def test_too_little_hidden_gold_says_how_much_more_it_takes() -> None:
    found = Mistakes(20, 0.0, 0.2, (0.0,) * 20, measured=1.0, unmeasured=0.0)
    taken = taken_off(found, DELIVERED, 500, 0.05)
    assert taken.allowance(500) > DELIVERED.error
    # 0.95^90 < 0.01 <= 0.95^89: so many flawless answers bring the bound to 5%.
    assert "about 70 more documents of hidden gold" in too_much(found, DELIVERED, taken, 0.05)
    bad = Mistakes(20, 4.0, 0.4, (1.0,) * 4 + (0.0,) * 16, measured=1.0, unmeasured=0.0)
    assert "surer reviewers" in too_much(bad, DELIVERED, taken_off(bad, DELIVERED, 9, 0.05), 0.05)


REFERENCE = np.linspace(0.01, 0.99, 50)

WRONG, CONFIRMED = 0.43, 0.1
"""An answer of confidence c is wrong with probability .43 (1 - c); reviewers, who are right
otherwise, confirm a tenth of the wrong ones, so that every mistake of theirs hides one."""


@pytest.mark.parametrize("kind", ["delivered", "accepted"])
def test_a_promise_holds_although_reviewers_err_where_that_is_taken_off_and_else_breaks(
    kind: PromiseKind,
) -> None:
    promise = Promise(kind=kind, error=0.2, probability=0.9)
    random = np.random.default_rng(20260305)
    runs, n, hidden = 100, 10_000, 5_000
    broken = {True: 0, False: 0}
    coverage = []
    for _ in range(runs):
        confidence = random.random(n)
        wrong = random.random(n) < WRONG * (1 - confidence)
        seen = wrong & (random.random(n) >= CONFIRMED)
        mistakes = int(random.binomial(hidden, CONFIRMED * WRONG / 2))
        losses = (1.0,) * mistakes + (0.0,) * (hidden - mistakes)
        found = Mistakes(hidden, mistakes, 0.03, losses, measured=1.0, unmeasured=0.0)
        taken = taken_off(found, promise, n, 0.1)
        for option in (True, False):
            delta = taken.delta if option else 0.1
            allowance = taken.allowance if option else None
            candidates = candidate_thresholds(REFERENCE, promise, n, delta, allowance)
            chosen = select_threshold(
                confidence, seen, candidates, promise, delta=delta, allowance=allowance
            )
            if option:
                coverage.append(chosen.coverage)
            if chosen.threshold is not None:
                broken[option] += _true_risk(chosen.threshold, kind) > promise.error
    # One in ten may break it; 18 of 100 or more would by chance in one of 100 tests.
    assert broken[True] < 18
    assert broken[False] > runs * 0.8
    assert min(coverage) > 0.3, "what keeps the promise is of use"


def _true_risk(threshold: float, kind: PromiseKind) -> float:
    above = (1 - threshold) ** 2 * WRONG / 2
    if kind == "accepted":
        return above / (1 - threshold)
    return above + CONFIRMED * (WRONG / 2 - above)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}", recordings=tmp_path / "r")
    yield store
    store.close()


def _measure(world: World, n: int, wrong: int = 0, reviewer: str = "ann") -> None:
    """A reviewer decides hidden gold, with so many mistakes."""
    guideline = a_guideline(benchmarks=0.5)
    queue = BenchmarkQueue(world.store, lambda ref: guideline, loss_of, chance=lambda: 0.0)
    for place in range(n):
        item = queue.offer(reviewer, guideline.ref, None)
        assert item is not None
        right = world.truth[item.document.text]
        answer = right if place >= wrong else BAD if right == GOOD else GOOD
        queue.decide(
            item.token,
            Verdict(
                review_id=item.id,
                reviewer=reviewer,
                kind="correct",
                answer=answer,
                created_at=world.store.database.clock(),
            ),
        )


async def test_a_certificate_tells_of_the_reviewers_and_takes_off_what_they_may_hide(
    store: Store,
) -> None:
    world = World(store)
    world.gold(400)
    plain = await world.certify()
    assert "was not measured" in plain.assumptions[1]
    assert plain.reviewer_error is None
    _measure(world, 300, wrong=1)
    promise = Promise(error=0.08)
    told = await world.certify(promise)
    assert "On 300 answers to hidden gold reviewers were wrong in 1" in told.assumptions[1]
    assert "not taken off" in told.assumptions[1]
    strict = await world.certify(promise, reviewer_error=True)
    delta = 0.05 / (strict.attempt * (strict.attempt + 1))
    assert strict.reviewer_error == pytest.approx(binomial_upper(1, 300, 0.2 * delta))
    assert strict.bound is not None and told.bound is not None
    assert strict.bound <= promise.error
    assert strict.coverage < told.coverage, "the promise costs more"
    assert "part of the bound" in strict.assumptions[1]
    assert await world.certify(promise, reviewer_error=True) == strict, "nothing changed"
    _measure(world, 20, reviewer="bob")
    assert (await world.certify(promise, reviewer_error=True)).id != strict.id


async def test_without_hidden_gold_nothing_is_proved_and_no_model_is_asked(store: Store) -> None:
    world = World(store)
    world.gold(300)
    found = await world.certify(reviewer_error=True)
    assert found.status == "infeasible"
    assert "hidden gold" in found.reason
    assert found.reviewer_error == 1.0
    assert world.spoken == 0


def test_what_a_certification_is_asked_for_is_read_back_and_old_jobs_too() -> None:
    for asked in (
        Asked(),
        Asked(promise=DELIVERED),
        Asked(promise=DELIVERED, reviewer_error=True),
        Asked(reviewer_error=False),
    ):
        assert Asked.of(asked.argument) == asked
    assert Asked.of(DELIVERED.model_dump_json()) == Asked(promise=DELIVERED)


def test_reviewers_of_transcripts_cannot_be_measured() -> None:
    guideline = a_guideline().model_copy(update={"kind": "transcript"})
    with pytest.raises(Unsupported, match="cannot be measured") as refused:
        refuse_unmeasured(guideline, True)
    assert refused.value.field == "reviewer_error"
    refuse_unmeasured(guideline, None)
