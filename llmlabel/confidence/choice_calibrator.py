"""From what the labelers of a choice said to one answer and the probability that it is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_evidence import ChoiceEvidence
from llmlabel.confidence.choice_features import pooled_logit
from llmlabel.confidence.choice_head import (
    ISOTONIC_FROM,
    ChoiceHead,
    Verdict,
    fit_head,
    fit_step,
)
from llmlabel.confidence.choice_pool import prior_pool
from llmlabel.confidence.folds import folds_of
from llmlabel.confidence.logistic import sigmoid
from llmlabel.confidence.reliability import aurc, auroc, brier_score, expected_calibration_error
from llmlabel.errors import InvalidInput

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
Pattern = tuple[str, ...]

MINIMUM = 10
"""Verified labels without which nothing can be said of how right the answers are."""


def pattern_name(pattern: Pattern) -> str:
    """`student+llm`; empty where no labeler answered."""
    return "+".join(pattern)


@dataclass(frozen=True)
class Judged:
    """Answers to n documents.

    Attributes:
        answer: The label by index, -1 where no labeler answered, shape (n,).
        probabilities: The pooled probability of every label, shape (n, labels); zeros where no
            labeler answered.
        confidence: Probability that the answer is right, NaN where there is none, shape (n,).
        heads: The pattern of labelers whose head judged each, such as `student+llm`.
        calibrated: Whether that head was fitted for the labelers that answered, shape (n,).
    """

    answer: Ints
    probabilities: Floats
    confidence: Floats
    heads: tuple[str, ...]
    calibrated: Bools


@dataclass(frozen=True)
class ChoiceCalibrator:
    """Judges answers with one head per pattern of labelers that answered.

    A pattern without a head of its own is judged by that of the most labelers among them that
    has one; where there is none, by the even pool of their probabilities. Neither counts as
    calibrated.
    """

    labels: tuple[str, ...]
    heads: Mapping[Pattern, ChoiceHead]

    def judge(self, evidence: ChoiceEvidence) -> Judged:
        """Choose the answers and say how sure they are.

        Raises:
            ValueError: The evidence is on other labels than the calibrator was fitted for.
        """
        if evidence.labels != self.labels:
            raise ValueError("the evidence is on other labels than the calibrator")
        patterns = evidence.patterns()
        n = len(patterns)
        answer = np.full(n, -1, dtype=np.intp)
        probabilities = np.zeros((n, len(self.labels)))
        confidence = np.full(n, np.nan)
        calibrated = np.zeros(n, dtype=bool)
        heads = [""] * n
        for pattern in set(patterns) - {()}:
            rows = np.array([i for i, found in enumerate(patterns) if found == pattern])
            used = self._nearest(pattern)
            verdict = (
                self.heads[used].judge(evidence.rows(rows))
                if used
                else _uncalibrated(evidence.rows(rows), pattern)
            )
            answer[rows], probabilities[rows] = verdict.answer, verdict.probabilities
            confidence[rows], calibrated[rows] = verdict.confidence, used == pattern
            for row in rows:
                heads[row] = pattern_name(used or pattern)
        return Judged(answer, probabilities, confidence, tuple(heads), calibrated)

    def _nearest(self, pattern: Pattern) -> Pattern | None:
        within = [head for head in self.heads if set(head) <= set(pattern)]
        return max(within, key=lambda head: (len(head), self.heads[head].n, head), default=None)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "labels": list(self.labels),
            "heads": [head.to_dict() for head in self.heads.values()],
        }

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> ChoiceCalibrator:
        """The calibrator that `to_dict` wrote."""
        heads = [ChoiceHead.from_dict(each) for each in given["heads"]]
        return cls(tuple(given["labels"]), {head.pool.labelers: head for head in heads})


@dataclass(frozen=True)
class CrossFitted:
    """What heads of one pattern say of documents that they were not fitted on.

    Attributes:
        rows: The documents that all labelers of the pattern answered, shape (m,).
        verdict: On those, in that order.
    """

    rows: Ints
    verdict: Verdict


@dataclass(frozen=True)
class CalibratorFit:
    """A calibrator with what it would have said of the labels that it was fitted on.

    Attributes:
        calibrator: Fitted on all.
        answer: Cross-fitted answers by index, -1 where no labeler answered, shape (n,).
        confidence: Cross-fitted, NaN where there is no answer, shape (n,).
        probabilities: Cross-fitted pooled probabilities, shape (n, labels).
        scores: ece (15 bins), brier, auroc (None where all are right or all wrong), aurc,
            accuracy, n (answers measured), of the cross-fitted answers.
        by_pattern: The same by pattern, each on all documents that its labelers answered.
    """

    calibrator: ChoiceCalibrator
    answer: Ints
    confidence: Floats
    probabilities: Floats
    scores: dict[str, float | None]
    by_pattern: dict[Pattern, CrossFitted]


def fit_choice_calibrator(
    evidence: ChoiceEvidence,
    gold: Ints,
    *,
    weight: Floats | None = None,
    text_sha: Sequence[str] | None = None,
    folds: int = 5,
    seed: int = 0,
) -> CalibratorFit:
    """Fit a calibrator, and cross-fit it to see how good it is.

    Every subset of the labelers that answered enough documents together gets a head, fitted
    on all of those: what one labeler's answers are worth is also seen where others answered.

    Args:
        evidence: On n verified documents.
        gold: The right label of each by index, -1 where none of the labels is right, shape (n,).
        weight: How many documents each stands for (1 / the probability that it was verified),
            shape (n,).
        text_sha: What identifies each text; rows of one text share a fold. By default every
            row is a text of its own.
        folds: Parts for cross-fitting.
        seed: Of the deal into folds.

    Raises:
        InvalidInput: Fewer than 10 labels were verified, or no labeler answered as many.
    """
    n = len(gold)
    if n < MINIMUM:
        raise InvalidInput(
            f"{n} verified labels are too few to calibrate on; verify at least {MINIMUM}.",
            field="gold",
        )
    if len(evidence) != n:
        raise ValueError(f"evidence on {len(evidence)} documents and {n} verified labels")
    mass = effective_weight(weight, n)
    fold = folds_of(text_sha or [str(i) for i in range(n)], folds, seed)
    names = evidence.labelers
    by_pattern: dict[Pattern, CrossFitted] = {}
    heads: dict[Pattern, ChoiceHead] = {}
    for size in range(1, len(names) + 1):
        for pattern in combinations(names, size):
            rows = np.flatnonzero(np.all([evidence.answered(name) for name in pattern], axis=0))
            if len(rows) < MINIMUM or len(np.unique(fold[rows])) < 2:
                continue
            heads[pattern], verdict = _fit_pattern(
                evidence.rows(rows), pattern, gold[rows], mass[rows], fold[rows]
            )
            by_pattern[pattern] = CrossFitted(rows, verdict)
    if not heads:
        raise InvalidInput(
            f"No labeler answered {MINIMUM} of the {n} verified documents; there is nothing to "
            "calibrate.",
            field="gold",
        )
    calibrator = ChoiceCalibrator(evidence.labels, heads)
    answer, confidence, probabilities = _as_answered(evidence, by_pattern, calibrator)
    return CalibratorFit(
        calibrator,
        answer,
        confidence,
        probabilities,
        scores_of(answer, confidence, gold),
        by_pattern,
    )


def effective_weight(weight: Floats | None, n: int) -> Floats:
    """Weights that sum to the number of equally weighted documents that say as much.

    Raises:
        InvalidInput: A weight is not positive and finite, or there are not n.

    Source: Kish 1965, "Survey sampling", on the effective sample size.
    """
    if weight is None:
        return np.ones(n)
    given = np.asarray(weight, dtype=np.float64)
    if given.shape != (n,) or not (np.isfinite(given).all() and (given > 0).all()):
        raise InvalidInput(f"Weights must be {n} positive numbers.", field="weight")
    share: Floats = given * given.sum() / (given**2).sum()
    return share


def scores_of(answer: Ints, confidence: Floats, gold: Ints) -> dict[str, float | None]:
    """How good answers and their confidences are; see `CalibratorFit.scores`."""
    given = answer >= 0
    sure, right = confidence[given], answer[given] == gold[given]
    if not len(sure):
        return {"n": 0.0}
    area = auroc(sure, right)
    return {
        "n": float(len(sure)),
        "accuracy": float(right.mean()),
        "ece": expected_calibration_error(sure, right),
        "brier": brier_score(sure, right),
        "auroc": None if np.isnan(area) else area,
        "aurc": aurc(sure, right),
    }


def _fit_pattern(
    evidence: ChoiceEvidence, pattern: Pattern, gold: Ints, weight: Floats, fold: Ints
) -> tuple[ChoiceHead, Verdict]:
    n = len(gold)
    answer = np.zeros(n, dtype=np.intp)
    probabilities = np.zeros((n, len(evidence.labels)))
    confidence = np.zeros(n)
    for part in np.unique(fold):
        inside = fold == part
        head = fit_head(evidence.rows(~inside), pattern, gold[~inside], weight[~inside], n)
        verdict = head.judge(evidence.rows(inside))
        answer[inside], confidence[inside] = verdict.answer, verdict.confidence
        probabilities[inside] = verdict.probabilities
    final = fit_head(evidence, pattern, gold, weight, n)
    right = answer == gold
    if n >= ISOTONIC_FROM:
        stepped = np.zeros(n)
        for part in np.unique(fold):
            inside = fold == part
            step = fit_step(confidence[~inside], right[~inside], weight[~inside])
            stepped[inside] = step.apply(confidence[inside])
        gain = (confidence - right) ** 2 - (stepped - right) ** 2
        if _mean(gain, weight) > _deviation(gain, weight):
            step = fit_step(confidence, right, weight)
            final = replace(final, method="logistic+isotonic", step=step)
            confidence = stepped
    return final, Verdict(answer, probabilities, confidence)


def _as_answered(
    evidence: ChoiceEvidence, by_pattern: Mapping[Pattern, CrossFitted], whole: ChoiceCalibrator
) -> tuple[Ints, Floats, Floats]:
    """Cross-fitted answers by the head of the labelers that did answer each document."""
    n = len(evidence)
    judged = whole.judge(evidence)
    answer, confidence = judged.answer.copy(), judged.confidence.copy()
    probabilities = judged.probabilities.copy()
    for pattern, fitted in by_pattern.items():
        name = pattern_name(pattern)
        mine = np.array([judged.heads[row] == name for row in fitted.rows])
        rows = fitted.rows[mine]
        answer[rows] = fitted.verdict.answer[mine]
        confidence[rows] = fitted.verdict.confidence[mine]
        probabilities[rows] = fitted.verdict.probabilities[mine]
    assert len(answer) == n
    return answer, confidence, probabilities


def _uncalibrated(evidence: ChoiceEvidence, pattern: Pattern) -> Verdict:
    probabilities = prior_pool(pattern).probabilities(evidence)
    answer = probabilities.argmax(axis=1)
    return Verdict(answer, probabilities, sigmoid(pooled_logit(probabilities, answer)))


def _mean(values: Floats, weight: Floats) -> float:
    return float(weight @ values / weight.sum())


def _deviation(values: Floats, weight: Floats) -> float:
    """Standard error of the weighted mean."""
    share = weight / weight.sum()
    return float(np.sqrt((share**2) @ (values - share @ values) ** 2))
