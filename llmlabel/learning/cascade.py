"""Whom to ask first: how sure the student must be for no one else to be asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.reliability import auroc
from llmlabel.domain.promise import Promise

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TOLERANCE = 0.01
"""Coverage that fewer calls may cost."""
AROUND = (0.5, 0.75, 1.0, 1.25)
"""Coverage is compared at these multiples of the promised error, on average: at a single one it
hangs on the confidence of a few wrong answers."""
SEPARATION = 0.01
"""AUROC of the confidence that fewer calls may cost: coverage looks at one end of it only."""
_CANDIDATES = 41


@dataclass(frozen=True)
class Cascade:
    """When the labelers after the student are asked, and what that brings.

    Attributes:
        doubt: They are asked where the student's probability is below it; None: always.
        coverage: Estimated share of documents accepted at the promise.
        coverage_always: The same were they always asked.
        saved: Share of documents on which they are not asked.
    """

    doubt: float | None
    coverage: float
    coverage_always: float
    saved: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def choose_doubt(
    top: Floats,
    always: tuple[Floats, Bools],
    alone: tuple[Floats, Bools],
    weight: Floats,
    promise: Promise,
) -> Cascade:
    """The smallest doubt that costs at most a point of coverage at the promise, and of AUROC.

    From the strictest doubt down, the first that costs more ends the search, so that one lucky
    value below bad ones is not taken.

    Args:
        top: The student's own probability of its answer, cross-fitted, shape (n,).
        always: Confidence and whether right where all were asked, each of shape (n,).
        alone: The same where only the student was, each of shape (n,).
        weight: How many documents each stands for, shape (n,).
        promise: What coverage is measured at.
    """
    full = coverage_at(*always, weight, promise)
    best = Cascade(None, full, full, 0.0)
    if full <= 0:
        return best
    bar = _around(*always, weight, promise) - TOLERANCE
    separation = _separation(*always) - SEPARATION
    for doubt in np.unique(np.quantile(top, np.linspace(0, 1, _CANDIDATES)))[::-1]:
        asked = top < doubt
        confidence = np.where(asked, always[0], alone[0])
        right = np.where(asked, always[1], alone[1])
        coverage = coverage_at(confidence, right, weight, promise)
        if coverage < full - TOLERANCE or _around(confidence, right, weight, promise) < bar:
            break
        # Where all are right or all are wrong it is nan, and stops nothing.
        if _separation(confidence, right) < separation:
            break
        saved = float(weight[~asked].sum() / weight.sum())
        best = Cascade(float(doubt), coverage, full, saved)
    return best


def _separation(confidence: Floats, right: Bools) -> float:
    given = np.isfinite(confidence)
    return auroc(confidence[given], right[given])


def _around(confidence: Floats, right: Bools, weight: Floats, promise: Promise) -> float:
    errors = [min(times * promise.error, 0.99) for times in AROUND]
    near = [promise.model_copy(update={"error": error}) for error in errors]
    return float(np.mean([coverage_at(confidence, right, weight, each) for each in near]))


def coverage_at(confidence: Floats, right: Bools, weight: Floats, promise: Promise) -> float:
    """Largest share of documents that can be accepted with an observed risk within the promise.

    Args:
        confidence: NaN where there is no answer, which is never accepted; shape (n,).
        right: Whether the answer is right, shape (n,).
        weight: How many documents each stands for, shape (n,).
        promise: Delivered: wrong accepted ones as a share of all documents; accepted: as a
            share of those accepted.
    """
    given = np.flatnonzero(np.isfinite(confidence))
    if not len(given):
        return 0.0
    order = given[np.argsort(-confidence[given], kind="stable")]
    accepted = np.cumsum(weight[order])
    wrong = np.cumsum(weight[order] * ~right[order])
    total = float(weight.sum())
    risk = wrong / (total if promise.kind == "delivered" else accepted)
    # Answers of equal confidence are accepted together.
    sorted_confidence = confidence[order]
    last = np.append(sorted_confidence[1:] != sorted_confidence[:-1], True)
    kept = accepted[last & (risk <= promise.error)]
    return float(kept.max() / total) if len(kept) else 0.0
