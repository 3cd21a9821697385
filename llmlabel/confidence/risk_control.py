"""The lowest threshold whose risk is proved to keep a promise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from llmlabel.confidence.bounds import (
    binomial_p_value,
    binomial_upper,
    hoeffding_bentkus_p_value,
    hoeffding_bentkus_upper,
    smallest_sample,
)
from llmlabel.confidence.selection import Findings, Selection, Tested, reason
from llmlabel.domain.promise import Promise

Floats = NDArray[np.float64]

Allowance = Callable[[int], float]
"""By how many of the gold's answers are accepted: the risk that its own mistakes may hide."""

_QUANTILES = 201
_TOLERANCE = 1e-12  # sums of losses carry rounding errors
_ENOUGH_GOLD = 10**9  # more than anyone will label


def select_threshold(
    confidence: NDArray[Any],
    loss: NDArray[Any],
    candidates: NDArray[Any],
    promise: Promise,
    *,
    delta: float | None = None,
    allowance: Allowance | None = None,
) -> Selection:
    """Find the lowest candidate threshold that keeps the promise, proved on gold.

    The candidates are tested from the highest down, each at the full delta, and the first that
    fails ends the search; so the threshold returned keeps the promise with probability at least
    1 - delta over the draw of the gold. That needs candidates fixed before these labels were
    looked at, gold drawn like the documents to come, and a confidence that was fitted on others.

    Right-or-wrong losses are tested with the exact binomial, others with Hoeffding-Bentkus.

    Args:
        confidence: Of each gold document's answer, shape (n,); NaN where there is no answer,
            which is never accepted. Only its order and ties matter.
        loss: Of each answer against the gold, shape (n,), in [0, 1]; ignored where there is
            no answer.
        candidates: Thresholds to test, shape (m,), in any order.
        promise: What is to be kept.
        delta: Probability of a wrong certificate; 1 - promise.probability unless told.
        allowance: Taken off the promised error before a threshold is tested, and part of the
            bounds that are reported. Where it was estimated, its own probability of being too
            small comes on top of delta. It must not look at the losses.

    Raises:
        ValueError: An argument is out of its range or has another length; the message names it.

    Source: Angelopoulos et al. 2021, "Learn then Test", sec. 2 (fixed-sequence testing); Bauer
    1991, "Multiple testing in clinical trials". The risk of `delivered` is the mean of
    loss * 1{c >= threshold} over all gold; that of `accepted` the mean loss where
    c >= threshold, tested given how many are accepted.
    """
    delta = default_delta(promise) if delta is None else _share("delta", delta)
    gold = _Gold.of(confidence, loss, allowance or _nothing)
    tested: list[Tested] = []
    kept: Tested | None = None
    for threshold in _descending(candidates):
        step = gold.test(threshold, promise, delta)
        tested.append(step)
        if not step.passed:
            break
        kept = step
    failed = tested[-1] if tested and not tested[-1].passed else None
    floor = gold.floor(promise)
    further = 0 if kept is not None and failed is None else gold.further(failed, promise, delta)
    last = failed or kept
    hidden = gold.hidden(last.accepted) if last else 0.0
    left = promise.error - hidden
    fewest = smallest_sample(left, delta) if left > 0 else 0
    tried = gold.n if promise.kind == "delivered" or failed is None else failed.accepted
    found = Findings(
        promise=promise,
        probability=1 - delta,
        n=gold.n,
        kept=kept,
        failed=failed,
        flawless=binomial_upper(0, tried, delta) + hidden if tried < fewest else None,
        fewest=fewest,
        further=further,
        floor=floor,
        hidden=gold.hidden(kept.accepted) if kept else hidden,
    )
    return Selection(
        threshold=kept.threshold if kept else None,
        n=gold.n,
        accepted=kept.accepted if kept else 0,
        observed_risk=kept.risk if kept else None,
        bound=kept.bound if kept else None,
        coverage=kept.coverage if kept else 0.0,
        floor=floor,
        further=further,
        reason=reason(found),
        curve=tuple(tested),
    )


