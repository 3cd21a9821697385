"""Weighted measures equal the plain ones where weights are equal, and mean what weights mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.confidence import reliability
from llmlabel.confidence.bounds import binomial_upper, hoeffding_bentkus_upper
from llmlabel.confidence.weighted import calibration, point_at, risk_curve

rows = st.lists(
    st.tuples(st.integers(0, 20).map(lambda i: i / 20), st.booleans(), st.integers(1, 4)),
    min_size=1,
    max_size=50,
)


def columns(given_: list[tuple[float, bool, int]]) -> tuple[Any, Any, Any]:
    return (
        np.array([c for c, _, _ in given_]),
        np.array([r for _, r, _ in given_]),
        np.array([w for _, _, w in given_], dtype=float),
    )


@settings(deadline=None)
@given(rows, st.floats(0.1, 40))
def test_equal_weights_give_the_plain_measures(
    given_: list[tuple[float, bool, int]], weight: float
) -> None:
    confidence, right, _ = columns(given_)
    same = np.full(len(right), weight)
    found = calibration(confidence, right, same)
    assert found.n == len(right)
    assert found.ece == pytest.approx(reliability.expected_calibration_error(confidence, right))
    assert found.brier == pytest.approx(reliability.brier_score(confidence, right))
    plain = reliability.auroc(confidence, right)
    assert found.auroc == (None if np.isnan(plain) else pytest.approx(plain))
    assert [(b.low, b.n) for b in found.bins] == [
        (b.low, b.n) for b in reliability.reliability_bins(confidence, right)
    ]
    curve, points = (
        reliability.risk_coverage(confidence, right),
        risk_curve(confidence, ~right, same),
    )
    assert [p.threshold for p in points] == curve.threshold.tolist()
    assert [p.coverage for p in points] == pytest.approx(curve.coverage.tolist())
    assert [p.risk for p in points] == pytest.approx(curve.risk.tolist())


@settings(deadline=None)
@given(rows)
def test_a_weight_of_three_is_three_documents(given_: list[tuple[float, bool, int]]) -> None:
    confidence, right, weight = columns(given_)
    often = weight.astype(int)
    one = calibration(confidence, right, weight)
    all_ = calibration(
        np.repeat(confidence, often), np.repeat(right, often), np.ones(int(often.sum()))
    )
    assert (one.ece, one.brier) == (pytest.approx(all_.ece), pytest.approx(all_.brier))
    assert one.auroc == (None if all_.auroc is None else pytest.approx(all_.auroc))
    assert [b.accuracy for b in one.bins] == pytest.approx([b.accuracy for b in all_.bins])
    at = point_at(confidence, ~right, weight, 0.5)
    if at is not None:
        passing = np.repeat(confidence, often) >= 0.5
        assert at.coverage == pytest.approx(passing.mean())
        assert at.risk == pytest.approx(np.repeat(~right, often)[passing].mean())


def test_bounds_are_those_of_equal_chances_and_of_no_others() -> None:
    confidence, loss = np.array([0.9, 0.9, 0.8, 0.7]), np.array([0.0, 1.0, 0.0, 0.0])
    last = risk_curve(confidence, loss, np.full(4, 20.0))[-1]
    assert last.bound == binomial_upper(1, 4, 0.05)
    shares = risk_curve(confidence, loss / 2, np.full(4, 20.0))[-1]
    assert shares.bound == hoeffding_bentkus_upper(0.125, 4, 0.05)
    mixed = risk_curve(confidence, loss, np.array([20.0, 1.0, 1.0, 1.0]))
    assert {point.bound for point in mixed} == {None}
    assert mixed[0].risk == pytest.approx(1 / 21)


def test_no_answer_is_never_accepted_but_counts_among_the_documents() -> None:
    confidence, loss, weight = np.array([0.9, np.nan]), np.array([0.0, 1.0]), np.ones(2)
    [only] = risk_curve(confidence, loss, weight)
    assert (only.coverage, only.risk) == (0.5, 0.0)
    assert point_at(confidence, loss, weight, 0.0) is not None
    assert point_at(confidence, loss, weight, 0.95) is None


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    confidence = np.linspace(0, 1, 5000)
    points = risk_curve(confidence, np.zeros(5000), np.ones(5000), points=50)
    assert len(points) == 50
    assert (points[0].threshold, points[-1].threshold) == (1.0, 0.0)
    assert points[-1].coverage == 1.0
    coverage = [point.coverage for point in points]
    assert coverage == sorted(coverage)


def test_nothing_has_no_measures() -> None:
    nothing = np.empty(0)
    found = calibration(nothing, nothing.astype(bool), nothing)
    assert (found.n, found.ece, found.brier, found.auroc, found.bins) == (0, None, None, None, ())
    assert risk_curve(nothing, nothing, nothing) == []
