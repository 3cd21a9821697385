"""Learning for spans and tokens: a whole answer is right or wrong, a calibrator says how likely.

The answers stay those of the base labelers; no student is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llmlabel.confidence.unit_calibrator import fit_unit_calibrator
from llmlabel.confidence.unit_evidence import unit_evidence
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction
from llmlabel.errors import InvalidInput
from llmlabel.evaluation.cases import Case
from llmlabel.labelers.ensemble import combine
from llmlabel.learning.losses import loss_of
from llmlabel.learning.simulate.learners import Judgement, unfitted
from llmlabel.learning.simulate.stream import (
    NONE,
    Bools,
    Floats,
    Ints,
    Stream,
    certifying,
    documents_of,
    first_of_text,
)

RIGHT, WRONG = 0, 1
"""Codes: the gold; what the labelers said where that is not the gold. A third is any other."""

CODES = 3


def units_stream(
    guideline: Guideline,
    gold: Sequence[Case],
    history: Sequence[Case],
    opinions: Sequence[Sequence[Prediction]],
) -> Stream:
    """The arrays of spans or tokens; there are no sentence vectors.

    Args:
        guideline: Of kind spans or tokens.
        gold: The documents to replay.
        history: The earlier stream.
        opinions: Of the history, then the gold.
    """
    cases = [*history, *gold]
    return Stream(
        guideline=guideline,
        documents=documents_of(cases),
        opinions=tuple(tuple(said) for said in opinions),
        gold=np.full(len(cases), RIGHT),
        vectors=np.zeros((len(cases), 0), np.float32),
        certifies=certifying(cases),
        distinct=first_of_text(cases),
        history=len(history),
        answers=CODES,
    )


class UnitsLearner:
    """Calibrates the base labelers' answers on verified ones; see `Learner`.

    Args:
        stream: Of `units_stream`.
        cases: The same documents with their gold, in the same order.
        seed: Of the folds.
    """

    def __init__(self, stream: Stream, cases: Sequence[Case], *, seed: int) -> None:
        self._seed = seed
        self._texts = [document.text_sha256 for document in stream.documents]
        self._said = [
            combine(document, stream.guideline, said)
            for document, said in zip(stream.documents, stream.opinions, strict=True)
        ]
        self._there = np.array([each.outcome is Outcome.ANSWERED for each in self._said])
        self._evidence = [unit_evidence(self._said[row]) for row in np.flatnonzero(self._there)]
        answers = np.full(len(self._said), NONE)
        for row in np.flatnonzero(self._there).tolist():
            lost = loss_of(self._said[row].answer, cases[row].gold, "exact", cases[row].language)
            answers[row] = WRONG if lost else RIGHT
        raw = [np.nan if each.probability is None else each.probability for each in self._said]
        self.raw = unfitted(answers, np.array(raw), stream.opinions)

    def learn(self, rows: Ints, verdicts: Ints, random: Bools, weight: Floats) -> Judgement | None:
        """Calibrate; see `Learner.learn`."""
        there = self._there[rows]
        known = rows[there]
        right = self.raw.answers[known] == verdicts[there]
        try:
            fit = fit_unit_calibrator(
                [self._said[row] for row in known],
                right,
                weight=weight[there],
                texts=[self._texts[row] for row in known],
                seed=self._seed,
            )
        except InvalidInput:
            return None
        confidence = np.full(len(self._there), np.nan)
        confidence[self._there] = fit.calibrator.confidences(self._evidence)
        reference, agrees = np.full(len(rows), np.nan), np.zeros(len(rows), np.bool_)
        reference[there], agrees[there] = fit.confidence, right
        return replace(
            self.raw, confidence=confidence, reference=reference[random], right=agrees[random]
        )
