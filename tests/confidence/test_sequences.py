from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.confidence.bounds import binomial_upper
from llmlabel.confidence.sequences import Accepted, Interval, RiskSequence, risk_of_record

STEPS = st.lists(
    st.tuples(st.sampled_from([0.05, 0.2, 1.0]), st.sampled_from([None, 0.0, 0.0, 0.3, 1.0])),
    max_size=40,
)


def run(
    sequence: RiskSequence, rng: np.random.Generator, count: int, risk: float, rate: float
) -> None:
    """Accept `count` answers, each wrong with probability `risk`, audited with `rate`."""
    before = -1
    for at in np.flatnonzero(rng.random(count) < rate):
        sequence.skip(int(at) - before - 1, rate)
        sequence.audit(float(rng.random() < risk), rate)
        before = int(at)
    sequence.skip(count - before - 1, rate)


def follow(sequence: RiskSequence, steps: Sequence[tuple[float, float | None]]) -> list[Interval]:
    intervals = [sequence.interval()]
    for rate, loss in steps:
        if loss is None:
            sequence.skip(1, rate)
        else:
            sequence.audit(loss, rate)
        intervals.append(sequence.interval())
    return intervals


def test_before_any_audit_nothing_is_known() -> None:
    assert RiskSequence(0.05).interval() == Interval(0.0, 1.0, None, 0, 0)
    assert risk_of_record([]) == Interval(0.0, 1.0, None, 0, 0)


def test_the_estimate_weighs_each_audit_by_how_seldom_it_was_drawn() -> None:
    sequence = RiskSequence(0.05)
    sequence.skip(150, 0.05)
    sequence.audit(1.0, 0.05)  # stands for 20
    sequence.skip(48, 0.5)
    sequence.audit(0.5, 0.5)  # stands for 2, half wrong
    found = sequence.interval()
    assert found.estimate == pytest.approx((20 + 1) / 200)
    assert (found.audits, found.accepted) == (2, 200)


def test_the_estimate_is_no_more_than_all() -> None:
    sequence = RiskSequence(0.05)
    sequence.audit(1.0, 0.05)
    assert sequence.interval().estimate == 1.0


@given(STEPS)
@settings(max_examples=40)
def test_the_interval_only_narrows_and_a_record_tells_the_same_as_the_steps(
    steps: list[tuple[float, float | None]],
) -> None:
    intervals = follow(RiskSequence(0.05, 0.1, (0.05,)), steps)
    for before, after in pairwise(intervals):
        assert before.low <= after.low
        assert after.high <= before.high
    record = [Accepted(rate, loss) for rate, loss in steps]
    whole = risk_of_record(record, delta=0.1, limits=(0.05,))
    last = intervals[-1]
    assert (whole.low, whole.audits, whole.accepted) == (last.low, last.audits, last.accepted)
    assert whole.high == pytest.approx(last.high)
    assert whole.estimate == pytest.approx(last.estimate)


@given(STEPS, st.integers(0, 39))
@settings(max_examples=40)
def test_a_wrong_answer_where_a_right_one_was_never_lowers_the_upper_end(
    steps: list[tuple[float, float | None]], at: int
) -> None:
    worse = [
        (rate, 1.0 if index == at and loss == 0 else loss)
        for index, (rate, loss) in enumerate(steps)
    ]
    good, bad = follow(RiskSequence(0.05), steps)[-1], follow(RiskSequence(0.05), worse)[-1]
    assert bad.high >= good.high


def test_a_run_of_answers_counts_as_one_by_one() -> None:
    together, apart = RiskSequence(0.05), RiskSequence(0.05)
    for sequence in (together, apart):
        sequence.audit(1.0, 0.05)
    together.skip(500, 0.05)
    for _ in range(500):
        apart.skip(1, 0.05)
    assert together.interval() == apart.interval()


@pytest.mark.parametrize("audits", [30, 300, 3000])
def test_the_upper_end_without_an_error_is_near_the_exact_bound(audits: int) -> None:
    sequence = RiskSequence(1.0, 0.05)
    for _ in range(audits):
        sequence.audit(0.0, 1.0)
    once = binomial_upper(0, audits, 0.025)
    assert once < sequence.interval().high < 1.5 * once