def candidate_thresholds(
    reference: NDArray[Any],
    promise: Promise,
    n: int,
    delta: float | None = None,
    allowance: Allowance | None = None,
) -> Floats:
    """Thresholds to test, highest first, fixed without a look at the labels that certify.

    They are quantiles of confidences on other documents. For `accepted` a test among a few
    answers cannot pass, and its failure would end the search; so the thresholds start where
    enough answers are expected to be accepted, and there at the one that is likeliest to pass
    if the confidences mean what they say. A poor guess costs coverage, never the promise.

    Args:
        reference: Cross-fitted confidences of documents that do not certify, shape (k,); NaN
            where there is no answer. Without any, a fixed grid from .999 to .12 stands in
            (for `accepted` from 1 - error).
        promise: The promise to be tested.
        n: How many gold labels will certify.
        delta: As for `select_threshold`.
        allowance: As for `select_threshold`.

    Returns:
        Shape (m,), strictly falling, m from 1 to about 200.

    Raises:
        ValueError: An argument is out of its range; the message names it.
    """
    delta = default_delta(promise) if delta is None else _share("delta", delta)
    if n < 0:
        raise ValueError(f"n must be at least 0, not {n}")
    seen = np.asarray(reference, dtype=np.float64).ravel()
    answered = seen[~np.isnan(seen)]
    if len(answered) == 0:
        grid: Floats = special.expit(np.linspace(7, -2, 91))
        return grid[grid <= 1 - promise.error] if promise.kind == "accepted" else grid
    steps = np.quantile(answered, np.linspace(0, 1, _QUANTILES), method="inverted_cdf")
    thresholds: Floats = np.unique(steps)[::-1]
    if promise.kind == "delivered":
        return thresholds
    ordered = np.sort(answered)
    reach = len(ordered) - np.searchsorted(ordered, thresholds, side="left")
    expected = n * reach / len(seen)
    fewest = max(1.5 * smallest_sample(promise.error, delta), 0.1 * n)
    enough = np.flatnonzero(expected >= fewest)
    if len(enough) == 0:
        return thresholds[-1:]
    start = int(enough[0])
    if ordered[0] >= 0 and ordered[-1] <= 1:
        doubt = np.cumsum(1 - ordered[::-1])[reach - 1]
        # One more error in two more answers, so that a few sure ones do not look flawless.
        risk = (doubt + 1) / (reach + 2)
        hidden = allowance or _nothing
        chances = [
            _chance(int(k), float(risk[i]), promise.error - hidden(int(k)), delta)
            for i, k in zip(enough, expected[enough], strict=True)
        ]
        start = int(enough[int(np.argmax(chances))])
    return thresholds[start:]


def spend(delta: float, attempt: int) -> float:
    """The share of delta that the k-th attempt on overlapping gold may use.

    delta / (k (k + 1)): the shares of all attempts, however many, add up to delta, so that the
    probability of any wrong certificate among them stays within it (a union bound).

    Raises:
        ValueError: `delta` is not above 0 and below 1, or `attempt` below 1.
    """
    if attempt < 1:
        raise ValueError(f"attempt must be at least 1, not {attempt}")
    return _share("delta", delta) / (attempt * (attempt + 1))


def default_delta(promise: Promise) -> float:
    """Probability of a wrong certificate that the promise allows."""
    return round(1 - promise.probability, 12) or 1 - promise.probability


