"""The benchmark of certificates counts broken promises right."""

from __future__ import annotations

import argparse
import importlib
import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from texts import texts

from llmlabel.domain.promise import Promise

ROOT = Path(__file__).parents[2]
DELIVERED = Promise(kind="delivered", error=0.05, probability=0.95)
ACCEPTED = Promise(kind="accepted", error=0.10, probability=0.90)


@pytest.fixture(scope="module")
def splits() -> ModuleType:
    return loaded("eval.splits")


@pytest.fixture(scope="module")
def certificates() -> ModuleType:
    return loaded("eval.certificates")


def loaded(name: str) -> ModuleType:
    # The benchmarks are run from the root of the repository, and are no installed package.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        return importlib.import_module(name)


def population(splits: ModuleType, n: int, *, says: float, wrong: float, seed: int = 0):  # type: ignore[no-untyped-def]
    """Confidences around `says`; whatever they say, the share `wrong` of all answers is wrong."""
    random = np.random.default_rng(seed)
    confidence = np.clip(random.normal(says, 0.02, n), 0, 1)
    loss = np.zeros(n)
    loss[random.permutation(n)[: round(wrong * n)]] = 1
    return splits.Population(confidence, loss, np.clip(random.normal(says, 0.02, 500), 0, 1))


def drawn(splits: ModuleType, data: object, promise: Promise, times: int, way: str = "on_the_rest"):  # type: ignore[no-untyped-def]
    random = np.random.default_rng(1)
    made = [getattr(splits, way)(data, promise, 300, random) for _ in range(times)]
    return made, splits.Tally.of(made, promise)


@pytest.mark.parametrize("promise", [DELIVERED, ACCEPTED])
def test_answers_that_are_all_right_are_all_accepted(splits: ModuleType, promise: Promise) -> None:
    _, tally = drawn(splits, population(splits, 2000, says=0.9, wrong=0), promise, 5)
    assert (tally.feasible, tally.broken, tally.risk) == (1, 0, 0)
    assert tally.coverage > 0.98
    assert tally.passed


@pytest.mark.parametrize("promise", [DELIVERED, ACCEPTED])
@pytest.mark.parametrize("way", ["on_the_rest", "on_the_whole"])
def test_a_useless_confidence_breaks_no_more_than_it_may(
    splits: ModuleType, promise: Promise, way: str
) -> None:
    # Confidence says nothing, and the rate of errors lies just above what is promised: the
    # hardest case for the proof, which may then succeed by chance only.
    data = population(splits, 20_000, says=0.99, wrong=promise.error + 0.01)
    made, tally = drawn(splits, data, promise, 200, way)
    assert tally.broken == sum(split.broken for split in made) / 200
    assert tally.passed


@pytest.mark.parametrize("way", ["on_the_rest", "on_the_whole"])
def test_a_proof_that_does_not_look_at_the_gold_fails_the_benchmark(
    splits: ModuleType, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    data = population(splits, 2000, says=0.99, wrong=0.2)

    class Trusting:
        threshold, accepted = 0.5, 300

    monkeypatch.setattr(splits, "select_threshold", lambda *_, **__: Trusting())
    _, tally = drawn(splits, data, DELIVERED, 20, way)
    assert tally.broken == 1
    assert not tally.passed


def test_the_risk_is_counted_on_what_did_not_certify(splits: ModuleType) -> None:
    # Gold is flawless; of the others, whose confidence is as high, one in four is wrong.
    confidence = np.full(700, 0.9)
    loss = np.concatenate([np.zeros(300), np.tile([1, 0, 0, 0], 100)])
    confidence[-100:] = np.nan  # no answer: neither accepted nor wrong
    data = splits.Population(confidence, loss, np.full(50, 0.9))
    gold, others = np.arange(300), np.arange(300, 700)
    delivered = splits.judged(data, DELIVERED, gold, others)
    accepted = splits.judged(data, ACCEPTED, gold, others)
    assert delivered.threshold == accepted.threshold == 0.9
    assert delivered.coverage == accepted.coverage == 0.75
    assert delivered.risk == pytest.approx(75 / 400)  # of all delivered
    assert accepted.risk == pytest.approx(75 / 300)  # of all that nobody saw
    assert delivered.broken
    assert accepted.broken


def test_a_promise_that_is_just_met_is_kept(splits: ModuleType) -> None:
    loss = np.concatenate([np.zeros(300), np.tile([1] + 19 * [0], 20)])
    data = splits.Population(np.full(700, 0.9), loss, np.full(50, 0.9))
    found = splits.judged(data, DELIVERED, np.arange(300), np.arange(300, 700))
    assert found.risk == pytest.approx(0.05)
    assert not found.broken


def test_too_little_gold_proves_nothing_and_breaks_nothing(splits: ModuleType) -> None:
    data = population(splits, 2000, says=0.9, wrong=0.5)
    made = [splits.judged(data, DELIVERED, np.arange(20), np.arange(20, 2000))]
    tally = splits.Tally.of(made, DELIVERED)
    assert (tally.feasible, tally.broken) == (0, 0)
    assert math.isnan(tally.coverage)


def test_the_limit_is_two_standard_errors_above_what_is_allowed(splits: ModuleType) -> None:
    bad, good = splits.Split(0.5, 1.0, 0.1, broken=True), splits.Split(0.5, 1.0, 0.01)
    assert splits.Tally.of(16 * [bad] + 184 * [good], DELIVERED).limit == pytest.approx(
        0.0808, abs=1e-4
    )
    assert splits.Tally.of(16 * [bad] + 184 * [good], DELIVERED).passed
    assert not splits.Tally.of(17 * [bad] + 183 * [good], DELIVERED).passed
    # Splits in which nothing could be proved count among all, and not in the means.
    half = splits.Tally.of(10 * [good] + 10 * [splits.Split(None)], ACCEPTED)
    assert (half.feasible, half.coverage, half.risk) == (0.5, 1.0, pytest.approx(0.01))


def test_what_was_learned_from_is_in_no_population(
    certificates: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def part(n: int, seed: int):  # type: ignore[no-untyped-def]
        made = texts(n, seed=seed, student=0.7, llm=1.0)
        return certificates.Part(made.base, made.vectors, made.gold, made.sha, made.sha)

    seen = []
    learned_from = certificates.learned_from

    def watched(fit, populations, *others):  # type: ignore[no-untyped-def]
        for parts in populations.values():
            seen.append((set(fit.text_sha), {sha for each in parts for sha in each.text_sha}))
        return learned_from(fit, populations, *others)

    monkeypatch.setattr(certificates, "learned_from", watched)
    given = argparse.Namespace(splits=3, fits=2, fit=100, certify=60, seed=0)
    train, test, prototypes = part(130, 0), part(80, 1), texts(1).prototypes
    rows = certificates.measured("made up", train, test, prototypes, DELIVERED, given)
    assert [(row.population, row.documents) for row in rows] == [("test", 80), ("all", 110)]
    assert all(row.rest.splits == row.again.splits == 3 for row in rows)
    assert all(0.3 < row.accuracy < 1 for row in rows)
    assert [(len(fit), len(others)) for fit, others in seen] == [(100, 80), (100, 110)] * 2
    assert not any(fit & others for fit, others in seen)
    assert seen[0][0] != seen[2][0]