def test_a_promise_among_the_limits_is_exceeded_as_soon_as_it_is_refuted() -> None:
    exact, coarse = RiskSequence(1.0, limits=(0.0731,)), RiskSequence(1.0)
    for sequence in (exact, coarse):
        rng = np.random.default_rng(5)
        while not sequence.interval().exceeds(0.0731):
            sequence.audit(float(rng.random() < 0.2), 1.0)
    assert exact.interval().low >= 0.0731
    assert exact.interval().audits <= coarse.interval().audits


@pytest.mark.parametrize("rate", [0.05, 1.0])
@pytest.mark.parametrize("risk", [0.0, 0.02, 0.1])
def test_looking_all_the_time_costs_less_than_twice_the_width(rate: float, risk: float) -> None:
    audits, widths = 400, []
    for seed in range(10):
        sequence = RiskSequence(rate)
        run(sequence, np.random.default_rng(seed), int(audits / rate), risk, rate)
        found = sequence.interval()
        widths.append(found.high - found.low)
    errors = round(audits * risk)
    once = binomial_upper(errors, audits, 0.025) - (
        1 - binomial_upper(audits - errors, audits, 0.025)
    )
    assert np.mean(widths) < 1.9 * once


def test_losses_between_nothing_and_all_are_bounded_more_closely() -> None:
    whole, parts = RiskSequence(1.0), RiskSequence(1.0)
    for index in range(400):
        whole.audit(float(index % 10 == 0), 1.0)
        parts.audit(0.5 * (index % 5 == 0), 1.0)
    a, b = whole.interval(), parts.interval()
    assert a.estimate == b.estimate == 0.1
    assert a.low < b.low < 0.1 < b.high


def test_a_long_good_time_does_not_put_the_alarm_to_sleep() -> None:
    audits = []
    for seed in range(9):
        rng = np.random.default_rng(seed)
        sequence = RiskSequence(1.0, limits=(0.05,))
        run(sequence, rng, 2000, 0.02, 1.0)
        assert not sequence.interval().exceeds(0.05)
        while not sequence.interval().exceeds(0.05):
            sequence.audit(float(rng.random() < 0.4), 1.0)
        audits.append(sequence.interval().audits - 2000)
    assert np.median(audits) < 40


def as_planned(sequence: RiskSequence, rng: np.random.Generator) -> None:
    run(sequence, rng, 3000, 0.05, 0.05)
    run(sequence, rng, 600, 0.05, 0.5)


def raised_after_an_error(sequence: RiskSequence, rng: np.random.Generator) -> None:
    rate = 0.1
    for _ in range(1500):
        if rng.random() < rate:
            wrong = rng.random() < 0.05
            sequence.audit(float(wrong), rate)
            rate = 0.8 if wrong else 0.1
        else:
            sequence.skip(1, rate)


def small_losses(sequence: RiskSequence, rng: np.random.Generator) -> None:
    for loss in rng.beta(0.5, 9.5, 60):
        sequence.audit(float(loss), 1.0)


@pytest.mark.parametrize("arrive", [as_planned, raised_after_an_error, small_losses])
def test_the_interval_holds_the_risk_at_all_times_as_often_as_it_says(
    arrive: Callable[[RiskSequence, np.random.Generator], None],
) -> None:
    # The interval is the intersection of all before it: one that missed once misses at the end.
    streams, delta, missed = 120, 0.2, 0
    for seed in range(streams):
        sequence = RiskSequence(0.05, delta, limits=(0.05,))
        arrive(sequence, np.random.default_rng(seed))
        found = sequence.interval()
        missed += not found.low < 0.05 < found.high
    assert missed / streams <= delta + 2 * math.sqrt(delta * (1 - delta) / streams)
    assert missed > 0  # not because it never says anything


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: RiskSequence(0.0), "lowest_rate"),
        (lambda: RiskSequence(1.2), "lowest_rate"),
        (lambda: RiskSequence(0.05, 0.0), "delta"),
        (lambda: RiskSequence(0.05, 0.05, (1.0,)), "limits"),
        (lambda: RiskSequence(0.05).skip(3, 0.04), "lowest rate"),
        (lambda: RiskSequence(0.05).skip(-1, 0.05), "count"),
        (lambda: RiskSequence(0.05).audit(0.0, 1.1), "rate"),
        (lambda: RiskSequence(0.05).audit(1.1, 0.05), "loss"),
        (lambda: RiskSequence(0.05).audit(float("nan"), 0.05), "loss"),
        (lambda: risk_of_record([Accepted(0.05, 1.0, count=2)]), "count"),
        (lambda: risk_of_record([Accepted(0.0, 1.0)]), "rate"),
    ],
)
def test_a_value_out_of_range_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
