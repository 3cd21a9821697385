"""What the pipeline in force says of documents, before any gate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.errors import ModelUnreachable
from llmlabel.pipeline import Pipeline
from llmlabel.routing import Judged, Routing

NOVELTY_EVIDENCE = "nearest_similarity"
"""Evidence of the student: cosine of a document to the nearest verified one it learned from."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One answer with its confidence, and the opinions it was made of."""

    judged: Judged
    opinions: tuple[Prediction, ...]

    @property
    def confidence(self) -> float | None:
        """The probability that the answer is right; None where there is no answer."""
        return None if self.judged.confidence is None else self.judged.confidence.value


Speak = Callable[[Sequence[Document]], Awaitable[Sequence[Spoken]]]
"""Answers a batch of documents, one each, in order."""


def speaker(pipeline: Pipeline, guideline: Guideline, routing: Routing) -> Speak:
    """A function that answers with the labelers and the judge of a routing."""

    async def speak(documents: Sequence[Document]) -> list[Spoken]:
        opinions = refuse_stand_ins(
            await pipeline.predict(documents, guideline, routing.steps), guideline
        )
        judged = routing.judge.judge(documents, guideline, opinions)
        return [
            Spoken(judgement, tuple(said)) for judgement, said in zip(judged, opinions, strict=True)
        ]

    return speak


Opinions = TypeVar("Opinions", bound=Sequence[Sequence[Prediction]])


def refuse_stand_ins(opinions: Opinions, guideline: Guideline) -> Opinions:
    """The opinions, where each is of the model that was asked for: a fallback proves nothing.

    Raises:
        ModelUnreachable: A fallback answered.
    """
    for said in opinions:
        for opinion in said:
            if opinion.source.fallback_for is not None:
                raise ModelUnreachable(
                    f"{opinion.source.fallback_for} could not be reached, and what "
                    f"{opinion.source.model} answers in its place proves nothing of it; train or "
                    f"certify {guideline.ref} again when it answers."
                )
    return opinions


def similarity(opinions: Sequence[Prediction]) -> float | None:
    """How near a document is to what was learned from, where a labeler says so."""
    for opinion in opinions:
        if NOVELTY_EVIDENCE in opinion.evidence:
            return opinion.evidence[NOVELTY_EVIDENCE]
    return None
