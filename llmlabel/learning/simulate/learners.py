"""Who answers, and how surely, once some documents are verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from llmlabel.domain.prediction import Prediction
from llmlabel.learning.simulate.stream import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Judgement:
    """Answers to all documents of a stream, from one learned version.

    Attributes:
        answers: Codes, `NONE` where no labeler answered, shape (N,).
        confidence: NaN where there is no answer, shape (N,).
        asked: Whether the language model is asked, shape (N,).
        reference: Cross-fitted confidences of documents verified at random that do not
            certify, NaN without an answer, shape (k,).
        right: Whether those answers agree with the verdicts, shape (k,).
    """

    answers: Ints
    confidence: Floats
    asked: Bools
    reference: Floats
    right: Bools


class Learner(Protocol):
    """Learns from verdicts what to answer."""

    @property
    def raw(self) -> Judgement:
        """The base labelers as they are, before anything was verified; no reference."""
        ...

    def learn(self, rows: Ints, verdicts: Ints, random: Bools, weight: Floats) -> Judgement | None:
        """Train, calibrate and answer every document.

        Args:
            rows: Verified documents that may be learned from, shape (m,).
            verdicts: What was said of each, shape (m,).
            random: Whether it was verified at random; the others were doubted, shape (m,).
            weight: How many documents each stands for, shape (m,).

        Returns:
            None where there is too little to learn from.
        """
        ...


def unfitted(
    answers: Ints, confidence: Floats, opinions: Sequence[Sequence[Prediction]]
) -> Judgement:
    """What the base labelers say, as a judgement.

    Args:
        answers: Codes, shape (N,).
        confidence: Of each, shape (N,).
        opinions: Of each document; they tell whether a language model was asked.
    """
    asked = [any(each.source.labeler == "llm" for each in said) for said in opinions]
    return Judgement(
        answers=answers,
        confidence=np.where(answers < 0, np.nan, confidence),
        asked=np.array(asked, np.bool_),
        reference=np.zeros(0),
        right=np.zeros(0, np.bool_),
    )
