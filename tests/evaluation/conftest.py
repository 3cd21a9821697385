"""A labeler of known mistakes, and the values it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from llmlabel.domain.answer import Answer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import (
    Clause,
    Guideline,
    LabelDefinition,
    LabelerStep,
    Policy,
)
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Outcome, Prediction, Source, Unit

Said = tuple[Answer | None, float, tuple[Unit, ...]]


def make_guideline(
    kind: str = "choice",
    labels: Sequence[str] = ("positive", "negative"),
    *,
    clauses: Sequence[str] = ("T-1", "T-2"),
    threshold: float = 0.8,
) -> Guideline:
    return Guideline(
        name="task",
        version="1.0.0",
        kind=kind,  # type: ignore[arg-type]
        title="Task",
        question="Which?",
        labels=tuple(LabelDefinition(name=name, definition=name) for name in labels),
        labelers=(LabelerStep(name="llm"),),
        policy=Policy(threshold=threshold),
        clauses=tuple(Clause(id=id, text=id) for id in clauses),
        sha256="a" * 64,
    )


def make_label(document: Document, guideline: Guideline, said: Said) -> Label:
    answer, confidence, units = said
    source = Source(labeler="fake", model="fake-1", prompt_tokens=10, cost_usd=0.5, seconds=0.1)
    opinion = (
        Prediction(outcome=Outcome.UNREADABLE, source=source, detail="no JSON")
        if answer is None
        else Prediction(answer=answer, probability=confidence, units=units, source=source)
    )
    accepted = answer is not None and confidence >= guideline.policy.threshold
    return Label(
        document_id=document.id,
        text_sha256=document.text_sha256,
        guideline=guideline.ref,
        guideline_sha256=guideline.sha256,
        answer=answer,
        confidence=None if answer is None else Confidence(value=confidence, method="fake"),
        route=Route.ACCEPTED if accepted else Route.REVIEW,
        reason="sure enough" if accepted else "unreadable" if answer is None else "not sure",
        threshold=guideline.policy.threshold,
        units=units,
        opinions=(opinion,),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


class Scripted:
    """Labels documents as told, by text; remembers the sizes of its batches."""

    def __init__(self, answer: Callable[[str], Said]) -> None:
        self._answer = answer
        self.batches: list[list[str]] = []

    async def __call__(
        self, documents: Sequence[Document], guideline: Guideline
    ) -> Sequence[Label]:
        self.batches.append([document.text for document in documents])
        return [make_label(each, guideline, self._answer(each.text)) for each in documents]


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def guideline() -> Callable[..., Guideline]:
    return make_guideline


@pytest.fixture
def label_of() -> Callable[[Document, Guideline, Said], Label]:
    return make_label
