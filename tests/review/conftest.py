from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from told_clock import Clock

from llmlabel.domain.answer import Answer, ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline, LabelDefinition, LabelerStep, Policy
from llmlabel.domain.label import Label, Route
from llmlabel.errors import UnknownGuideline
from llmlabel.review import ReviewQueue
from llmlabel.store import ReviewItem, Store

LABELS = {
    "sentiment": ("choice", ("positive", "negative")),
    "ner": ("spans", ("PERSON", "PLACE")),
    "pos": ("tokens", ("NOUN", "VERB")),
    "transcription": ("transcript", ()),
}


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
def queue(store: Store, clock: Clock) -> ReviewQueue:
    return ReviewQueue(store, guideline, lease_seconds=300)


@pytest.fixture
def accept(ask: Callable[..., None]) -> Callable[..., None]:
    """Has documents accepted without a person, drawn for an audit or not."""

    def put(*ids: str, drawn: bool = False, certificate: str | None = "c-1", **more: Any) -> None:
        changes = {"route": Route.ACCEPTED, "audit_rate": 0.05, "drawn": drawn}
        for id in ids:
            of_its_own = {"text": f"Anna likes Rome, says {id}"}
            ask(id, certificate=certificate, **of_its_own | changes | more)

    return put


@pytest.fixture
def decide(store: Store, queue: ReviewQueue) -> Callable[..., ReviewItem]:
    """Takes the open review of a document and decides it."""

    def give(id: str, answer: Answer | None, reviewer: str = "ann", **more: Any) -> ReviewItem:
        item = next(
            each
            for each in store.reviews.page(limit=100, status="open").items
            if each.document.id == id
        )
        leased: ReviewItem | None = item
        if item.leased_by != reviewer:
            while (leased := queue.next(reviewer)) is not None and leased.id != item.id:
                pass
        assert leased is not None
        for other in store.reviews.page(limit=100, status="open").items:
            if other.id != item.id and other.leased_by == reviewer:
                queue.release(other.id, other.token, reviewer)
        kind = more.pop("kind", "reject" if answer is None else "correct")
        return queue.verdict(
            item.id, token=leased.token, kind=kind, reviewer=reviewer, answer=answer, **more
        )

    return give


@pytest.fixture
def ask(store: Store) -> Callable[..., None]:
    """Puts documents into the review queue, in the order given."""

    def put(
        *ids: str,
        name: str = "sentiment",
        text: str = "Anna likes Rome",
        answer: Answer | None = ChoiceAnswer(label="positive"),  # noqa: B008
        run: int = 1,
        **changes: Any,
    ) -> None:
        ref = f"{name}@1.0.0"
        for id in ids:
            document = Document.of_text(text, id=id)
            store.documents.add([document], [ref])
            label = Label(
                document_id=id,
                text_sha256=document.text_sha256,
                guideline=ref,
                guideline_sha256="0" * 64,
                answer=answer,
                confidence=Confidence(value=0.5, method="label_path") if answer else None,
                route=Route.REVIEW,
                reason="0.5 is below the threshold 0.8.",
                threshold=0.8,
                created_at=store.database.clock(),
            )
            store.labels.save([label.model_copy(update=changes)], run)

    return put


@pytest.fixture
def relabel(store: Store) -> Callable[[str], None]:
    """Has people look at the label of a document again."""

    def put(id: str) -> None:
        (stored,) = store.documents.get(id).labels
        assert store.audits.requeue([stored.id], "relabel", "Somebody asked.") == 1

    return put
