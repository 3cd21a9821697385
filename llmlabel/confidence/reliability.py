"""How far a confidence can be believed, and what accepting by it brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose confidence lies in (low, high]; the first bin holds 0 as well."""

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float


def reliability_bins(confidence: Floats, right: Bools, bins: int = 15) -> list[Bin]:
    """Mean confidence and accuracy in bins of equal width; bins without answers are left out.

    Args:
        confidence: Probability that the answer is right, shape (n,), each in [0, 1].
        right: Whether it was right, shape (n,).
        bins: How many parts [0, 1] is cut into.

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", section 2.
    """
    confidence, right = _checked(confidence, right)
    # Bins are closed above, so that a confidence of exactly 1 falls in the last one.
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for index in np.unique(place):
        inside = place == index
        found.append(
            Bin(
                low=float(index / bins),
                high=float((index + 1) / bins),
                n=int(inside.sum()),
                mean_confidence=float(confidence[inside].mean()),
                accuracy=float(right[inside].mean()),
            )
        )
    return found


def expected_calibration_error(confidence: Floats, right: Bools, bins: int = 15) -> float:
    """Mean gap between stated confidence and observed accuracy, weighted by the bins' sizes.

    Args:
        confidence: Probability that the answer is right, shape (n,), each in [0, 1].
        right: Whether it was right, shape (n,).
        bins: How many parts [0, 1] is cut into.

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", eq. 3.
    """
    found = reliability_bins(confidence, right, bins)
    return float(sum(b.n * abs(b.accuracy - b.mean_confidence) for b in found) / len(confidence))


def brier_score(confidence: Floats, right: Bools) -> float:
    """Mean squared gap between the confidence and being right (0 or 1).

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    confidence, right = _checked(confidence, right)
    return float(np.mean((confidence - right) ** 2))


def auroc(confidence: Floats, right: Bools) -> float:
    """Probability that a right answer has a higher confidence than a wrong one; ties count half.

    Returns:
        nan when all answers are right or all are wrong: there is no pair to compare.

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].

    Source: Hanley and McNeil 1982; computed from ranks (Mann-Whitney U).
    """
    from scipy.stats import rankdata  # noqa: PLC0415

    confidence, right = _checked(confidence, right)
    n_right = int(right.sum())
    n_wrong = len(right) - n_right
    if n_right == 0 or n_wrong == 0:
        return float("nan")
    ranks = rankdata(confidence)
    return float((ranks[right].sum() - n_right * (n_right + 1) / 2) / (n_right * n_wrong))


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """Operating points, one per distinct confidence, from the strictest to the most generous.

    `coverage[i]` is the share of answers with a confidence of at least `threshold[i]`, and
    `risk[i]` the share of wrong ones among them.
    """

    threshold: Floats
    coverage: Floats
    risk: Floats


def risk_coverage(confidence: Floats, right: Bools) -> RiskCoverage:
    """What each threshold would accept and how much of that would be wrong.

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].

    Source: El-Yaniv and Wiener 2010, "On the foundations of noise-free selective
    classification".
    """
    confidence, right = _checked(confidence, right)
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order]
    wrong = np.cumsum(~right[order])
    accepted = np.arange(1, len(right) + 1)
    # A threshold takes all answers of equal confidence, so only the last of each run counts.
    last = np.append(sorted_confidence[1:] != sorted_confidence[:-1], True)
    return RiskCoverage(
        threshold=sorted_confidence[last],
        coverage=accepted[last] / len(right),
        risk=wrong[last] / accepted[last],
    )


def aurc(confidence: Floats, right: Bools) -> float:
    """Mean risk over all coverages 1/n to 1: low when the wrong answers come last.

    Answers of equal confidence share the risk of their whole group.

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].

    Source: Geifman, Uziel and El-Yaniv 2019, "Bias-reduced uncertainty estimation for deep
    neural classifiers".
    """
    curve = risk_coverage(confidence, right)
    widths = np.diff(curve.coverage, prepend=0.0)
    return float(np.sum(widths * curve.risk))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """What a threshold accepts: `lower` is the lower 95% bound of its accuracy."""

    threshold: float
    coverage: float
    accuracy: float
    lower: float
    n: int


def operating_point(confidence: Floats, right: Bools, threshold: float) -> OperatingPoint | None:
    """Coverage and accuracy of the answers at or above a threshold; None if there are none.

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].
    """
    confidence, right = _checked(confidence, right)
    accepted = confidence >= threshold
    n, good = int(accepted.sum()), int(right[accepted].sum())
    if n == 0:
        return None
    return OperatingPoint(threshold, n / len(right), good / n, accuracy_lower_bound(good, n), n)


def suggest_threshold(
    confidence: Floats,
    right: Bools,
    target: float = 0.95,
    by: Literal["estimate", "lower"] = "estimate",
) -> OperatingPoint | None:
    """The lowest threshold at which what is accepted reaches the target accuracy.

    This is a choice on the data at hand, not a promise about other data.

    Args:
        confidence: Probability that the answer is right, shape (n,), each in [0, 1].
        right: Whether it was right, shape (n,).
        target: Accuracy wanted among the accepted.
        by: What must reach it: the observed accuracy, or its lower 95% bound.

    Returns:
        The operating point, or None when no threshold reaches the target.

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].
    """
    confidence, right = _checked(confidence, right)
    curve = risk_coverage(confidence, right)
    for threshold in curve.threshold[::-1]:
        point = operating_point(confidence, right, float(threshold))
        if point is None:
            continue
        reached = point.accuracy if by == "estimate" else point.lower
        if reached >= target:
            return point
    return None


def accuracy_lower_bound(right: int, n: int, level: float = 0.95) -> float:
    """One-sided lower confidence bound of an accuracy.

    Source: Clopper and Pearson 1934, the exact binomial bound.
    """
    from scipy.stats import beta  # noqa: PLC0415

    return float(beta.ppf(1 - level, right, n - right + 1)) if right else 0.0


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Precision and recall at every threshold, from the strictest to the most generous."""

    threshold: Floats
    precision: Floats
    recall: Floats


def precision_recall(confidence: Floats, right: Bools, positives: int) -> PrecisionRecall:
    """Precision among the units at or above each threshold, and the share of the gold found.

    Args:
        confidence: Of each proposed unit, shape (n,), each in [0, 1].
        right: Whether it is in the gold, shape (n,).
        positives: Units in the gold, found or not; at least one.

    Raises:
        ValueError: The arrays differ in length or are empty, or a confidence is not in [0, 1].
    """
    curve = risk_coverage(confidence, right)
    precision = 1 - curve.risk
    found = precision * curve.coverage * len(confidence)
    return PrecisionRecall(curve.threshold, precision, found / max(positives, 1))


def _checked(confidence: Floats, right: Bools) -> tuple[Floats, Bools]:
    confidence = np.asarray(confidence, dtype=np.float64)
    right = np.asarray(right, dtype=bool)
    if confidence.shape != right.shape or confidence.ndim != 1:
        raise ValueError(f"shapes differ: {confidence.shape} and {right.shape}; both must be (n,)")
    if len(confidence) == 0:
        raise ValueError("there are no answers to measure")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("a confidence must lie in [0, 1]")
    return confidence, right
