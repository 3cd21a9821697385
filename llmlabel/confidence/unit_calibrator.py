"""The probability that a whole answer of spans, tokens or words is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_calibrator import effective_weight
from llmlabel.confidence.folds import folds_of
from llmlabel.confidence.logistic import fit_logistic, sigmoid
from llmlabel.confidence.reliability import aurc, auroc
from llmlabel.confidence.unit_evidence import RAW, unit_evidence
from llmlabel.domain.prediction import Prediction
from llmlabel.errors import InvalidInput

Floats = NDArray[np.float64]

MINIMUM = 10
"""Verified answers without which nothing can be said of how right the answers are."""
LOGISTIC_FROM = 200
"""From so many verified answers on all evidence is weighed; below, only the raw probability."""
PRECISION = 5.0
"""Inverse variance of the prior of a weight on evidence of unit variance."""


@dataclass(frozen=True)
class UnitCalibrator:
    """A logistic model over the evidence of an answer.

    Attributes:
        names: The evidence it reads, shape (k,).
        mean: Of the evidence in training, shape (k,).
        scale: Its spread, shape (k,).
        weights: Shape (k,).
        bias: The intercept.
        n: Verified answers it was fitted on.
        method: `platt` or `logistic`.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    n: int
    method: str

    def confidence(self, prediction: Prediction) -> float:
        """Probability that the answer is right; where fitted on shares, the share expected.

        Raises:
            ValueError: The prediction carries no answer.
        """
        return float(self.confidences([unit_evidence(prediction)])[0])

    def confidences(self, rows: Sequence[Mapping[str, float]]) -> Floats:
        """The same of evidence read before, shape (n,)."""
        table = _standard(_table(rows, self.names), np.array(self.mean), np.array(self.scale))
        return sigmoid(table @ np.array(self.weights) + self.bias)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "names": list(self.names),
            "mean": list(self.mean),
            "scale": list(self.scale),
            "weights": list(self.weights),
            "bias": self.bias,
            "n": self.n,
            "method": self.method,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> UnitCalibrator:
        """The calibrator that `to_dict` wrote."""
        return cls(
            names=tuple(given["names"]),
            mean=tuple(given["mean"]),
            scale=tuple(given["scale"]),
            weights=tuple(given["weights"]),
            bias=float(given["bias"]),
            n=int(given["n"]),
            method=str(given["method"]),
        )


@dataclass(frozen=True)
class CalibratorFit:
    """A calibrator with what it would have said of the answers that it was fitted on.

    Attributes:
        calibrator: Fitted on all.
        confidence: Cross-fitted, shape (n,).
        scores: ece (15 bins), brier, auroc (None where all are right or none is), aurc,
            accuracy (mean of `right`), n, of the cross-fitted confidences.
    """

    calibrator: UnitCalibrator
    confidence: Floats
    scores: dict[str, float | None]


def fit_unit_calibrator(
    predictions: Sequence[Prediction],
    right: NDArray[Any],
    *,
    weight: Floats | None = None,
    texts: Sequence[str] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> CalibratorFit:
    """Fit on verified answers.

    Below `LOGISTIC_FROM` answers the raw probability alone is rescaled (Platt 1999,
    "Probabilistic outputs for support vector machines"), from there on all evidence is weighed
    by logistic regression. With shares instead of 0 and 1 the same model estimates the expected
    share that is right (Papke and Wooldridge 1996, fractional logit).

    Args:
        predictions: Combined ones, each with an answer, shape (n,).
        right: 1 where the answer is right, 0 where it is wrong, or 1 - loss, shape (n,).
        weight: How many answers each stands for, shape (n,).
        texts: What identifies each document; equal ones share a fold. By position where None.
        folds: Of the cross-fitting.
        seed: Of the folds.

    Raises:
        InvalidInput: There are fewer than `MINIMUM` answers, or a weight is not positive.
        ValueError: The arguments differ in length, or `right` is not in [0, 1].
    """
    target = np.asarray(right, dtype=np.float64)
    if len(predictions) != len(target):
        raise ValueError(f"{len(predictions)} predictions, {len(target)} outcomes")
    if len(target) < MINIMUM:
        raise InvalidInput(
            f"A confidence is fitted on at least {MINIMUM} verified answers; there are "
            f"{len(target)}. Review more, or import gold."
        )
    if not ((target >= 0) & (target <= 1)).all():
        raise ValueError("right must lie in [0, 1]")
    mass = effective_weight(weight, len(target))
    rows = [unit_evidence(prediction) for prediction in predictions]
    names = texts or [str(index) for index in range(len(rows))]
    fold = folds_of(names, folds, seed)
    confidence = np.zeros(len(rows))
    for index in np.unique(fold):
        held = fold == index
        inside = np.flatnonzero(~held)
        part = _fit([rows[i] for i in inside], target[inside], mass[inside], len(rows))
        confidence[held] = part.confidences([rows[i] for i in np.flatnonzero(held)])
    return CalibratorFit(
        _fit(rows, target, mass, len(rows)), confidence, scores_of(confidence, target, mass)
    )


def scores_of(confidence: Floats, right: Floats, weight: Floats) -> dict[str, float | None]:
    """How far confidences can be believed, `right` being 0, 1 or a share, each shape (n,)."""
    share = weight / weight.sum()
    place = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
    gaps = [abs(float((share * (right - confidence))[place == b].sum())) for b in range(15)]
    wholly = right >= 1.0
    ranked = auroc(confidence, wholly)
    return {
        "ece": float(sum(gaps)),
        "brier": float(share @ (confidence - right) ** 2),
        "auroc": None if np.isnan(ranked) else ranked,
        "aurc": aurc(confidence, wholly),
        "accuracy": float(share @ right),
        "n": float(len(right)),
    }


def _fit(
    rows: Sequence[Mapping[str, float]], target: Floats, weight: Floats, total: int
) -> UnitCalibrator:
    """Of the make that `total` answers ask for, so that the cross-fitted speak for the whole."""
    method = "logistic" if total >= LOGISTIC_FROM else "platt"
    names: tuple[str, ...] = (RAW,)
    if method == "logistic":
        names = tuple(sorted({name for row in rows for name in row}))
    table = _table(rows, names)
    mean, scale = table.mean(axis=0), table.std(axis=0) + 1e-3
    features = np.column_stack([_standard(table, mean, scale), np.ones(len(rows))])
    # Before anything is seen, the raw probability is believed and the rest says nothing.
    prior = np.zeros(len(names) + 1)
    raw = names.index(RAW)
    prior[raw], prior[-1] = scale[raw], mean[raw]
    precision = np.full(len(names) + 1, PRECISION)
    precision[-1] = 1.0
    found = fit_logistic(features, target, weight, prior, precision)
    return UnitCalibrator(
        names=names,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        weights=tuple(found[:-1].tolist()),
        bias=float(found[-1]),
        n=len(rows),
        method=method,
    )


def _table(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> Floats:
    return np.array([[row.get(name, 0.0) for name in names] for row in rows], dtype=np.float64)


def _standard(table: Floats, mean: Floats, scale: Floats) -> Floats:
    """In spreads from the mean, four at most: what is odd beyond that says no more."""
    clipped: Floats = np.clip((table - mean) / scale, -4.0, 4.0)
    return clipped
