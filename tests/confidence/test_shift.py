from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from llmlabel.confidence.shift import (
    DriftLimits,
    Sample,
    kolmogorov_smirnov,
    measure_shift,
    novelty,
    population_stability,
    same_mix,
    stability_of_counts,
    stability_of_values,
)

COUNTS = st.lists(st.integers(0, 500), min_size=1, max_size=20)


def documents(rng: np.random.Generator, n: int, **changes: Any) -> Sample:
    parts: dict[str, Any] = {
        "confidence": rng.beta(3, 0.4, n),
        "labels": dict(Counter(rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]).tolist())),
        "distance": rng.random(n),
    }
    return Sample(**(parts | changes))


def test_the_index_is_the_sum_it_is_defined_as() -> None:
    p, q = np.array([10.5, 20.5, 70.5]) / 101.5, np.array([20.5, 20.5, 60.5]) / 101.5
    expected = sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    found = population_stability(np.array([10, 20, 70]), np.array([20, 20, 60]))
    assert found == pytest.approx(expected)


@given(COUNTS, st.data())
def test_the_index_is_symmetric_and_zero_only_for_equal_shares(
    first: list[int], data: st.DataObject
) -> None:
    second = data.draw(st.lists(st.integers(0, 500), min_size=len(first), max_size=len(first)))
    there = population_stability(np.array(first), np.array(second))
    assert there == pytest.approx(population_stability(np.array(second), np.array(first)))
    assert 0 <= there < math.inf
    assert population_stability(np.array(first), np.array(first)) == 0


def test_values_are_compared_in_tenths_of_the_reference() -> None:
    reference = np.arange(1000) / 1000
    moved = np.full(1000, 0.95)
    assert stability_of_values(reference, reference) == 0
    ten = population_stability(np.array([100] * 10 + [0]), np.array([0] * 9 + [1000, 0]))
    assert stability_of_values(reference, moved) == pytest.approx(ten, rel=0.01)


def test_missing_answers_are_a_bin_of_their_own() -> None:
    reference = np.arange(200) / 200
    silent = np.where(np.arange(200) % 2 == 0, reference, np.nan)
    assert stability_of_values(reference, silent) > 0.5
    assert stability_of_values(silent, silent) == 0
    nothing = np.full(100, np.nan)
    assert stability_of_values(nothing, nothing) == 0
    assert kolmogorov_smirnov(reference, silent) < 1e-6
    assert kolmogorov_smirnov(nothing, nothing) == 1


def test_a_confidence_that_is_the_same_everywhere_is_compared_nonetheless() -> None:
    same = np.full(100, 0.9)
    assert stability_of_values(same, same) == 0
    assert stability_of_values(same, np.full(100, 0.95)) > 1


def test_a_label_never_seen_before_counts() -> None:
    assert stability_of_counts({"a": 100}, {"a": 50, "new": 50}) > 0.2
    assert same_mix({"a": 100}, {"a": 50, "new": 50}) < 1e-6


def test_the_test_of_the_mix_is_the_chi_square_test() -> None:
    table = [[30, 50, 20], [45, 25, 30]]
    expected = stats.chi2_contingency(table, correction=False).pvalue
    names = ["a", "b", "c"]
    first, second = (dict(zip(names, row, strict=True)) for row in table)
    assert same_mix(first, second) == pytest.approx(expected)


def test_one_label_or_none_cannot_differ() -> None:
    assert same_mix({"a": 100}, {"a": 50}) == 1
    assert same_mix({}, {"a": 50}) == 1
    assert same_mix({}, {}) == 1


@pytest.mark.parametrize(("labels", "n", "m"), [(3, 300, 60), (77, 300, 100), (150, 300, 200)])
def test_the_mix_raises_a_false_alarm_no_more_often_than_it_says(
    labels: int, n: int, m: int
) -> None:
    rng = np.random.default_rng(6)
    weights = rng.dirichlet(np.full(labels, 0.7))
    names = [str(label) for label in range(labels)]
    values = [
        same_mix(
            dict(zip(names, rng.multinomial(n, weights).tolist(), strict=True)),
            dict(zip(names, rng.multinomial(m, weights).tolist(), strict=True)),
        )
        for _ in range(600)
    ]
    assert np.mean(np.array(values) < 0.05) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 600)


def test_novelty_is_fishers_exact_test_beyond_the_references_quantile() -> None:
    reference, sample = np.arange(100.0), np.array([10.0] * 30 + [200.0] * 20)
    share, p = novelty(reference, sample, 0.95)
    assert share == 0.4
    table = [[20, 30], [5, 95]]
    assert p == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
    assert novelty(np.empty(0), sample) == (0, 1)


def test_documents_like_the_certificates_have_not_drifted() -> None:
    rng = np.random.default_rng(7)
    alarms = sum(
        measure_shift(documents(rng, 300), documents(rng, 100)).drifted for _ in range(300)
    )
    assert alarms <= 3  # a few in a thousand at three tests of .001 each
    found = measure_shift(documents(rng, 300), documents(rng, 100))
    assert found.words == "100 documents look like the certificate's 300"


@pytest.mark.parametrize(
    ("changes", "sign", "word"),
    [
        ({"confidence": np.linspace(0.2, 0.9, 200)}, "confidence", "confidences are lower"),
        ({"labels": {"a": 40, "b": 40, "new": 120}}, "labels", "most of all new, from 0% to 60%"),
        ({"distance": np.linspace(0.5, 1.5, 200)}, "novelty", "unlike those learned from"),
    ],
)
def test_each_sign_of_drift_is_named_alone(changes: dict[str, Any], sign: str, word: str) -> None:
    rng = np.random.default_rng(8)
    found = measure_shift(documents(rng, 300), documents(rng, 200, **changes))
    assert found.drifted
    assert found.signs == (sign,)
    assert word in found.words


def test_a_slight_change_is_no_drift_however_sure() -> None:
    rng = np.random.default_rng(9)
    before = Sample(rng.beta(3, 0.40, 50_000))
    found = measure_shift(before, Sample(rng.beta(3, 0.45, 50_000)))
    assert found.confidence_p is not None
    assert found.confidence_p < 1e-9
    assert not found.drifted


def test_a_large_index_in_a_small_sample_is_no_drift() -> None:
    rng = np.random.default_rng(10)
    labels = {str(label): 2 for label in range(150)}
    few = dict(Counter(str(label) for label in rng.integers(150, size=60)))
    found = measure_shift(Sample(rng.random(300), labels), Sample(rng.random(60), few))
    assert found.label_index is not None
    assert found.label_index > 0.2
    assert not found.drifted


def test_too_few_documents_are_never_drift_and_say_so() -> None:
    rng = np.random.default_rng(11)
    found = measure_shift(documents(rng, 300), Sample(np.zeros(49)))
    assert not found.drifted
    assert (found.confidence_index, found.label_index, found.novel_share) == (None, None, None)
    assert "too few to tell; 50 are needed" in found.words
    assert measure_shift(
        documents(rng, 300), Sample(np.zeros(49)), DriftLimits(documents=40)
    ).drifted


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="bins"):
        population_stability(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="negative"):
        stability_of_counts({"a": -1}, {"a": 1})
    with pytest.raises(ValueError, match="bins"):
        stability_of_values(np.zeros(2), np.zeros(3), bins=1)
    with pytest.raises(ValueError, match="quantile"):
        novelty(np.zeros(2), np.zeros(3), 1.0)
    with pytest.raises(ValueError, match="distance"):
        novelty(np.zeros(2), np.array([np.nan]))
