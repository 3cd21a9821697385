"""Training: a guideline's verified labels become what labels and judges its next documents."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog

from llmlabel.confidence.choice_calibrator import MINIMUM, ChoiceCalibrator
from llmlabel.confidence.choice_evidence import choice_evidence
from llmlabel.confidence.unit_calibrator import UnitCalibrator
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.promise import Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import Conflict, LlmlabelError, TrainingUnderWay
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.labelers.shortlist import label_sentences
from llmlabel.labelers.spacy_features import Featured
from llmlabel.labelers.spacy_head import Head
from llmlabel.labelers.student import Student
from llmlabel.learned import Learned
from llmlabel.learning.choice import learn_choice
from llmlabel.learning.gathering import Floats, Gathered, gather
from llmlabel.learning.heartbeat import Heartbeat
from llmlabel.learning.losses import loss_of
from llmlabel.learning.training_report import (
    TrainingReport,
    TrainingScores,
    confidences,
    plain,
)
from llmlabel.learning.units import learn_units
from llmlabel.routing import RawJudge
from llmlabel.store import Store

CHUNK = 50
"""Documents predicted at once, as many as one job labels, so that batches are alike."""

LAST_TEXTS = 5000
"""Verified labels kept at most to be shown to a model: the newest."""

WAIT_STEP = 2.0

Predict = Callable[
    [Sequence[Document], ExamplePool | None], Awaitable[Sequence[Sequence[Prediction]]]
]
"""What the guideline's own labelers say of documents, one sequence each; a language model is
shown verified labels of the pool, where there is one, never a document's own."""

Features = Callable[[Sequence[Document]], Awaitable[Sequence[Featured]]]
Progress = Callable[[int, int], None]

log = structlog.get_logger()


@dataclass(frozen=True)
class _Outcome:
    """What was learned, of either kind of task; numbers on the documents learned from."""

    calibrator: ChoiceCalibrator | UnitCalibrator
    student: Student | None
    head: Head | None
    doubt: float | None
    confidence: Floats
    right: Floats
    about: dict[str, object]


async def train(
    guideline: Guideline,
    *,
    store: Store,
    predict: Predict,
    embedder: Callable[[], SentenceEmbedder],
    by: str,
    features: Features | None = None,
    promise: Promise | None = None,
    student: bool = True,
    examples: bool = True,
    wait: float = 0.0,
    progress: Progress | None = None,
) -> TrainingReport:
    """Learn anew from all verified labels that may be learned from, and put it to use.

    What is in use stays so until the very end, when it is replaced in one step; whatever goes
    wrong before leaves it in place. The certificate of the pipeline so far holds no longer.

    Args:
        guideline: Whose labels.
        store: Holds the verified labels, and keeps what is learned.
        predict: The guideline's own labelers.
        embedder: Gives the sentence encoder; asked for a choice only.
        by: Who or what started it, for people.
        features: spaCy's predictions with what a head reads, where spaCy is a labeler.
        promise: What the cascade must not cost coverage at.
        student: Without it, only confidences are learned, and neither student nor head.
        examples: Keep verified labels to show to the model, as far as the policy asks.
        wait: Seconds to wait for another training to end or be given up.
        progress: Told the documents predicted so far, and of how many.

    Raises:
        TrainingUnderWay: Another training of this guideline runs.
        InvalidInput: There are too few verified labels; says how many are needed.
        Conflict: Another process took it for dead and began anew.
        MissingModel, ModelError, StoreUnavailable: As the labelers and the store.
    """
    id = await _begin(guideline, store, by, wait)
    began = time.perf_counter()
    try:
        with Heartbeat(lambda: store.trainings.beat(id)) as heart:
            data = await asyncio.to_thread(
                lambda: gather(guideline, store.verified(guideline.ref), MINIMUM)
            )
            pool = None
            if examples and guideline.kind == "choice" and guideline.policy.verified_examples:
                pool = await asyncio.to_thread(_pool, data, embedder())
            opinions = await _predicted(data.documents, pool, predict, heart, progress)
            if guideline.kind == "choice":
                learn = _choice(guideline, data, opinions, embedder, promise, student)
            else:
                learn = _units(guideline, data, opinions, features if student else None)
            outcome = await learn
            _stop_if_lost(heart, id)
            report = _report(id, guideline, data, opinions, outcome, pool, by)
            content = await asyncio.to_thread(
                Learned(
                    guideline=guideline.ref,
                    calibrator=outcome.calibrator,
                    n=len(data),
                    student=outcome.student,
                    head=outcome.head,
                    pool=pool,
                    doubt=outcome.doubt,
                ).to_bytes
            )
        report = report.model_copy(
            update={"payload_bytes": len(content), "seconds": time.perf_counter() - began}
        )
        store.trainings.finish(id, content, report.model_dump(mode="json"), activate=True)
    except BaseException as error:
        # Also when it is interrupted: the next training need not wait for this one.
        with contextlib.suppress(LlmlabelError):
            store.trainings.fail(id, str(error) or f"It was interrupted ({type(error).__name__}).")
        raise
    log.info("trained", training=id, guideline=guideline.ref, n=report.n, student=report.student)
    return report


