from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Outcome, Prediction, Source

SENTIMENT = "sentiment@1.0.0"


@pytest.fixture
def label_of() -> Callable[..., Label]:
    """Makes a label of a document, as the pipeline would."""

    def make(document: Document, route: Route = Route.ACCEPTED, **changes: Any) -> Label:
        answer = ChoiceAnswer(label="positive")
        opinions = (
            Prediction(
                answer=answer,
                probability=0.75,
                method="label_path",
                evidence={"margin": 0.1 + 0.2},
                scores={"positive": 0.75, "negative": 0.25},
                source=Source(
                    labeler="llm", model="m", prompt="choice@1.0.0", examples=("SENT-E1",)
                ),
            ),
            Prediction(
                outcome=Outcome.UNREADABLE,
                source=Source(labeler="llm", model="other"),
                detail="The reply was not a label.",
            ),
        )
        fields: dict[str, Any] = {
            "document_id": document.id,
            "text_sha256": document.text_sha256,
            "guideline": SENTIMENT,
            "guideline_sha256": "0" * 64,
            "answer": answer,
            "confidence": Confidence(value=0.75, method="label_path"),
            "route": route,
            "reason": "0.75 is below the threshold 0.8.",
            "threshold": 0.8,
            "opinions": opinions,
            "created_at": datetime.now(UTC),
        }
        return Label(**fields | changes)

    return make
