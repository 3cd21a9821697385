from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmlabel.confidence.bounds import binomial_p_value, binomial_upper, hoeffding_bentkus_upper
from llmlabel.confidence.risk_control import candidate_thresholds, select_threshold, spend
from llmlabel.confidence.selection import percent
from llmlabel.domain.promise import Promise

DELIVERED = Promise(kind="delivered", error=0.05, probability=0.95)
ACCEPTED = Promise(kind="accepted", error=0.1, probability=0.9)
Arrays = tuple[Any, Any]


def population(rng: np.random.Generator, n: int, a: float = 3, b: float = 0.4) -> Arrays:
    """Confidences that mean what they say, and whether each answer was wrong."""
    confidence = rng.beta(a, b, n)
    return confidence, (rng.random(n) > confidence).astype(float)


@st.composite
def gold(draw: st.DrawFn) -> tuple[Any, Any, Any, Promise]:
    n = draw(st.integers(1, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    confidence = np.round(rng.beta(3, 0.4, n), draw(st.integers(1, 6)))
    loss = (rng.random(n) < draw(st.floats(0, 0.15))).astype(float)
    loss[rng.random(n) > confidence] = 1
    confidence[rng.random(n) < draw(st.sampled_from([0, 0.1]))] = np.nan
    promise = Promise(
        kind=draw(st.sampled_from(["delivered", "accepted"])),
        error=draw(st.floats(0.02, 0.3)),
        probability=draw(st.floats(0.5, 0.99)),
    )
    return confidence, loss, candidate_thresholds(rng.beta(3, 0.4, 100), promise, n), promise


def test_the_threshold_is_the_lowest_before_the_first_failure() -> None:
    # 100 right answers above .8, then one wrong one after another from .79 down.
    confidence = np.concatenate([np.linspace(1, 0.8, 100), np.linspace(0.79, 0.5, 100)])
    loss = np.concatenate([np.zeros(100), np.ones(100)])
    candidates = np.array([0.9, 0.8, 0.789, 0.785, 0.775, 0.5])
    found = select_threshold(confidence, loss, candidates, DELIVERED)
    wrong = next(k for k in range(200) if binomial_p_value(k, 200, 0.05) > 0.05)
    expected = [tau for tau in candidates if loss[confidence >= tau].sum() < wrong]
    assert found.threshold == min(expected) == 0.785
    assert found.accepted == int((confidence >= 0.785).sum())
    assert found.coverage == found.accepted / 200
    assert found.observed_risk == loss[confidence >= 0.785].sum() / 200
    assert found.bound == pytest.approx(binomial_upper(found.observed_risk * 200, 200, 0.05))
    assert [step.passed for step in found.curve] == [True] * 4 + [False]
    assert found.floor == pytest.approx(90 / 200)  # ten wrong of 200 are allowed
    assert "within the promised 5%" in found.reason
    assert "0.785" in found.reason
    assert f"{found.further} more gold labels" in found.reason


@given(gold())
def test_what_is_reported_keeps_the_promise_and_agrees_with_the_gold(
    case: tuple[Any, Any, Any, Promise],
) -> None:
    confidence, loss, candidates, promise = case
    found = select_threshold(confidence, loss, candidates, promise)
    assert 0 <= found.floor <= 1
    assert found.reason
    if found.threshold is None:
        assert (found.accepted, found.coverage, found.bound) == (0, 0, None)
        return
    assert found.threshold in candidates
    taken = confidence >= found.threshold
    size = len(loss) if promise.kind == "delivered" else taken.sum()
    assert found.accepted == taken.sum()
    assert found.observed_risk == pytest.approx(loss[taken].sum() / size)
    assert found.observed_risk <= found.bound <= promise.error + 1e-9
    assert 1 - found.coverage >= found.floor - 1e-9


@given(gold(), st.integers(0, 2**32))
def test_another_error_never_lets_more_be_accepted(
    case: tuple[Any, Any, Any, Promise], seed: int
) -> None:
    confidence, loss, candidates, promise = case
    worse = loss.copy()
    worse[np.random.default_rng(seed).integers(len(loss))] = 1
    before = select_threshold(confidence, loss, candidates, promise)
    after = select_threshold(confidence, worse, candidates, promise)
    assert after.coverage <= before.coverage
    assert after.floor >= before.floor - 1e-12


@given(gold())
def test_only_the_order_of_confidences_matters(case: tuple[Any, Any, Any, Promise]) -> None:
    confidence, loss, candidates, promise = case
    before = select_threshold(confidence, loss, candidates, promise)
    after = select_threshold(8 * confidence - 3, loss, 8 * candidates - 3, promise)
    assert after.accepted == before.accepted
    assert (after.observed_risk, after.bound, after.floor, after.further) == (
        before.observed_risk,
        before.bound,
        before.floor,
        before.further,
    )


@given(gold(), st.floats(0.001, 0.5))
def test_a_surer_promise_never_accepts_more(
    case: tuple[Any, Any, Any, Promise], delta: float
) -> None:
    confidence, loss, candidates, promise = case
    sure = select_threshold(confidence, loss, candidates, promise, delta=delta / 2)
    less = select_threshold(confidence, loss, candidates, promise, delta=delta)
    assert sure.coverage <= less.coverage


def test_an_answer_that_does_not_exist_is_never_accepted_whatever_its_loss() -> None:
    confidence = np.concatenate([np.full(50, 0.9), np.full(50, np.nan)])
    loss = np.concatenate([np.zeros(50), np.full(50, np.nan)])
    found = select_threshold(confidence, loss, np.array([0.5]), DELIVERED)
    assert (found.n, found.accepted, found.coverage, found.floor) == (100, 50, 0.5, 0.5)


def test_too_little_gold_says_how_much_is_needed() -> None:
    found = select_threshold(np.full(12, 0.99), np.zeros(12), np.array([0.9]), DELIVERED)
    assert not found.feasible
    assert found.reason == (
        "with 12 gold labels even a flawless record proves only that at most 22% are wrong; "
        "at least 59 are needed"
    )
    assert found.further == 47


def test_no_gold_at_all_says_so() -> None:
    empty = np.empty(0)
    for promise, fewest in ((DELIVERED, 59), (ACCEPTED, 22)):
        found = select_threshold(empty, empty, candidate_thresholds(empty, promise, 0), promise)
        assert (found.threshold, found.floor, found.further) == (None, 1.0, fewest)
        assert f"at least {fewest} are needed" in found.reason


def test_too_few_sure_answers_are_told_from_too_little_gold() -> None:
    confidence = np.concatenate([np.full(10, 0.95), np.full(90, 0.3)])
    found = select_threshold(confidence, np.zeros(100), np.array([0.9]), ACCEPTED)
    assert found.further == 120  # 22 of the sure ones are needed, and a tenth is sure
    assert "of 100 gold labels 10 reach the first threshold tested, 0.9" in found.reason
    assert "at least 22 must reach it" in found.reason
    assert "120 more gold labels" in found.reason


def test_answers_too_often_wrong_cannot_be_helped_by_gold() -> None:
    loss = (np.arange(200) % 5 == 0).astype(float)
    found = select_threshold(np.full(200, 0.9), loss, np.array([0.5]), ACCEPTED)
    assert (found.threshold, found.further, found.floor) == (None, None, 1.0)
    assert "20% of those accepted are wrong" in found.reason
    assert "no amount of gold" in found.reason


@pytest.mark.parametrize("promise", [DELIVERED, ACCEPTED])
def test_the_further_gold_at_the_same_rate_of_errors_suffices(promise: Promise) -> None:
    confidence = np.full(100, 0.9)
    loss = np.zeros(100)
    loss[:3] = 1
    found = select_threshold(confidence, loss, np.array([0.5]), promise)
    if found.feasible:
        loss[:8] = 1
        found = select_threshold(confidence, loss, np.array([0.5]), promise)
    assert not found.feasible
    assert found.further is not None
    rate = loss.mean()
    more = 100 + found.further
    assert binomial_p_value(rate * more, more, promise.error) <= 1 - promise.probability + 1e-9
    assert binomial_p_value(rate * (more - 1), more - 1, promise.error) > 1 - promise.probability
    assert f"about {found.further} more gold labels" in found.reason


def test_nothing_further_is_needed_when_every_threshold_passes() -> None:
    found = select_threshold(np.linspace(0.5, 1, 100), np.zeros(100), np.array([0.4]), DELIVERED)
    assert (found.coverage, found.further, found.floor) == (1.0, 0, 0.0)


def test_losses_between_nothing_and_all_use_hoeffding_bentkus() -> None:
    loss = np.full(300, 0.02)
    found = select_threshold(np.full(300, 0.9), loss, np.array([0.5]), DELIVERED)
    assert found.bound is not None
    assert found.bound == pytest.approx(hoeffding_bentkus_upper(0.02, 300, 0.05))


def test_equal_confidences_are_accepted_together_in_the_floor() -> None:
    confidence = np.array([0.9] * 10 + [0.5] * 10)
    loss = np.array([0.0] * 10 + [1.0] + [0.0] * 9)
    lax = Promise(kind="delivered", error=0.04, probability=0.9)
    assert select_threshold(confidence, loss, np.array([0.9]), lax).floor == 0.5


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"confidence": np.zeros(3)}, "confidence has 3"),
        ({"confidence": np.full(2, np.inf)}, "confidence must be finite"),
        ({"loss": np.array([0, 1.5])}, "loss"),
        ({"loss": np.array([0, np.nan])}, "loss"),
        ({"candidates": np.array([np.nan])}, "candidates"),
        ({"delta": 1.0}, "delta"),
    ],
)
def test_an_argument_out_of_range_is_named(change: dict[str, Any], name: str) -> None:
    sound: dict[str, Any] = {
        "confidence": np.full(2, 0.9),
        "loss": np.zeros(2),
        "candidates": np.array([0.5]),
        "promise": DELIVERED,
    }
    with pytest.raises(ValueError, match=name):
        select_threshold(**(sound | change))