def due(store: Store, guideline: str, train_after: int) -> bool:
    """Whether so many verdicts stand that no training has seen that it is time for one.

    Two cheap queries. A training that failed counts as well: the next comes after as many
    further verdicts, not at once.

    Args:
        store: Holds the verdicts and the trainings.
        guideline: `name@version`.
        train_after: How many verdicts; 0 means never.
    """
    if train_after <= 0:
        return False
    last = store.trainings.last_began(guideline)
    return store.verified.decided_since(guideline, last) >= train_after


async def _begin(guideline: Guideline, store: Store, by: str, wait: float) -> str:
    end = time.monotonic() + wait
    while True:
        try:
            return await asyncio.to_thread(
                store.trainings.begin, guideline.ref, guideline.sha256, by
            )
        except TrainingUnderWay:
            if time.monotonic() >= end:
                raise
        await asyncio.sleep(min(WAIT_STEP, max(0.05, end - time.monotonic())))


def _stop_if_lost(heart: Heartbeat, id: str) -> None:
    if heart.lost:
        raise Conflict(
            f"The training {id} gave no sign of life for too long and another took over; what it "
            "learned is not used.",
            field="id",
        )


async def _predicted(
    documents: Sequence[Document],
    pool: ExamplePool | None,
    predict: Predict,
    heart: Heartbeat,
    progress: Progress | None,
) -> list[Sequence[Prediction]]:
    said: list[Sequence[Prediction]] = []
    for start in range(0, len(documents), CHUNK):
        if progress is not None:
            progress(len(said), len(documents))
        if heart.lost:
            break
        said += await predict(documents[start : start + CHUNK], pool)
    if progress is not None:
        progress(len(said), len(documents))
    return said


def _pool(data: Gathered, embedder: SentenceEmbedder) -> ExamplePool:
    rows = [row for row, answer in enumerate(data.answers) if isinstance(answer, ChoiceAnswer)]
    rows = rows[-LAST_TEXTS:]
    texts = [data.documents[row].text for row in rows]
    return ExamplePool(
        texts=tuple(texts),
        labels=tuple(_label(data, row) for row in rows),
        hashes=tuple(data.documents[row].text_sha256 for row in rows),
        vectors=embedder.embed(texts).astype(np.float16),
    )


def _label(data: Gathered, row: int) -> str:
    answer = data.answers[row]
    assert isinstance(answer, ChoiceAnswer)
    return answer.label


async def _choice(
    guideline: Guideline,
    data: Gathered,
    opinions: Sequence[Sequence[Prediction]],
    embedder: Callable[[], SentenceEmbedder],
    promise: Promise | None,
    student: bool,
) -> _Outcome:
    names = guideline.label_names
    gold = np.array(
        [names.index(each.label) if isinstance(each, ChoiceAnswer) else -1 for each in data.answers]
    )

    def learn() -> _Outcome:
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
        return _Outcome(
            calibrator=learned.calibrator,
            student=learned.student,
            head=None,
            doubt=learned.doubt,
            confidence=crossed.confidence,
            right=(crossed.answer == gold).astype(np.float64),
            about=learned.report,
        )

    return await asyncio.to_thread(learn)


async def _units(
    guideline: Guideline,
    data: Gathered,
    opinions: Sequence[Sequence[Prediction]],
    features: Features | None,
) -> _Outcome:
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
    return _Outcome(
        calibrator=learned.calibrator,
        student=None,
        head=learned.head,
        doubt=None,
        confidence=learned.confidence,
        right=learned.right,
        about=learned.report,
    )


def _report(
    id: str,
    guideline: Guideline,
    data: Gathered,
    opinions: Sequence[Sequence[Prediction]],
    outcome: _Outcome,
    pool: ExamplePool | None,
    by: str,
) -> TrainingReport:
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
