"""Documents, opinions and vectors made up by a rule, to replay without any model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from moods import LABELS, MOODS

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.domain.promise import Promise
from llmlabel.evaluation.cases import Case
from llmlabel.learning.simulate.choice_learner import ChoiceLearner
from llmlabel.learning.simulate.learners import Judgement, unfitted
from llmlabel.learning.simulate.stream import Bools, Floats, Ints, Stream, choice_stream

USUAL = Promise(kind="delivered", error=0.05, probability=0.95)


def case(number: int, label: str, text: str | None = None) -> Case:
    document = Document.of_text(text or f"text number {number}", id=f"d{number}")
    return Case(
        id=document.id, gold=ChoiceAnswer(label=label), document=document, place=f"x:{number}"
    )


def said(label: str, confidence: float) -> Prediction:
    rest = (1 - confidence) / (len(LABELS) - 1)
    return Prediction(
        answer=ChoiceAnswer(label=label),
        probability=confidence,
        scores={name: confidence if name == label else rest for name in LABELS},
        source=Source(labeler="llm", model="made-up"),
    )


def failed() -> Prediction:
    return Prediction(
        outcome=Outcome.UNREADABLE, source=Source(labeler="llm", model="made-up"), detail="mumbled"
    )


def made_stream(
    n: int = 200, history: int = 0, *, skill: float = 0.9, spread: float = 0.3, seed: int = 0
) -> Stream:
    """Documents whose vectors lie about their label's, and a labeler that knows its doubts.

    Args:
        n: Documents to replay.
        history: Documents before them.
        skill: Mean confidence above chance; a confidence says how often the answer is right.
        spread: How far vectors scatter; a student does well where it is small.
        seed: Another seed makes other documents.
    """
    random = np.random.default_rng(seed)
    gold = random.integers(0, 3, history + n)
    cases = [case(i, LABELS[label]) for i, label in enumerate(gold)]
    confidence = 1 / 3 + 2 / 3 * random.beta(8 * skill + 0.05, 8 * (1 - skill) + 0.05, len(gold))
    wrong = random.random(len(gold)) > confidence
    answers = np.where(wrong, (gold + random.integers(1, 3, len(gold))) % 3, gold)
    opinions = [
        [said(LABELS[a], min(float(c), 0.999))] for a, c in zip(answers, confidence, strict=True)
    ]
    centres = np.eye(3, 8)
    vectors = centres[gold] + spread * random.normal(size=(len(gold), 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return choice_stream(
        MOODS, cases[history:], cases[:history], opinions, vectors.astype(np.float32)
    )


def learner_of(stream: Stream, *, student: bool = True, promise: Promise = USUAL) -> ChoiceLearner:
    return ChoiceLearner(stream, None, use_student=student, promise=promise, seed=0)


@dataclass(frozen=True)
class KnownLearner:
    """Answers with fixed confidences from the first; learning adds the reference only."""

    raw: Judgement

    @classmethod
    def of(cls, stream: Stream, confidence: Sequence[float], right: Sequence[bool]) -> KnownLearner:
        answers = np.where(np.array(right), stream.gold, (stream.gold + 1) % 3)
        return cls(unfitted(answers, np.array(confidence, dtype=np.float64), stream.opinions))

    def learn(self, rows: Ints, verdicts: Ints, random: Bools, weight: Floats) -> Judgement:
        chosen = rows[random]
        return Judgement(
            answers=self.raw.answers,
            confidence=self.raw.confidence,
            asked=self.raw.asked,
            reference=self.raw.confidence[chosen],
            right=self.raw.answers[chosen] == verdicts[random],
        )
