"""Learning from verified labels with the parts in force: trainings, and a look for wrong labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.promise import Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.in_force import InForce
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.learning.certification import Certification
from llmlabel.learning.label_errors import Suspect, label_errors
from llmlabel.learning.speak import refuse_stand_ins
from llmlabel.learning.training import train
from llmlabel.learning.training_report import TrainingReport
from llmlabel.pipeline import Pipeline
from llmlabel.store import Store

TAKE_OVER_SECONDS = 90.0
"""A job that begins anew after a crash waits so long until the training it left counts as dead."""

Counted = Callable[[int, int], None]
"""Told how many of how many are done."""


class Teaching:
    """Learns anew from the verified labels of a guideline; call it.

    Args:
        store: Gives the database.
        guidelines: The tasks.
        in_force: What labels now.
        pipeline: Asks it.
        embedder: Gives sentence embeddings.
        certify: Proves a promise anew after a training.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        guidelines: GuidelineLibrary,
        in_force: InForce,
        pipeline: Pipeline,
        embedder: Callable[[], SentenceEmbedder],
        certify: Callable[[], Certification],
    ) -> None:
        self._store = store
        self._guidelines = guidelines
        self._in_force = in_force
        self._pipeline = pipeline
        self._embedder = embedder
        self._certify = certify

    async def __call__(
        self,
        ref: str,
        *,
        by: str,
        student: bool = True,
        examples: bool = True,
        wait: float = 0.0,
        progress: Counted | None = None,
    ) -> TrainingReport:
        """Learn anew from the verified labels of a guideline, and prove its promise anew.

        While a certificate is in force, it stays so, and what was learned is put to use only
        together with a certificate that lets at least as much pass.

        Raises: see `learning.training.train`.
        """
        guideline = self._guidelines.get(ref)
        promise = self.promise_for(guideline)

        async def predict(
            documents: Sequence[Document], pool: ExamplePool | None
        ) -> Sequence[Sequence[Prediction]]:
            steps = self._in_force.base_steps(guideline, pool)
            opinions = await self._pipeline.predict(documents, guideline, steps)
            return refuse_stand_ins(opinions, guideline)

        spacy = self._in_force.spacy_of(guideline)
        report = await train(
            guideline,
            store=self._store(),
            predict=predict,
            embedder=self._embedder,
            features=None if spacy is None else partial(spacy.features, guideline=guideline),
            by=by,
            promise=promise,
            student=student,
            examples=examples,
            activate=not self._in_force.holds(guideline),
            wait=wait,
            progress=progress,
        )
        if promise is not None:
            # Whatever happened meanwhile: is it in use, or has it to earn that first?
            in_use = self._in_force.training(guideline) == report.id
            candidate = None if in_use else report.id
            await self._certify()(guideline.ref, promise, training=candidate)
        return report

    def promise_for(self, guideline: Guideline) -> Promise | None:
        """What is promised of a guideline's labels; None where nothing is."""
        return self._in_force.promise(guideline, self._store())

    async def label_errors(self, ref: str) -> list[Suspect]:
        """The verified labels of a guideline, the likeliest wrong first.

        Raises: see `learning.label_errors.label_errors`.
        """
        guideline = self._guidelines.get(ref)
        # Of a choice the sentences alone tell: its labelers need not be loaded.
        spacy = None if guideline.kind == "choice" else self._in_force.spacy_of(guideline)
        return await label_errors(
            guideline,
            self._store().verified(guideline.ref),
            embedder=self._embedder,
            features=None if spacy is None else partial(spacy.features, guideline=guideline),
        )

    async def job(self, id: str, ref: str, argument: str) -> str:
        """A training as a job; see `jobs.Learn`."""
        report = await self(ref, by=argument or id, wait=TAKE_OVER_SECONDS)
        return report.id
