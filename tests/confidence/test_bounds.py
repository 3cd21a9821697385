from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmlabel.confidence.bounds import (
    binomial_p_value,
    binomial_upper,
    hoeffding_bentkus_p_value,
    hoeffding_bentkus_upper,
    smallest_sample,
)

SHARES = st.floats(0.001, 0.999)


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 2000))
    return draw(st.integers(0, n)), n


@given(counts(), SHARES)
def test_the_binomial_bound_is_the_one_of_clopper_and_pearson(
    sample: tuple[int, int], delta: float
) -> None:
    errors, n = sample
    peer = stats.binomtest(errors, n, alternative="less").proportion_ci(1 - delta, "exact")
    assert binomial_upper(errors, n, delta) == pytest.approx(peer.high, abs=1e-6)
    if errors < n:
        quantile = stats.beta.ppf(1 - delta, errors + 1, n - errors)
        assert binomial_upper(errors, n, delta) == pytest.approx(quantile, rel=1e-9)


@given(counts(), SHARES)
def test_the_binomial_p_value_is_the_distribution_function(
    sample: tuple[int, int], risk: float
) -> None:
    errors, n = sample
    expected = stats.binom.cdf(errors, n, risk)
    # Far out in the tail the two ways of computing it agree to fewer digits.
    assert binomial_p_value(errors, n, risk) == pytest.approx(expected, rel=1e-8, abs=1e-100)


def test_known_values() -> None:
    assert binomial_upper(0, 59, 0.05) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert binomial_upper(0, 12, 0.05) == pytest.approx(0.22092, abs=1e-5)
    assert binomial_upper(5, 100, 0.05) == pytest.approx(0.10225, abs=1e-5)
    # exp(-100 h1(0.02, 0.1)) with h1 written out, against e P(Bin(100, 0.1) <= 2)
    hoeffding = math.exp(-100 * (0.02 * math.log(0.2) + 0.98 * math.log(0.98 / 0.9)))
    bentkus = math.e * stats.binom.cdf(2, 100, 0.1)
    assert hoeffding_bentkus_p_value(0.02, 100, 0.1) == pytest.approx(min(hoeffding, bentkus))


@given(counts(), SHARES, SHARES)
def test_a_small_p_value_and_a_bound_below_the_risk_say_the_same(
    sample: tuple[int, int], risk: float, delta: float
) -> None:
    errors, n = sample
    for p_value, upper in (
        (binomial_p_value(errors, n, risk), binomial_upper(errors, n, delta)),
        (
            hoeffding_bentkus_p_value(errors / n, n, risk),
            hoeffding_bentkus_upper(errors / n, n, delta),
        ),
    ):
        if abs(upper - risk) > 1e-9:
            assert (p_value <= delta) == (upper <= risk)


@given(counts(), SHARES)
def test_a_bound_lies_between_what_was_observed_and_one(
    sample: tuple[int, int], delta: float
) -> None:
    errors, n = sample
    assert errors / n <= hoeffding_bentkus_upper(errors / n, n, delta) <= 1
    assert binomial_upper(errors, n, delta) <= hoeffding_bentkus_upper(errors / n, n, delta) + 1e-9
    if delta <= 0.5:
        assert errors / n <= binomial_upper(errors, n, delta) <= 1


@given(counts(), SHARES, SHARES)
def test_more_errors_or_less_risk_of_being_wrong_never_lower_the_bound(
    sample: tuple[int, int], delta: float, other: float
) -> None:
    errors, n = sample
    surer, less_sure = sorted((delta, other))
    more = min(errors + 1, n)
    slack = 1e-9
    assert binomial_upper(errors, n, delta) <= binomial_upper(more, n, delta) + slack
    assert binomial_upper(errors, n, less_sure) <= binomial_upper(errors, n, surer) + slack
    mean, worse = errors / n, more / n
    assert hoeffding_bentkus_upper(mean, n, delta) <= (
        hoeffding_bentkus_upper(worse, n, delta) + slack
    )
    assert hoeffding_bentkus_upper(mean, n, less_sure) <= (
        hoeffding_bentkus_upper(mean, n, surer) + slack
    )


