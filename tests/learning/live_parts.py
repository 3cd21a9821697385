"""A small labeled world on a real store: documents, a pipeline that errs on purpose, verdicts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from llmlabel.domain.answer import Answer, ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold, draw, part_of
from llmlabel.domain.guideline import Guideline, LabelDefinition, LabelerStep, Policy
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.domain.review import Filter, Verdict
from llmlabel.learning.certify import certify
from llmlabel.learning.speak import Spoken
from llmlabel.routing import Judged
from llmlabel.store import Asker, Store

DELIVERED = Promise(error=0.05, probability=0.95)
ACCEPTED = Promise(kind="accepted", error=0.1, probability=0.9)
GOOD, BAD = ChoiceAnswer(label="good"), ChoiceAnswer(label="bad")


class Clock:
    """Tells the time it is told."""

    def __init__(self, time: datetime = datetime(2026, 5, 4, 9, tzinfo=UTC)) -> None:
        self.time = time

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


def a_guideline(**policy: object) -> Guideline:
    return Guideline(
        name="mood",
        version="1.0.0",
        kind="choice",
        title="Mood",
        question="?",
        labels=tuple(LabelDefinition(name=name, definition="-") for name in ("good", "bad")),
        labelers=(LabelerStep(name="llm"),),
        policy=Policy(threshold=0.8, **policy),  # type: ignore[arg-type]
        sha256="0" * 64,
    )


class World:
    """Documents whose right answer is known, and a pipeline with a known rate of errors.

    The confidence of a document is a number between 0 and 1; the answer is right with the
    probability that `right(confidence)` gives.
    """

    def __init__(self, store: Store, guideline: Guideline | None = None, seed: int = 7) -> None:
        self.store = store
        self.guideline = guideline or a_guideline()
        self.identity: dict[str, JsonValue] = {"guideline": self.guideline.sha256, "training": None}
        self.random = random.Random(seed)
        self.made = 0
        self.spoken = 0
        self.confidence: dict[str, float | None] = {}
        self.truth: dict[str, Answer | None] = {}
        self.said: dict[str, Answer | None] = {}

    def documents(
        self, n: int, *, confidence: float | None = None, wrong: float | None = None
    ) -> list[Document]:
        """New documents; without a rate of errors, the confidence means what it says."""
        made = []
        for _ in range(n):
            self.made += 1
            document = Document.of_text(f"text {self.made}", id=f"d{self.made}")
            sure = self.random.betavariate(8, 1) if confidence is None else confidence
            truth = self.random.choice((GOOD, BAD))
            errs = self.random.random() < (1 - sure if wrong is None else wrong)
            self.confidence[document.text] = sure
            self.truth[document.text] = truth
            self.said[document.text] = (BAD if truth is GOOD else GOOD) if errs else truth
            made.append(document)
        return made

    def gold(self, n: int, **how: float) -> list[Document]:
        """Documents with imported gold, all of the part that certifies."""
        found: list[Document] = []
        while len(found) < n:
            some = self.documents(n, **how)
            found += [each for each in some if part_of(each.text_sha256) == "certify"]
        found = found[:n]
        self.store.gold.add(
            [NewGold(document=each, answer=self.truth[each.text]) for each in found],
            self.guideline.ref,
        )
        return found

    async def speak(self, documents: Sequence[Document]) -> list[Spoken]:
        self.spoken += len(documents)
        return [self.say(document) for document in documents]

    def say(self, document: Document) -> Spoken:
        said, sure = self.said[document.text], self.confidence[document.text]
        source = Source(labeler="llm", model="fake")
        if said is None:
            opinion = Prediction(outcome=Outcome.REFUSED, source=source)
            return Spoken(Judged(opinion, None), (opinion,))
        opinion = Prediction(answer=said, probability=sure, method="fake", source=source)
        confidence = Confidence(value=sure or 0.0, method="fake")
        return Spoken(Judged(opinion, confidence), (opinion,))

    async def certify(self, promise: Promise = DELIVERED, **given: object) -> Certificate:
        return await certify(
            self.store,
            self.guideline,
            self.speak,
            identity=self.identity,
            promise=promise,
            **given,  # type: ignore[arg-type]
        )

    def deliver(
        self, n: int, certificate: Certificate, rate: float = 0.2, **how: float
    ) -> list[Label]:
        """Label new documents under a certificate and store them, as the pipeline would."""
        documents = self.documents(n, **how)
        self.store.documents.add(documents, [self.guideline.ref])
        labels = [self.label(document, certificate, rate) for document in documents]
        self.store.labels.save(labels)
        return labels

    def label(self, document: Document, certificate: Certificate, rate: float) -> Label:
        spoken = self.say(document)
        threshold = certificate.threshold
        assert threshold is not None
        accepted = spoken.confidence is not None and spoken.confidence >= threshold
        return Label(
            document_id=document.id,
            text_sha256=document.text_sha256,
            guideline=self.guideline.ref,
            guideline_sha256=self.guideline.sha256,
            answer=spoken.judged.combined.answer,
            confidence=spoken.judged.confidence,
            route=Route.ACCEPTED if accepted else Route.REVIEW,
            reason="-",
            threshold=threshold,
            promise=certificate.promise,
            certificate=certificate.id,
            audit_rate=rate,
            drawn=draw("seed", self.guideline.ref, document.text_sha256) < rate,
            opinions=spoken.opinions,
            created_at=self.store.database.clock(),
        )

    def review(self, limit: int = 10_000, reviewer: str = "maria") -> list[str]:
        """Decide what waits, rightly; returns the ids of the reviews."""
        decided = []
        while len(decided) < limit:
            asker = Asker(reviewer, None, timedelta(hours=1))
            where = Filter(guideline=self.guideline.ref)
            _, new = self.store.reviews.leases.take(asker, 1, where)
            if not new:
                break
            item = new[0]
            right = self.truth[item.document.text]
            proposed = item.label.label
            kind = (
                "reject" if right is None else "confirm" if right == proposed.answer else "correct"
            )
            verdict = Verdict(
                review_id=item.id,
                reviewer=reviewer,
                kind=kind,  # type: ignore[arg-type]
                answer=right,
                created_at=self.store.database.clock(),
            )
            label = proposed.model_copy(
                update={
                    "answer": right,
                    "verified": True,
                    "route": Route.REVIEW if right is None else Route.ACCEPTED,
                }
            )
            self.store.reviews.verdicts.decide(
                item, item.token, verdict, lambda _, made=label: made
            )
            decided.append(item.id)
        return decided
