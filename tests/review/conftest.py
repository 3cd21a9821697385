from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from llmlabel.domain.answer import Answer, ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline, LabelDefinition, LabelerStep, Policy
from llmlabel.domain.label import Label, Route
from llmlabel.errors import UnknownGuideline
from llmlabel.review import ReviewQueue
from llmlabel.store import Store

LABELS = {
    "sentiment": ("choice", ("positive", "negative")),
    "ner": ("spans", ("PERSON", "PLACE")),
    "pos": ("tokens", ("NOUN", "VERB")),
    "transcription": ("transcript", ()),
}


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def guideline(ref: str) -> Guideline:
    name = ref.partition("@")[0]
    if name not in LABELS:
        raise UnknownGuideline(ref)
    kind, labels = LABELS[name]
    return Guideline(
        name=name,
        version="1.0.0",
        kind=kind,  # type: ignore[arg-type]
        title=name,
        question="?",
        labels=tuple(LabelDefinition(name=label, definition="-") for label in labels),
        labelers=(LabelerStep(name="llm"),),
        policy=Policy(threshold=0.8),
        sha256="0" * 64,
    )


@pytest.fixture(name="guideline")
def _guideline() -> Callable[[str], Guideline]:
    return guideline


@pytest.fixture
def clock(store: Store) -> Clock:
    clock = Clock()
    store.database.clock = clock
    return clock


@pytest.fixture
def queue(store: Store, clock: Clock) -> ReviewQueue:
    return ReviewQueue(store, guideline, lease_seconds=300)


@pytest.fixture
def ask(store: Store) -> Callable[..., None]:
    """Puts documents into the review queue, in the order given."""

    def put(
        *ids: str,
        name: str = "sentiment",
        text: str = "Anna likes Rome",
        answer: Answer | None = ChoiceAnswer(label="positive"),  # noqa: B008
    ) -> None:
        ref = f"{name}@1.0.0"
        for id in ids:
            document = Document.of_text(text, id=id)
            store.documents.add([document], [ref])
            store.labels.save(
                [
                    Label(
                        document_id=id,
                        text_sha256=document.text_sha256,
                        guideline=ref,
                        guideline_sha256="0" * 64,
                        answer=answer,
                        confidence=Confidence(value=0.5, method="label_path") if answer else None,
                        route=Route.REVIEW,
                        reason="0.5 is below the threshold 0.8.",
                        threshold=0.8,
                        created_at=datetime.now(UTC),
                    )
                ]
            )

    return put
