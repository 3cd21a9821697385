"""What one training learned, whatever the kind of task, and the report on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llmlabel.confidence.choice_calibrator import ChoiceCalibrator
from llmlabel.confidence.choice_evidence import choice_evidence
from llmlabel.confidence.unit_calibrator import UnitCalibrator
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.promise import Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.labelers.shortlist import label_sentences
from llmlabel.labelers.spacy_features import Featured
from llmlabel.labelers.spacy_head import Head
from llmlabel.labelers.student import Student
from llmlabel.learned import Learned
from llmlabel.learning.choice import learn_choice
from llmlabel.learning.gathering import Floats, Gathered
from llmlabel.learning.losses import loss_of
from llmlabel.learning.training_report import (
    TrainingReport,
    TrainingScores,
    confidences,
    plain,
)
from llmlabel.learning.units import learn_units
from llmlabel.routing import RawJudge

Opinions = Sequence[Sequence[Prediction]]
Features = Callable[[Sequence[Document]], Awaitable[Sequence[Featured]]]


@dataclass(frozen=True)
class Outcome:
    """What was learned, and what it would have said of the documents had it not learned of them.

    Attributes:
        calibrator: Turns evidence into the probability of being right.
        student: Labels choices first, where it joined.
        head: Corrects the labeler `spacy`, where it joined.
        doubt: The others are asked where the student is less sure; None: always.
        confidence: Cross-fitted, NaN where there is no answer, shape (n,).
        right: 1 - loss of the cross-fitted answers, shape (n,).
        about: Numbers of the learner.
    """

    calibrator: ChoiceCalibrator | UnitCalibrator
    student: Student | None
    head: Head | None
    doubt: float | None
    confidence: Floats
    right: Floats
    about: dict[str, object]

    def learned(self, guideline: Guideline, n: int, pool: ExamplePool | None) -> Learned:
        """The value that is stored and put to use."""
        return Learned(
            guideline=guideline.ref,
            calibrator=self.calibrator,
            n=n,
            student=self.student,
            head=self.head,
            pool=pool,
            doubt=self.doubt,
        )


async def from_choices(
    guideline: Guideline,
    data: Gathered,
    opinions: Opinions,
    embedder: Callable[[], SentenceEmbedder],
    promise: Promise | None,
    student: bool,
) -> Outcome:
    """Learn a student (if wanted and helpful) and a calibrator of a choice; see `learn_choice`."""
    names = guideline.label_names
    gold = np.array(
        [names.index(each.label) if isinstance(each, ChoiceAnswer) else -1 for each in data.answers]
    )

    def learn() -> Outcome:
        vectors = prototypes = None
        if student:
            encoder = embedder()
            vectors = encoder.embed([document.text for document in data.documents])
            prototypes = encoder.embed(label_sentences(guideline))
        learned = learn_choice(
            choice_evidence(data.documents, guideline, opinions),
            vectors,
            gold,
            data.text_sha,
            names=names,
            prototypes=prototypes,
            weight=data.weight,
            use_student=student,
            promise=promise,
        )
        crossed = learned.crossed
        assert crossed is not None
        return Outcome(
            calibrator=learned.calibrator,
            student=learned.student,
            head=None,
            doubt=learned.doubt,
            confidence=crossed.confidence,
            right=(crossed.answer == gold).astype(np.float64),
            about=learned.report,
        )

    return await asyncio.to_thread(learn)


async def from_units(
    guideline: Guideline,
    data: Gathered,
    opinions: Opinions,
    features: Features | None,
) -> Outcome:
    """Learn a head (with features, if it helps) and a calibrator; see `learn_units`."""
    featured = None if features is None else await features(data.documents)
    learned = await asyncio.to_thread(
        lambda: learn_units(
            data.documents,
            guideline,
            opinions,
            data.answers,
            featured=featured,
            weight=data.weight,
        )
    )
    return Outcome(
        calibrator=learned.calibrator,
        student=None,
        head=learned.head,
        doubt=None,
        confidence=learned.confidence,
        right=learned.right,
        about=learned.report,
    )


def report_of(
    id: str,
    guideline: Guideline,
    data: Gathered,
    opinions: Opinions,
    outcome: Outcome,
    pool: ExamplePool | None,
    by: str,
) -> TrainingReport:
    """The report, without size and seconds."""
    judged = RawJudge().judge(data.documents, guideline, opinions)
    raw = np.array([np.nan if j.confidence is None else j.confidence.value for j in judged])
    right = np.array(
        [
            1 - loss_of(j.combined.answer, answer, guideline.policy.loss, document.language)
            for j, answer, document in zip(judged, data.answers, data.documents, strict=True)
        ]
    )
    about = outcome.about
    cascade, head = _within(about, "cascade"), _within(about, "head")
    # Thresholds are tried on documents like those to come, not on those that doubt chose.
    random = data.sampled if data.sampled.any() else np.ones(len(data), dtype=bool)
    return TrainingReport.model_validate(
        {
            "id": id,
            "guideline": guideline.ref,
            "guideline_sha256": guideline.sha256,
            "kind": guideline.kind,
            "n": len(data),
            "from_gold": data.from_gold,
            "known": data.known,
            "left_out": data.left_out,
            "before": TrainingScores.of(raw, right, data.weight),
            "after": TrainingScores.of(outcome.confidence, outcome.right, data.weight),
            "student": outcome.student is not None,
            "head": outcome.head is not None,
            "why": str(about.get("why") or head.get("reason") or ""),
            "paired_test": plain(about.get("paired_test") or _decisive(_within(head, "tests"))),
            "units_before": plain(head.get("before")),
            "units_after": plain(about.get("units") if head else None),
            "doubt": outcome.doubt,
            "calls_saved": cascade.get("saved", 0.0),
            "examples": 0 if pool is None else len(pool),
            "details": plain(about),
            "fit_texts": data.text_sha,
            "fit_confidences": confidences(outcome.confidence[random]),
            "seconds": 0.0,
            "started_by": by,
        }
    )


def _decisive(tests: Mapping[str, object]) -> object:
    """Of the tests of several heads the last that let one join; else the last."""
    found = [test for test in tests.values() if isinstance(test, dict)]
    passed = [test for test in found if test.get("helps")]
    chosen = (passed or found)[-1:]
    return {k: v for k, v in chosen[0].items() if k != "scores"} if chosen else None


def _within(about: dict[str, object], name: str) -> dict[str, object]:
    found = about.get(name)
    return found if isinstance(found, dict) else {}
