"""One batch of documents under one guideline, start to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from llmlabel.confidence.calibrator import Calibrator
from llmlabel.confidence.gate import gate
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline, LabelerStep
from llmlabel.domain.label import Label
from llmlabel.domain.prediction import Outcome, Prediction
from llmlabel.errors import EmptyText
from llmlabel.labelers.ensemble import combine
from llmlabel.labelers.protocol import Labeler

LabelerFor = Callable[[LabelerStep, Guideline], Labeler]


class Pipeline:
    """Asks the labelers of a guideline in turn and turns what they say into labels.

    Args:
        labeler_for: Gives the labeler of a step of the cascade (built once, then kept).
        calibrator: Turns evidence into a confidence.
        now: The clock, in UTC.
    """

    def __init__(
        self,
        labeler_for: LabelerFor,
        calibrator: Calibrator,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._labeler_for = labeler_for
        self._calibrator = calibrator
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
        opinions = await self.predict(documents, guideline)
        return [
            self.decide(document, guideline, said)
            for document, said in zip(documents, opinions, strict=True)
        ]

    async def predict(
        self, documents: Sequence[Document], guideline: Guideline
    ) -> list[list[Prediction]]:
        """What each labeler of the cascade says; a later one is asked only where it matters."""
        opinions: list[list[Prediction]] = [[] for _ in documents]
        for step in guideline.labelers:
            asked = [
                index
                for index, document in enumerate(documents)
                if _is_asked(step, document, guideline, opinions[index])
            ]
            if not asked:
                continue
            labeler = self._labeler_for(step, guideline)
            said = await labeler.predict(
                [documents[i] for i in asked], guideline, [tuple(opinions[i]) for i in asked]
            )
            for index, prediction in zip(asked, said, strict=True):
                opinions[index].append(prediction)
        return opinions

    def decide(
        self, document: Document, guideline: Guideline, opinions: Sequence[Prediction]
    ) -> Label:
        """Combine the opinions on one document, state the confidence and choose the route."""
        combined = combine(document, guideline, opinions)
        confidence = (
            self._calibrator.confidence(combined, guideline)
            if combined.outcome is Outcome.ANSWERED
            else None
        )
        route, reason = gate(combined, confidence, guideline.policy)
        return Label(
            document_id=document.id,
            text_sha256=document.text_sha256,
            guideline=guideline.ref,
            guideline_sha256=guideline.sha256,
            answer=combined.answer,
            confidence=confidence,
            route=route,
            reason=reason,
            threshold=guideline.policy.threshold,
            units=combined.units,
            opinions=tuple(opinions),
            created_at=self._now(),
        )


def _is_asked(
    step: LabelerStep, document: Document, guideline: Guideline, said: Sequence[Prediction]
) -> bool:
    if step.when == "always" or not said:
        return True
    so_far = combine(document, guideline, said)
    return so_far.probability is None or so_far.probability < step.doubt