@dataclass(frozen=True, slots=True)
class _Gold:
    """Gold sorted by falling confidence; `losses[k]` is the loss of the first k together.

    `hidden(k)` is the risk that its own mistakes may hide where the first k are accepted.
    """

    n: int
    confidence: Floats
    losses: Floats
    whole: bool
    hidden: Allowance

    @classmethod
    def of(cls, confidence: NDArray[Any], loss: NDArray[Any], hidden: Allowance) -> _Gold:
        value = np.asarray(confidence, dtype=np.float64).ravel()
        lost = np.asarray(loss, dtype=np.float64).ravel()
        if len(value) != len(lost):
            raise ValueError(f"confidence has {len(value)} entries and loss {len(lost)}")
        answered = ~np.isnan(value)
        value, lost = value[answered], lost[answered]
        if np.any(np.isinf(value)):
            raise ValueError("confidence must be finite, or NaN where there is no answer")
        if not np.all((lost >= 0) & (lost <= 1)):  # NaN fails it, too
            raise ValueError("loss must be from 0 to 1 wherever there is an answer")
        order = np.argsort(-value, kind="stable")
        total = np.concatenate([[0.0], np.cumsum(lost[order])])
        whole = bool(np.all((lost == 0) | (lost == 1)))
        return cls(len(answered), value[order], total, whole, hidden)

    def test(self, threshold: float, promise: Promise, delta: float) -> Tested:
        accepted = int(np.searchsorted(-self.confidence, -threshold, side="right"))
        total = float(self.losses[accepted])
        sample = self.n if promise.kind == "delivered" else accepted
        hidden = self.hidden(accepted)
        left = promise.error - hidden
        return Tested(
            threshold=float(threshold),
            accepted=accepted,
            coverage=accepted / self.n if self.n else 0.0,
            risk=total / sample if sample else None,
            bound=min(1.0, self._upper(total, sample, delta) + hidden),
            passed=left > 0 and self._p_value(total, sample, left) <= delta,
        )

    def floor(self, promise: Promise) -> float:
        if self.n == 0:
            return 1.0
        # Answers of the same confidence are accepted together or not at all.
        ends = np.flatnonzero(np.diff(self.confidence, append=np.nan) != 0) + 1
        losses = self.losses[ends]
        risk = losses / (self.n if promise.kind == "delivered" else ends)
        risk = risk + np.array([self.hidden(int(end)) for end in ends])
        kept = ends[risk <= promise.error + _TOLERANCE]
        return (self.n - int(kept.max(initial=0))) / self.n

    def further(self, failed: Tested | None, promise: Promise, delta: float) -> int | None:
        sample = self.n if promise.kind == "delivered" or failed is None else failed.accepted
        rate = (failed.risk or 0.0) if failed else 0.0
        left = promise.error - (self.hidden(failed.accepted) if failed else 0.0)
        if rate >= left - _TOLERANCE:
            return None
        needed = self._sample(rate, left, delta)
        if needed is None:
            return None
        # Where none was accepted, one in n is the most that can be hoped for.
        share = max(sample, 1) / max(self.n, 1)
        return max(math.ceil(needed / share - _TOLERANCE) - self.n, 1)

    def _sample(self, rate: float, risk: float, delta: float) -> int | None:
        """The smallest sample that passes at this rate of errors; None beyond all reason."""
        low, high = 0, smallest_sample(risk, delta)
        while self._p_value(rate * high, high, risk) > delta:
            low, high = high, 2 * high
            if high > _ENOUGH_GOLD:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            if self._p_value(rate * middle, middle, risk) > delta:
                low = middle
            else:
                high = middle
        return high

    def _p_value(self, total: float, count: int, risk: float) -> float:
        if self.whole:
            return binomial_p_value(total, count, risk)
        return hoeffding_bentkus_p_value(_mean(total, count), count, risk)

    def _upper(self, total: float, count: int, delta: float) -> float:
        if self.whole:
            return binomial_upper(total, count, delta)
        return hoeffding_bentkus_upper(_mean(total, count), count, delta)


def _nothing(accepted: int) -> float:
    return 0.0


def _mean(total: float, count: int) -> float:
    return min(total / count, 1.0) if count else 0.0


def _chance(count: int, risk: float, error: float, delta: float) -> float:
    """Probability that `count` answers of this risk pass the exact binomial test."""
    if error <= 0:
        return 0.0
    allowed = np.arange(int(count * error) + 1)
    passing = np.flatnonzero(special.bdtr(allowed, count, error) <= delta)
    return float(special.bdtr(passing[-1], count, risk)) if len(passing) else 0.0


def _descending(candidates: NDArray[Any]) -> Floats:
    values: Floats = np.unique(np.asarray(candidates, dtype=np.float64))[::-1]
    if np.any(np.isnan(values)):
        raise ValueError("candidates must not be NaN")
    return values


def _share(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} must be above 0 and below 1, not {value}")
    return value
