"""One batch of documents under one guideline, start to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction
from llmlabel.errors import EmptyText
from llmlabel.labelers.ensemble import combine
from llmlabel.routing import Routing, Step
from llmlabel.telemetry import stage

RoutingFor = Callable[[Guideline], Routing]

SHOWN_SCORES = 9
"""So many probabilities of a choice are kept with its label: one per number key."""


class Pipeline:
    """Asks the labelers of a guideline in turn and turns what they say into labels.

    Args:
        routing_for: Gives the labelers, the calibrator and the threshold in force for a
            guideline; asked once per batch, so that a batch is labeled by one version of all.
        now: The clock, in UTC.
    """

    def __init__(
        self,
        routing_for: RoutingFor,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._routing_for = routing_for
        self._now = now

    async def label(self, documents: Sequence[Document], guideline: Guideline) -> list[Label]:
        """Label a batch.

        Returns:
            One label per document, in order. A document that no labeler could answer has a
            label without an answer, on its way to review.

        Raises:
            MissingModel: A labeler's weights are not on this machine.
            ModelUnauthorized: A provider does not accept the key.
            EmptyText: A document holds nothing to label, such as a recording without speech.
        """
        if guideline.kind != "transcript":
            for document in documents:
                if not document.text.strip():
                    raise EmptyText(
                        f"The document {document.id} holds no words to label under "
                        f"{guideline.ref}.",
                        field="text",
                    )
        if not documents:
            return []
        routing = self._routing_for(guideline)
        opinions = await self.predict(documents, guideline, routing.steps)
        return self.decide(documents, guideline, opinions, routing)

    async def predict(
        self, documents: Sequence[Document], guideline: Guideline, steps: Sequence[Step]
    ) -> list[list[Prediction]]:
        """What each labeler of the cascade says; a later one is asked only where it matters."""
        opinions: list[list[Prediction]] = [[] for _ in documents]
        for step in steps:
            asked = [
                index
                for index, document in enumerate(documents)
                if _is_asked(step, document, guideline, opinions[index])
            ]
            if not asked:
                continue
            name = f"labeler:{step.labeler.name}"
            with stage(name, len(asked), guideline.ref):
                said = await step.labeler.predict(
                    [documents[i] for i in asked], guideline, [tuple(opinions[i]) for i in asked]
                )
            for index, prediction in zip(asked, said, strict=True):
                opinions[index].append(prediction)
        return opinions

    def decide(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        opinions: Sequence[Sequence[Prediction]],
        routing: Routing,
    ) -> list[Label]:
        """Combine the opinions on each document, state the confidence and choose the route."""
        labels = []
        with stage("judge", len(documents), guideline.ref):
            judged = routing.judge.judge(documents, guideline, opinions)
        for document, said, judgement in zip(documents, opinions, judged, strict=True):
            label = Label(
                document_id=document.id,
                text_sha256=document.text_sha256,
                guideline=guideline.ref,
                guideline_sha256=guideline.sha256,
                answer=judgement.combined.answer,
                confidence=judgement.confidence,
                route=Route.REVIEW,
                reason="",
                threshold=guideline.policy.threshold,
                scores=_best(judgement.combined.scores),
                units=judgement.combined.units,
                opinions=tuple(said),
                created_at=self._now(),
            )
            labels.append(routing.route(label, judgement, guideline))
        return labels


def _best(scores: Mapping[str, float]) -> dict[str, float]:
    ranked = sorted(scores.items(), key=lambda pair: -pair[1])[:SHOWN_SCORES]
    return {label: round(share, 4) for label, share in ranked}


def _is_asked(
    step: Step, document: Document, guideline: Guideline, said: Sequence[Prediction]
) -> bool:
    if step.doubt is None or not said:
        return True
    so_far = combine(document, guideline, said)
    return so_far.probability is None or so_far.probability < step.doubt