@given(counts(), st.integers(2, 10), SHARES)
def test_a_larger_sample_with_the_same_share_of_errors_is_bounded_no_higher(
    sample: tuple[int, int], times: int, delta: float
) -> None:
    errors, n = sample
    mean = errors / n
    assert hoeffding_bentkus_upper(mean, n * times, delta) <= (
        hoeffding_bentkus_upper(mean, n, delta) + 1e-9
    )
    if delta <= 0.1:
        assert binomial_upper(errors * times, n * times, delta) <= (
            binomial_upper(errors, n, delta) + 1e-9
        )


@given(SHARES, SHARES)
def test_the_smallest_sample_is_the_first_flawless_one_that_proves_the_risk(
    risk: float, delta: float
) -> None:
    n = smallest_sample(risk, delta)
    assert binomial_p_value(0, n, risk) <= delta
    assert n == 1 or binomial_p_value(0, n - 1, risk) > delta
    assert hoeffding_bentkus_p_value(0, n, risk) <= delta * (1 + 1e-9)


def test_fifty_nine_flawless_answers_prove_five_percent() -> None:
    assert smallest_sample(0.05, 0.05) == 59
    assert smallest_sample(0.1, 0.1) == 22
    assert smallest_sample(0.5, 0.25) == 2


def test_an_empty_sample_proves_nothing() -> None:
    assert binomial_upper(0, 0, 0.05) == 1
    assert hoeffding_bentkus_upper(0, 0, 0.05) == 1
    assert binomial_p_value(0, 0, 0.05) == 1
    assert hoeffding_bentkus_p_value(0, 0, 0.05) == 1


def test_a_sum_of_tenths_is_not_rounded_up_to_another_error() -> None:
    mean = sum([0.1] * 7) / 100 * 10  # a little more or less than 0.07
    assert hoeffding_bentkus_p_value(mean, 100, 0.2) == pytest.approx(
        hoeffding_bentkus_p_value(0.07, 100, 0.2)
    )


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: binomial_upper(1, 10, 0), "delta"),
        (lambda: binomial_upper(1, 10, 1), "delta"),
        (lambda: binomial_upper(11, 10, 0.05), "errors"),
        (lambda: binomial_upper(-1, 10, 0.05), "errors"),
        (lambda: binomial_upper(0, -1, 0.05), "n must"),
        (lambda: binomial_p_value(1, 10, float("nan")), "risk"),
        (lambda: hoeffding_bentkus_upper(1.5, 10, 0.05), "mean"),
        (lambda: hoeffding_bentkus_upper(float("nan"), 10, 0.05), "mean"),
        (lambda: hoeffding_bentkus_upper(0.5, 10, 1.0), "delta"),
        (lambda: hoeffding_bentkus_p_value(0.5, -3, 0.1), "n must"),
        (lambda: hoeffding_bentkus_p_value(0.5, 3, 0), "risk"),
        (lambda: smallest_sample(0, 0.05), "risk"),
    ],
)
def test_a_value_out_of_range_is_named(call: object, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()  # type: ignore[operator]


def too_often(misses: int, draws: int, delta: float) -> bool:
    """More misses than a true rate of delta explains, by two standard errors."""
    return misses / draws > delta + 2 * math.sqrt(delta * (1 - delta) / draws)


@pytest.mark.parametrize(("n", "risk"), [(30, 0.1), (300, 0.05), (300, 0.4)])
def test_the_binomial_bound_covers_as_often_as_it_says(n: int, risk: float) -> None:
    draws = np.random.default_rng(1).binomial(n, risk, 4000)
    bounds = {int(k): binomial_upper(int(k), n, 0.1) for k in np.unique(draws)}
    misses = sum(bounds[int(k)] < risk for k in draws)
    assert not too_often(misses, 4000, 0.1)


@pytest.mark.parametrize(("a", "b"), [(0.2, 3.0), (0.05, 0.45), (2.0, 6.0)])
def test_hoeffding_bentkus_covers_losses_between_nothing_and_all(a: float, b: float) -> None:
    losses = np.random.default_rng(2).beta(a, b, size=(800, 200))
    misses = sum(hoeffding_bentkus_upper(m, 200, 0.1) < a / (a + b) for m in losses.mean(axis=1))
    assert not too_often(misses, 800, 0.1)
