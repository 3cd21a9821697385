"""Labels that take no time, where the service around them is measured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.jobs import Transcription


async def at_once(documents: Sequence[Document], guideline: str) -> Sequence[Label]:
    """Label without looking; every tenth goes to review."""
    answer = ChoiceAnswer(label="positive")
    opinion = Prediction(
        answer=answer,
        probability=0.9,
        method="label_path",
        scores={"positive": 0.9, "negative": 0.1},
        source=Source(labeler="llm", model="none"),
    )
    return [
        Label(
            document_id=document.id,
            text_sha256=document.text_sha256,
            guideline=guideline,
            guideline_sha256="0" * 64,
            answer=answer,
            confidence=Confidence(value=0.9, method="label_path"),
            route=Route.REVIEW if document.id.endswith("0") else Route.ACCEPTED,
            reason="measured",
            threshold=0.8,
            opinions=(opinion,),
            created_at=datetime.now(UTC),
        )
        for document in documents
    ]


async def nobody(path: Path, language: str | None) -> Transcription:
    """No recording is sent here."""
    raise AssertionError(path)
