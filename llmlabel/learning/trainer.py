"""Training over the application's own parts: what a guideline's labelers say, and what reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.promise import Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.labelers.example_pool import ExamplePool, NearestExamples
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.learning.label_errors import Suspect, label_errors
from llmlabel.learning.training import Features, Predict, Progress, train
from llmlabel.learning.training_report import TrainingReport
from llmlabel.pipeline import Pipeline
from llmlabel.routing import Step
from llmlabel.store import Store


class Trainer:
    """Trains guidelines, and looks for mistakes among their verified labels.

    Args:
        store: Gives the database.
        pipeline: Asks labelers.
        base_steps: The guideline's own labelers, without what was learned.
        embedder: Gives the sentence encoder.
        promise: What is promised of a guideline's labels, if anything.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        pipeline: Pipeline,
        base_steps: Callable[[Guideline], Sequence[Step]],
        embedder: Callable[[], SentenceEmbedder],
        promise: Callable[[Guideline], Promise | None],
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._base_steps = base_steps
        self._embedder = embedder
        self._promise = promise

    async def train(
        self,
        guideline: Guideline,
        *,
        by: str,
        student: bool = True,
        examples: bool = True,
        wait: float = 0.0,
        progress: Progress | None = None,
    ) -> TrainingReport:
        """Learn from the verified labels of a guideline and put it to use; see `train`."""
        return await train(
            guideline,
            store=self._store(),
            predict=self._predict(guideline),
            embedder=self._embedder,
            features=self._features(guideline),
            promise=self._promise(guideline),
            by=by,
            student=student,
            examples=examples,
            wait=wait,
            progress=progress,
        )

    async def label_errors(self, guideline: Guideline) -> list[Suspect]:
        """Verified labels of a guideline, the likeliest wrong first; see `label_errors`."""
        verified = await asyncio.to_thread(self._store().verified, guideline.ref)
        return await label_errors(
            guideline, verified, embedder=self._embedder, features=self._features(guideline)
        )

    def _predict(self, guideline: Guideline) -> Predict:
        async def predict(
            documents: Sequence[Document], pool: ExamplePool | None
        ) -> list[list[Prediction]]:
            steps = [self._shown(step, pool) for step in self._base_steps(guideline)]
            return await self._pipeline.predict(documents, guideline, steps)

        return predict

    def _shown(self, step: Step, pool: ExamplePool | None) -> Step:
        if pool is None or not isinstance(step.labeler, LlmChoice):
            return step
        nearest = NearestExamples(pool, self._embedder())
        return Step(step.labeler.with_nearest(nearest), step.doubt)

    def _features(self, guideline: Guideline) -> Features | None:
        if guideline.kind not in ("spans", "tokens"):
            return None
        for step in self._base_steps(guideline):
            labeler = step.labeler
            if isinstance(labeler, SpacyLabeler):
                return lambda documents: labeler.features(documents, guideline)
        return None
