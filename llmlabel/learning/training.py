"""Training: a guideline's verified labels become what labels and judges its next documents."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from functools import partial

import numpy as np

from llmlabel.confidence.choice_calibrator import MINIMUM
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.promise import Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import Conflict, LlmlabelError, TrainingUnderWay
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.learning.gathering import Gathered, gather
from llmlabel.learning.heartbeat import Heartbeat
from llmlabel.learning.outcome import Features, from_choices, from_units, report_of
from llmlabel.learning.training_report import TrainingReport
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

Progress = Callable[[int, int], None]


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
    activate: bool = True,
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
        activate: Without it, what was learned is only kept: `learning.certify` puts it to use if
            it can prove it to be as good as what is.
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
            _stop_if_lost(heart, id)
            if guideline.kind == "choice":
                learn = from_choices(guideline, data, opinions, embedder, promise, student)
            else:
                learn = from_units(guideline, data, opinions, features if student else None)
            outcome = await learn
            _stop_if_lost(heart, id)
            report = report_of(id, guideline, data, opinions, outcome, pool, by)
            content = await asyncio.to_thread(outcome.learned(guideline, len(data), pool).to_bytes)
        report = report.model_copy(
            update={"payload_bytes": len(content), "seconds": time.perf_counter() - began}
        )
        store.trainings.finish(id, content, report.model_dump(mode="json"), activate=activate)
    except BaseException as error:
        # Also when it is interrupted: the next training need not wait for this one.
        with contextlib.suppress(LlmlabelError):
            store.trainings.fail(id, str(error) or f"It was interrupted ({type(error).__name__}).")
        raise
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
    begin = partial(store.trainings.begin, guideline.ref, guideline.sha256, by)
    while True:
        # No task, which an interruption would end: the thread goes on, and what it begins as well.
        begun = asyncio.get_running_loop().run_in_executor(None, copy_context().run, begin)
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            with contextlib.suppress(LlmlabelError):
                store.trainings.fail(await begun, "It was interrupted as it began.")
            raise
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
