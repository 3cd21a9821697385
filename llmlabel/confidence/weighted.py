"""How far confidences can be believed where every answer stands for a number of documents.

The weights are inverse probabilities of being chosen (Horvitz and Thompson 1952), scaled to their
sum (Hájek 1971): what was drawn at a rate of one in twenty stands for twenty. With equal weights
everything equals what `confidence.reliability` measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.bounds import binomial_upper, hoeffding_bentkus_upper

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class WeightedBin:
    """Answers with a confidence in (low, high], the first bin with 0.

    `n` counts them; `share` is their share of all documents, by weight like the two means.
    """

    low: float
    high: float
    n: int
    share: float
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Confidences against what people found.

    `ece`, `brier` and `auroc` are None where there is nothing to measure; `auroc` also where
    all answers are right or all are wrong.
    """

    n: int
    ece: float | None
    brier: float | None
    auroc: float | None
    bins: tuple[WeightedBin, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """What a threshold lets pass.

    Attributes:
        threshold: Answers at or above it are accepted.
        coverage: Share of the documents that are.
        risk: Their mean loss.
        bound: Upper bound of the risk at this one threshold; None where weights differ.
    """

    threshold: float
    coverage: float
    risk: float
    bound: float | None


def calibration(confidence: Floats, right: Bools, weight: Floats, bins: int = 15) -> Calibration:
    """Reliability in bins of equal width, ECE, Brier score and AUROC.

    Args:
        confidence: Shape (n,), each in [0, 1].
        right: Whether the whole answer was right, shape (n,).
        weight: How many documents each stands for, shape (n,), above 0.
        bins: How many parts [0, 1] is cut into.

    Source: Guo et al. 2017 (eq. 3), Brier 1950, Hanley and McNeil 1982, each with its means
    weighted.
    """
    n = len(confidence)
    if n == 0:
        return Calibration(0, None, None, None, ())
    total = weight.sum()
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    many = np.bincount(place, minlength=bins)
    mass = np.bincount(place, weights=weight, minlength=bins)
    sure = np.bincount(place, weights=weight * confidence, minlength=bins)
    good = np.bincount(place, weights=weight * right, minlength=bins)
    found = tuple(
        WeightedBin(
            low=index / bins,
            high=(index + 1) / bins,
            n=int(many[index]),
            share=float(mass[index] / total),
            confidence=float(sure[index] / mass[index]),
            accuracy=float(good[index] / mass[index]),
        )
        for index in np.flatnonzero(many).tolist()
    )
    return Calibration(
        n=n,
        ece=float(sum(each.share * abs(each.accuracy - each.confidence) for each in found)),
        brier=float((weight * (confidence - right) ** 2).sum() / total),
        auroc=_auroc(confidence, right, weight),
        bins=found,
    )


def risk_curve(
    confidence: Floats,
    loss: Floats,
    weight: Floats,
    *,
    delta: float = 0.05,
    points: int = 100,
) -> list[Point]:
    """What thresholds let pass, from the strictest to the most generous, about evenly spread.

    Args:
        confidence: Shape (n,); NaN where there is no answer, which is never accepted.
        loss: Of each answer, shape (n,), in [0, 1].
        weight: How many documents each stands for, shape (n,), above 0.
        delta: Probability with which one bound, looked at alone, may be too low.
        points: At most so many, the strictest and the most generous always among them.

    Source: El-Yaniv and Wiener 2010; bounds as `confidence.bounds`.
    """
    answered = np.flatnonzero(~np.isnan(confidence))
    order = answered[np.argsort(-confidence[answered], kind="stable")]
    if len(order) == 0:
        return []
    ordered = confidence[order]
    # A threshold takes all answers of equal confidence, so only the last of each run counts.
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    if len(ends) > points:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, points).round().astype(int))]
    mass, lost = np.cumsum(weight[order]), np.cumsum((weight * loss)[order])
    plain = np.cumsum(loss[order]) if bool(np.all(weight == weight[0])) else None
    whole = bool(np.isin(loss, (0.0, 1.0)).all())
    return [
        Point(
            threshold=float(ordered[end]),
            coverage=float(mass[end] / weight.sum()),
            risk=float(lost[end] / mass[end]),
            bound=None if plain is None else _upper(float(plain[end]), int(end) + 1, whole, delta),
        )
        for end in ends.tolist()
    ]


def point_at(
    confidence: Floats, loss: Floats, weight: Floats, threshold: float, *, delta: float = 0.05
) -> Point | None:
    """What one threshold lets pass; None where that is nothing. Arguments as `risk_curve`."""
    passing = np.nan_to_num(confidence, nan=-1.0) >= threshold
    if not passing.any():
        return None
    mass = weight[passing].sum()
    equal = bool(np.all(weight == weight[0]))
    whole = bool(np.isin(loss, (0.0, 1.0)).all())
    lost = float(loss[passing].sum())
    return Point(
        threshold=threshold,
        coverage=float(mass / weight.sum()),
        risk=float((weight * loss)[passing].sum() / mass),
        bound=_upper(lost, int(passing.sum()), whole, delta) if equal else None,
    )


def _upper(lost: float, n: int, whole: bool, delta: float) -> float:
    if whole:
        return binomial_upper(lost, n, delta)
    return hoeffding_bentkus_upper(min(lost / n, 1.0), n, delta)


def _auroc(confidence: Floats, right: Bools, weight: Floats) -> float | None:
    values, place = np.unique(confidence, return_inverse=True)
    good = np.bincount(place, weights=weight * right, minlength=len(values))
    bad = np.bincount(place, weights=weight * ~right, minlength=len(values))
    pairs = good.sum() * bad.sum()
    if pairs == 0:
        return None
    below = np.cumsum(bad) - bad
    return float((good * (below + bad / 2)).sum() / pairs)
