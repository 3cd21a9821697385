"""Labels as a pipeline makes them, for tests in which nothing is labeled in earnest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from llmlabel.domain.answer import Answer, ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction, Source

POSITIVE = ChoiceAnswer(label="positive")


def made_label(
    document: Document,
    ref: str,
    answer: Answer = POSITIVE,
    *,
    doubtful: bool,
    value: float | None = None,
    model: str = "none",
    guideline_sha256: str = "0" * 64,
    others: Sequence[Prediction] = (),
) -> Label:
    """A label of one opinion and perhaps others; a doubtful one goes to review."""
    if value is None:
        value = 0.4 if doubtful else 0.9
    opinion = Prediction(
        answer=answer,
        probability=value,
        method="label_path",
        source=Source(labeler="llm", model=model),
    )
    return Label(
        document_id=document.id,
        text_sha256=document.text_sha256,
        guideline=ref,
        guideline_sha256=guideline_sha256,
        answer=answer,
        confidence=Confidence(value=value, method="label_path"),
        route=Route.REVIEW if doubtful else Route.ACCEPTED,
        reason=f"The confidence is {value}.",
        threshold=0.8,
        opinions=(opinion, *others),
        created_at=datetime.now(UTC),
    )
