"""A calibrator of choices for one pattern of labelers that answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_evidence import ChoiceEvidence
from llmlabel.confidence.choice_features import features, pooled_logit
from llmlabel.confidence.choice_pool import Pool, fit_pool
from llmlabel.confidence.label_record import LabelRecord, own_evidence
from llmlabel.confidence.logistic import fit_logistic, sigmoid

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

ALL_EVIDENCE_FROM, ISOTONIC_FROM = 200, 1000
"""Verified labels from which all evidence is used, and from which a monotone step is tried."""
SLOPE_PRECISION, INTERCEPT_PRECISION, FEATURE_PRECISION = 1.0, 0.1, 15.0
STEP_SHARE = 0.98
"""The monotone step is blended with what it was made of, so that no two answers are tied."""


@dataclass(frozen=True)
class Step:
    """A monotone map of the confidence, piecewise linear through some points."""

    confidence: tuple[float, ...]
    observed: tuple[float, ...]

    def apply(self, confidence: Floats) -> Floats:
        """Map confidences, shape (n,)."""
        stepped = np.interp(confidence, self.confidence, self.observed)
        blended: Floats = STEP_SHARE * stepped + (1 - STEP_SHARE) * confidence
        return blended


@dataclass(frozen=True)
class Verdict:
    """What a head says of n documents.

    Attributes:
        answer: The chosen label by index, shape (n,).
        probabilities: Of every label, pooled, shape (n, labels).
        confidence: Estimated probability that the answer is right, shape (n,).
    """

    answer: Ints
    probabilities: Floats
    confidence: Floats


@dataclass(frozen=True)
class ChoiceHead:
    """Pools the opinions of its labelers and says how probably the pooled answer is right.

    Attributes:
        pool: How the opinions are weighed.
        method: platt, logistic or logistic+isotonic.
        names: The features it looks at, after the intercept.
        centre: What is subtracted from each, and stands in where one is unknown.
        scale: What each is divided by.
        coefficients: Of the intercept, then of each feature.
        step: A monotone map on top, or None.
        n: Verified labels that it was fitted on.
        record: What these say of each label.
    """

    pool: Pool
    method: str
    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    step: Step | None
    n: int
    record: LabelRecord

    def judge(self, evidence: ChoiceEvidence) -> Verdict:
        """Judge documents that all labelers of the head answered."""
        probabilities = self.pool.probabilities(evidence)
        answer = probabilities.argmax(axis=1)
        if self.method == "platt":
            table = {"pooled.logit": pooled_logit(probabilities, answer)}
        else:
            table = features(evidence, self.pool, probabilities, answer)
            table |= self.record.evidence(answer, rival_of(probabilities, answer))
        unknown = np.full(len(answer), np.nan)
        columns = np.stack([table.get(name, unknown) for name in self.names], axis=1)
        confidence = sigmoid(
            _standard(columns, np.array(self.centre), np.array(self.scale))
            @ np.array(self.coefficients)
        )
        # However sure a labeler is of itself: had all n been right, the next one would be so with
        # this probability (Laplace's rule of succession).
        confidence = confidence * (self.n + 1) / (self.n + 2)
        if self.step is not None:
            confidence = self.step.apply(confidence)
        return Verdict(answer, probabilities, confidence)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "labelers": list(self.pool.labelers),
            "weights": list(self.pool.weights),
            "floors": list(self.pool.floors),
            "method": self.method,
            "names": list(self.names),
            "centre": list(self.centre),
            "scale": list(self.scale),
            "coefficients": list(self.coefficients),
            "step": None
            if self.step is None
            else [list(self.step.confidence), list(self.step.observed)],
            "n": self.n,
            "record": self.record.to_dict(),
        }

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> ChoiceHead:
        """The head that `to_dict` wrote."""
        step = given["step"]
        return cls(
            Pool(tuple(given["labelers"]), tuple(given["weights"]), tuple(given["floors"])),
            given["method"],
            tuple(given["names"]),
            tuple(given["centre"]),
            tuple(given["scale"]),
            tuple(given["coefficients"]),
            None if step is None else Step(tuple(step[0]), tuple(step[1])),
            given["n"],
            LabelRecord.from_dict(given["record"]),
        )


def fit_head(
    evidence: ChoiceEvidence, labelers: tuple[str, ...], gold: Ints, weight: Floats, n: int
) -> ChoiceHead:
    """Fit a head, without a monotone step.

    Below 200 labels it is Platt scaling of the pooled probability; from there on a logistic
    model over all evidence. Both are drawn to the pooled probability as it is.

    Args:
        evidence: Answered by all of the labelers, m documents.
        labelers: The pattern.
        gold: The right label of each by index, -1 where none is right, shape (m,).
        weight: How often each document counts, shape (m,).
        n: Verified labels there are in all, which decides on the method: cross-fitted heads
            are of the same make as the one that they speak for.

    Source: Platt 1999, "Probabilistic outputs for support vector machines" (targets that are
    smoothed, so that a set without errors gives no certainty).
    """
    pool = fit_pool(evidence, labelers, gold, weight)
    probabilities = pool.probabilities(evidence)
    answer = probabilities.argmax(axis=1)
    right = answer == gold
    good, bad = float(weight[right].sum()), float(weight[~right].sum())
    target = np.where(right, (good + 1) / (good + 2), 1 / (bad + 2))
    full = n >= ALL_EVIDENCE_FROM
    labels = probabilities.shape[1]
    if full:
        table = features(evidence, pool, probabilities, answer)
        rival = rival_of(probabilities, answer)
        table |= own_evidence(answer, rival, gold, weight, labels)
    else:
        table = {"pooled.logit": pooled_logit(probabilities, answer)}
    names = tuple(
        name
        for name, values in table.items()
        if name == "pooled.logit" or (np.isfinite(values).all() and np.ptp(values) > 1e-9)
    )
    columns = np.stack([table[name] for name in names], axis=1)
    mass = weight / weight.sum()
    centre = mass @ columns
    scale = np.sqrt(mass @ (columns - centre) ** 2)
    scale = np.where(scale > 1e-9, scale, 1.0)
    design = _standard(columns, centre, scale)
    # The prior is the pooled probability itself: logit = 0 + 1 * pooled.logit.
    prior = np.zeros(design.shape[1])
    prior[0], prior[1] = centre[0], scale[0]
    precision = np.full(design.shape[1], FEATURE_PRECISION)
    precision[0], precision[1] = INTERCEPT_PRECISION, SLOPE_PRECISION / scale[0] ** 2
    coefficients = fit_logistic(design, target, weight, prior, precision)
    return ChoiceHead(
        pool,
        "logistic" if full else "platt",
        names,
        tuple(map(float, centre)),
        tuple(map(float, scale)),
        tuple(map(float, coefficients)),
        None,
        n,
        LabelRecord.of(answer, gold, weight, labels),
    )


def fit_step(confidence: Floats, right: NDArray[np.bool_], weight: Floats) -> Step:
    """The monotone map that fits best.

    Args:
        confidence: Cross-fitted, shape (n,).
        right: Whether the answers were right, shape (n,).
        weight: How often each counts, shape (n,).

    Source: Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass
    probability estimates" (isotonic regression).
    """
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    fitted.fit(confidence, right.astype(np.float64), sample_weight=weight)
    return Step(tuple(map(float, fitted.X_thresholds_)), tuple(map(float, fitted.y_thresholds_)))


def rival_of(probabilities: Floats, answer: Ints) -> Ints:
    """The most probable label beside the answer, shape (n,); the answer where there is no other."""
    others = probabilities.copy()
    if others.shape[1] > 1:
        others[np.arange(len(answer)), answer] = -1.0
    rival: Ints = others.argmax(axis=1)
    return rival


def _standard(columns: Floats, centre: Floats, scale: Floats) -> Floats:
    """Columns about zero with an intercept before them; what is unknown becomes average."""
    columns = (columns - centre) / scale
    columns = np.where(np.isfinite(columns), columns, 0.0)
    return np.concatenate([np.ones((len(columns), 1)), columns], axis=1)