# Candidates


def test_candidates_fall_and_come_from_the_reference() -> None:
    reference = np.random.default_rng(0).beta(3, 0.4, 5000)
    candidates = candidate_thresholds(reference, DELIVERED, 300)
    assert 150 <= len(candidates) <= 201
    assert np.all(np.diff(candidates) < 0)
    assert np.isin(candidates, reference).all()
    assert (candidates[0], candidates[-1]) == (reference.max(), reference.min())


@given(st.integers(0, 1000), st.integers(0, 2**32), st.booleans())
def test_the_first_candidate_of_accepted_expects_enough_answers(
    n: int, seed: int, probabilities: bool
) -> None:
    reference = np.random.default_rng(seed).beta(3, 0.4, 300)
    reference[:30] = np.nan
    if not probabilities:
        reference = 8 * reference - 3
    candidates = candidate_thresholds(reference, ACCEPTED, n)
    expected = n * np.sum(reference >= candidates[0]) / 300
    assert expected >= max(33, 0.1 * n) or len(candidates) == 1


def test_without_a_reference_there_is_a_fixed_grid() -> None:
    for nothing in (np.empty(0), np.full(5, np.nan)):
        delivered = candidate_thresholds(nothing, DELIVERED, 300)
        assert delivered[0] > 0.999
        assert delivered[-1] < 0.13
        assert np.all(np.diff(delivered) < 0)
        assert 0.85 < candidate_thresholds(nothing, ACCEPTED, 300)[0] <= 0.9


