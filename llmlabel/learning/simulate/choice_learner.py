"""Learning for a choice, as the application does it, on arrays."""

from __future__ import annotations

import numpy as np

from llmlabel.confidence.choice_evidence import choice_evidence
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.prediction import Outcome
from llmlabel.domain.promise import Promise
from llmlabel.errors import InvalidInput
from llmlabel.labelers.ensemble import combine
from llmlabel.learning.choice import learn_choice
from llmlabel.learning.simulate.learners import Judgement, unfitted
from llmlabel.learning.simulate.stream import NONE, Bools, Floats, Ints, Stream, Vectors


class ChoiceLearner:
    """Trains a student and a calibrator on verified labels; see `Learner`.

    Args:
        stream: The documents, of a choice.
        prototypes: Sentence vectors of the labels, shape (labels, d).
        use_student: Without it only the calibrator is learned.
        promise: What the cascade must not cost coverage at.
        seed: Of all folds.
    """

    def __init__(
        self,
        stream: Stream,
        prototypes: Vectors | None,
        *,
        use_student: bool,
        promise: Promise,
        seed: int,
    ) -> None:
        self._stream = stream
        self._prototypes = prototypes
        self._use_student = use_student
        self._promise = promise
        self._seed = seed
        self._texts = [document.text_sha256 for document in stream.documents]
        self._base = choice_evidence(stream.documents, stream.guideline, stream.opinions)
        self.raw = unfitted(*raw_choices(stream), stream.opinions)

    def learn(self, rows: Ints, verdicts: Ints, random: Bools, weight: Floats) -> Judgement | None:
        """Train and answer every document; see `Learner.learn`."""
        texts = [self._texts[row] for row in rows]
        base = self._base.rows(rows)
        vectors = self._stream.vectors[rows]
        try:
            learned = learn_choice(
                base,
                vectors,
                verdicts,
                texts,
                names=self._base.labels,
                prototypes=self._prototypes,
                weight=weight,
                use_student=self._use_student,
                seed=self._seed,
                promise=self._promise,
            )
        except InvalidInput:
            return None
        applied = learned.apply(self._base, self._stream.vectors, self._texts)
        crossed = learned.crossed
        if crossed is None:
            return None
        return Judgement(
            answers=applied.answer.astype(np.int64),
            confidence=applied.confidence,
            asked=applied.asked & self.raw.asked,
            reference=crossed.confidence[random],
            right=(crossed.answer == verdicts)[random],
        )


def raw_choices(stream: Stream) -> tuple[Ints, Floats]:
    """What the base labelers answer together and how sure they are, uncalibrated.

    Returns:
        Codes, shape (N,), and confidences, shape (N,), NaN where there is no answer.
    """
    code = {name: index for index, name in enumerate(stream.guideline.label_names)}
    answers = np.full(len(stream.documents), NONE)
    confidence = np.full(len(stream.documents), np.nan)
    for row, (document, said) in enumerate(zip(stream.documents, stream.opinions, strict=True)):
        made = combine(document, stream.guideline, said)
        if made.outcome is Outcome.ANSWERED and isinstance(made.answer, ChoiceAnswer):
            answers[row] = code[made.answer.label]
            confidence[row] = np.nan if made.probability is None else made.probability
    return answers, confidence
