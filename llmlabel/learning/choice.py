"""What is learned for a task of kind `choice`: a student, a calibrator, and whom to ask first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_calibrator import (
    CalibratorFit,
    ChoiceCalibrator,
    fit_choice_calibrator,
)
from llmlabel.confidence.choice_evidence import ChoiceEvidence
from llmlabel.domain.promise import Promise
from llmlabel.errors import InvalidInput
from llmlabel.labelers.student import Student
from llmlabel.learning.cascade import Cascade, choose_doubt, coverage_at
from llmlabel.learning.paired import PairedTest, answer_loss, paired_test
from llmlabel.learning.student_fit import cross_fit_student, fit_student

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

STUDENT = "student"
STUDENT_FROM = 50
"""Verified labels without which no student is tried."""
USUAL_PROMISE = Promise(kind="delivered", error=0.05)
"""What the cascade is tuned for where nothing is promised."""


@dataclass(frozen=True)
class Applied:
    """What the pipeline answers to n documents.

    Attributes:
        answer: By index, -1 where no labeler answered, shape (n,).
        confidence: NaN where there is no answer, shape (n,).
        asked: Whether the labelers after the student were asked, shape (n,).
        probabilities: Pooled, of every label, shape (n, labels).
        calibrated: Whether the confidence comes from a head fitted for it, shape (n,).
    """

    answer: Ints
    confidence: Floats
    asked: Bools
    probabilities: Floats
    calibrated: Bools


@dataclass(frozen=True)
class Crossed:
    """Cross-fitted answers to the verified documents, the cascade included.

    Attributes:
        answer: By index, -1 where no labeler answered, shape (n,).
        confidence: NaN where there is no answer, shape (n,).
    """

    answer: Ints
    confidence: Floats


@dataclass(frozen=True)
class LearnedChoice:
    """A student (or none), the calibrator, and the doubt below which the others are asked.

    Attributes:
        student: None where it does not help, or there was too little to learn from.
        calibrator: Of the student, if any, and the labelers of the guideline.
        doubt: The others are asked where the student's own probability is below it; None:
            always.
        report: Numbers on how these were chosen, as JSON holds them.
        crossed: What it would have answered to the documents it learned from, had it not.
    """

    student: Student | None
    calibrator: ChoiceCalibrator
    doubt: float | None
    report: dict[str, Any]
    crossed: Crossed | None = None

    def apply(
        self, base: ChoiceEvidence, vectors: Vectors | None, text_sha: Sequence[str]
    ) -> Applied:
        """What the pipeline would answer, the cascade included.

        Args:
            base: What the other labelers say of n documents, where they are asked or not.
            vectors: Sentence embeddings of unit length, shape (n, dimensions); None where
                there is no student.
            text_sha: SHA-256 of the texts, shape (n,).

        Raises:
            ValueError: There is a student and no vectors.
        """
        asked = np.ones(len(text_sha), dtype=bool)
        evidence = base
        if self.student is not None:
            if vectors is None:
                raise ValueError("a student needs sentence embeddings of the documents")
            logs = self.student.logs(vectors)
            near = self.student.nearest(vectors, text_sha)
            if self.doubt is not None:
                asked = np.exp(logs.max(axis=1)) < self.doubt
            for labeler in base.labelers:
                evidence = evidence.asked_only(labeler, asked)
            evidence = evidence.with_labeler(STUDENT, logs, near.evidence(logs.argmax(axis=1)))
        judged = self.calibrator.judge(evidence)
        return Applied(
            judged.answer, judged.confidence, asked, judged.probabilities, judged.calibrated
        )


def learn_choice(
    base: ChoiceEvidence,
    vectors: Vectors | None,
    gold: Ints,
    text_sha: Sequence[str],
    *,
    names: Sequence[str],
    prototypes: Vectors | None = None,
    weight: Floats | None = None,
    use_student: bool = True,
    seed: int = 0,
    promise: Promise | None = None,
) -> LearnedChoice:
    """Learn from verified labels.

    The student joins when the loss of the final answers is lower with it than without it, both
    cross-fitted on the same documents, in a one-sided paired test (see `paired_test`).

    Args:
        base: What the labelers other than the student say of the n verified documents.
        vectors: Sentence embeddings of unit length, shape (n, dimensions), or None.
        gold: The right label by index, -1 where none of them is right, shape (n,).
        text_sha: SHA-256 of the texts, shape (n,); rows of one text are never parted.
        names: The labels of the guideline, as in `base`.
        prototypes: Embeddings of the labels' names and definitions, shape (labels, dimensions).
        weight: How many documents each stands for (1 / the probability that it was verified).
        use_student: Without it only the calibrator is learned.
        seed: Of all folds.
        promise: What the cascade must not cost coverage at; delivered 5% where None.

    Raises:
        InvalidInput: Too few labels are verified, or no labeler answered.
    """
    if tuple(names) != base.labels:
        raise ValueError("the evidence is on other labels than those named")
    n = len(gold)
    without = _calibrated(base, gold, text_sha, weight, seed)
    report: dict[str, Any] = {
        "n": n,
        "scores_without_student": None if without is None else without.scores,
    }
    wanted = use_student and vectors is not None
    if wanted and vectors is not None and _can_learn(gold, text_sha):
        crossed = cross_fit_student(
            vectors, gold, names, text_sha, prototypes=prototypes, weight=weight, seed=seed
        )
        evidence = base.with_labeler(STUDENT, crossed.logs, crossed.extras)
        fit = fit_choice_calibrator(evidence, gold, weight=weight, text_sha=text_sha, seed=seed)
        test = _compare(without, fit, gold, weight, text_sha)
        report |= {"scores_with_student": fit.scores, "paired_test": test and test.to_dict()}
        if test is None or test.helps:
            student = fit_student(
                vectors[gold >= 0],
                gold[gold >= 0],
                names,
                [text_sha[i] for i in np.flatnonzero(gold >= 0).tolist()],
                prototypes=prototypes,
                weight=None if weight is None else np.asarray(weight)[gold >= 0],
                seed=seed,
                freedom=crossed.freedom,
                temperature=crossed.temperature,
            )
            top = np.exp(crossed.logs.max(axis=1))
            cascade = _cascade(fit, top, gold, weight, promise or USUAL_PROMISE)
            report |= {"student": True, "cascade": cascade.to_dict()}
            return LearnedChoice(
                student, fit.calibrator, cascade.doubt, report, _crossed(fit, top, cascade.doubt)
            )
        report |= {"student": False, "why": "the paired test does not say that it helps"}
    elif wanted:
        report |= {
            "student": False,
            "why": f"fewer than {STUDENT_FROM} verified labels of at least two texts",
        }
    else:
        report |= {"student": False, "why": "not wanted, or there are no sentence embeddings"}
    if without is None:
        raise InvalidInput(
            "No labeler answered enough of the verified documents, and there is no student; "
            f"verify at least {STUDENT_FROM} labels.",
            field="gold",
        )
    alone = Crossed(without.answer, without.confidence)
    return LearnedChoice(None, without.calibrator, None, report, alone)


def _calibrated(
    base: ChoiceEvidence,
    gold: Ints,
    text_sha: Sequence[str],
    weight: Floats | None,
    seed: int,
) -> CalibratorFit | None:
    """Without the student; None where the other labelers answered too little."""
    answered = [base.answered(name).sum() for name in base.labelers]
    if not answered or max(answered) < STUDENT_FROM <= len(gold):
        return None
    return fit_choice_calibrator(base, gold, weight=weight, text_sha=text_sha, seed=seed)


def _can_learn(gold: Ints, text_sha: Sequence[str]) -> bool:
    known = np.flatnonzero(gold >= 0).tolist()
    return len(gold) >= STUDENT_FROM and len({text_sha[i] for i in known}) > 1


def _compare(
    without: CalibratorFit | None,
    fit: CalibratorFit,
    gold: Ints,
    weight: Floats | None,
    text_sha: Sequence[str],
) -> PairedTest | None:
    """None where there is nothing to compare with: the student is all there is."""
    if without is None:
        return None
    losses = [
        answer_loss(each.answer, each.confidence, each.probabilities, gold)
        for each in (without, fit)
    ]
    return paired_test(losses[0], losses[1], weight, text_sha)


def _crossed(fit: CalibratorFit, top: Floats, doubt: float | None) -> Crossed:
    """The cross-fitted answers of all labelers where all are asked, else of the student alone."""
    alone = fit.by_pattern.get((STUDENT,))
    if doubt is None or alone is None:
        return Crossed(fit.answer, fit.confidence)
    answer, confidence = fit.answer.copy(), fit.confidence.copy()
    sure = top[alone.rows] >= doubt
    rows = alone.rows[sure]
    answer[rows] = alone.verdict.answer[sure]
    confidence[rows] = alone.verdict.confidence[sure]
    return Crossed(answer, confidence)


def _cascade(
    fit: CalibratorFit, top: Floats, gold: Ints, weight: Floats | None, promise: Promise
) -> Cascade:
    """Where the student alone is enough, by what the cross-fitted heads say."""
    mass = np.ones(len(gold)) if weight is None else np.asarray(weight, dtype=np.float64)
    alone = fit.by_pattern.get((STUDENT,))
    confidence, right = fit.confidence, fit.answer == gold
    always = coverage_at(confidence, right, mass, promise)
    if alone is None or len(alone.rows) < len(gold) or len(fit.by_pattern) == 1:
        return Cascade(None, always, always, 0.0)
    return choose_doubt(
        top,
        (confidence, right),
        (alone.verdict.confidence, alone.verdict.answer == gold),
        mass,
        promise,
    )