def test_the_same_confidence_everywhere_is_one_candidate() -> None:
    assert candidate_thresholds(np.full(50, 0.7), DELIVERED, 300).tolist() == [0.7]


# Attempts


@given(st.floats(0.001, 0.5), st.integers(1, 500))
def test_all_attempts_together_stay_within_delta(delta: float, attempts: int) -> None:
    spent = [spend(delta, k) for k in range(1, attempts + 1)]
    assert math.fsum(spent) < delta
    assert math.fsum(spent) == pytest.approx(delta * attempts / (attempts + 1))
    assert spent == sorted(spent, reverse=True)


def test_there_is_no_attempt_before_the_first() -> None:
    with pytest.raises(ValueError, match="attempt"):
        spend(0.05, 0)


# Words


def test_a_share_is_shown_finely_enough_to_differ_from_its_neighbour() -> None:
    assert [percent(x) for x in (0.22092, 0.05, 0.0391, 0.0, 1.0)] == (
        ["22%", "5%", "3.9%", "0%", "100%"]
    )
    assert percent(0.0498, 0.05) == "4.98%"
    assert percent(0.05, 0.05) == "5%"


# The promise is kept as often as it says


@pytest.mark.parametrize("promise", [DELIVERED, ACCEPTED])
@pytest.mark.parametrize("shape", [(3.0, 0.4), (2.0, 1.0)])
@pytest.mark.parametrize("losses", ["whole", "parts"])
def test_over_many_draws_of_gold_the_promise_is_broken_as_seldom_as_it_says(
    promise: Promise, shape: tuple[float, float], losses: str
) -> None:
    rng = np.random.default_rng(3)
    confidence, loss = population(rng, 100_000, *shape)
    if losses == "parts":
        loss = loss * rng.beta(2, 1, len(loss))
    order = np.argsort(-confidence)
    ordered, total = confidence[order], np.cumsum(loss[order])
    broken = accepted = 0
    draws = 400 if losses == "whole" else 150
    for _ in range(draws):
        part = rng.integers(len(loss), size=300)
        reference = rng.beta(*shape, 200)
        found = select_threshold(
            confidence[part], loss[part], candidate_thresholds(reference, promise, 300), promise
        )
        if found.threshold is None:
            continue
        accepted += 1
        count = int(np.searchsorted(-ordered, -found.threshold, side="right"))
        size = len(loss) if promise.kind == "delivered" else count
        broken += bool(total[count - 1] / size > promise.error) if count else 0
    delta = 1 - promise.probability
    assert accepted > draws / 4
    assert broken / draws <= delta + 2 * math.sqrt(delta * (1 - delta) / draws)


def test_the_first_test_of_accepted_is_placed_where_it_is_likely_to_pass() -> None:
    rng = np.random.default_rng(4)
    passed = 0
    for _ in range(200):
        candidates = candidate_thresholds(rng.beta(8, 0.5, 300), ACCEPTED, 300)
        passed += select_threshold(*population(rng, 300, 8, 0.5), candidates, ACCEPTED).feasible
    # With the highest threshold that 33 answers reach, one error in fifteen draws would end it.
    assert passed >= stats.binom.ppf(0.01, 200, 0.99)
