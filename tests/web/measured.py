"""A guideline with a past: gold, a certificate, days of labels, audits, panels, flags."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from seeded import said

from llmlabel.domain.answer import Answer, ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold, draw, panel_draw, part_of
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.domain.review import Filter
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.learning.certify import certify
from llmlabel.learning.losses import loss_of
from llmlabel.learning.speak import Spoken
from llmlabel.review import ReviewQueue, people
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.routing import Judged
from llmlabel.store import ReviewItem, Store

LABELS = ("refund", "delivery", "order_status", "complaint", "praise")
NEAR = {"refund": "complaint", "complaint": "refund", "delivery": "order_status"}
"""What each is mostly taken for by mistake."""

PROMISE = Promise(kind="delivered", error=0.1, probability=0.9)
PER_DAY = 70
REVIEWERS = {"ann": (0.03, 5.0), "ben": (0.12, 9.0), "chloé": (0.06, 3.5)}
"""How often each errs, and about how many seconds they take."""

GUIDELINE = """---
name: requests
version: 1.0.0
kind: choice
title: Requests
question: What does the customer want?
labels:
{labels}
labelers:
  - name: llm
prompt: choice@1.0.0
policy:
  threshold: 0.9
  audit: 0.4
  benchmarks: 0.3
  panel: {{share: 0.5, reviewers: 2}}
  promise: {{kind: delivered, error: 0.1, probability: 0.9}}
---

# Requests

What the customer wants first.

## Clauses

- **REQ-1**: Anger about a late parcel is a complaint only where nothing is asked for.
"""


def guideline_file(folder: Path) -> None:
    """Write the guideline `requests` among others."""
    file = folder / "requests" / "1.0.0.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    labels = "\n".join(f"  - name: {name}\n    definition: it is about {name}" for name in LABELS)
    file.write_text(GUIDELINE.format(labels=labels), "utf-8")


def with_a_past(store: Store, guidelines: GuidelineLibrary, *, days: int = 5) -> None:
    """What `days` days of work left: under `requests` a certificate, under `wares` none."""
    requests, wares = guidelines.get("requests"), guidelines.get("wares")
    clock, now = store.database.clock, datetime.now(UTC)
    try:
        Past(store, guidelines.get, requests, now, LABELS).under_a_promise(days)
        names = requests_of_wares(wares)
        Past(store, guidelines.get, wares, now, names).by_a_threshold()
    finally:
        store.database.clock = clock


def requests_of_wares(wares: Guideline) -> Sequence[str]:
    """Some of the 150 labels: too many for a table, few enough to be mistaken for each other."""
    return wares.label_names[::5]


class Past:
    """Documents whose right answer is known, a pipeline and reviewers that err by chance."""

    def __init__(
        self,
        store: Store,
        guideline_of: Callable[[str], Guideline],
        guideline: Guideline,
        now: datetime,
        labels: Sequence[str],
    ) -> None:
        self.store, self.guideline, self.labels = store, guideline, labels
        self.chance = random.Random(guideline.name)
        self.time = self.now = now
        self.made = 0
        self.truth: dict[str, str] = {}
        self.said: dict[str, tuple[str, float]] = {}
        store.database.clock = self.tick
        hidden = BenchmarkQueue(store, guideline_of, loss_of, 300, self.chance.random)
        self.queue = ReviewQueue(store, guideline_of, benchmarks=hidden)

    def tick(self) -> datetime:
        self.time += timedelta(milliseconds=5)
        return self.time

    def under_a_promise(self, days: int) -> None:
        self.time = self.now - timedelta(days=days, minutes=5)
        found: list[Document] = []
        while len(found) < 300:
            found += [each for each in self.documents(50) if part_of(each.text_sha256) == "certify"]
        gold = [
            NewGold(document=each, answer=ChoiceAnswer(label=self.truth[each.text]))
            for each in found
        ]
        self.store.gold.add(gold, self.guideline.ref)
        with ThreadPoolExecutor(1) as aside:  # a browser test has a loop running in its thread
            certificate = aside.submit(asyncio.run, self._certified()).result()
        assert certificate.threshold is not None, certificate.reason
        for day in range(days):
            self.time = self.now - timedelta(days=days - 1 - day, minutes=4)
            last = day == days - 1
            self.deliver(self.documents(PER_DAY, late=last), certificate)
            self.review(60 if not last else 25)
        self.adjudicate()
        self.flag()

    def by_a_threshold(self) -> None:
        self.time = self.now - timedelta(hours=2)
        self.deliver(self.documents(160), None)
        self.review(120)

    def documents(self, n: int, *, late: bool = False) -> list[Document]:
        made = []
        for _ in range(n):
            self.made += 1
            text = f"{self.guideline.title}, letter {self.made}: please help me with my order."
            right = self.chance.choice(self.labels[:2] if late else self.labels)
            sure = self.chance.betavariate(4, 2) if late else self.chance.betavariate(9, 1.2)
            wrong = self.chance.random() < (1 - sure) * 0.9
            self.truth[text] = right
            self.said[text] = (self.mistaken(right) if wrong else right, sure)
            made.append(Document.of_text(text, id=f"letter-{self.guideline.name}-{self.made}"))
        return made

    def mistaken(self, right: str) -> str:
        if right in NEAR and self.chance.random() < 0.7:
            return NEAR[right]
        at = self.labels.index(right)
        return self.labels[(at + self.chance.choice((1, 1, 1, 2))) % len(self.labels)]

    def deliver(self, documents: Sequence[Document], certificate: Certificate | None) -> None:
        ref = self.guideline.ref
        self.store.documents.add(documents, [ref])
        self.store.labels.save([self.label(each, certificate) for each in documents])

    def label(self, document: Document, certificate: Certificate | None) -> Label:
        answer, sure = self.said[document.text]
        task, policy = self.guideline, self.guideline.policy
        threshold = policy.threshold if certificate is None else certificate.threshold
        assert threshold is not None
        rate = policy.audit if certificate else 0.9
        panel = policy.panel
        several = panel and panel_draw("seed", task.ref, document.text_sha256) < panel.share
        return Label(
            document_id=document.id,
            text_sha256=document.text_sha256,
            guideline=task.ref,
            guideline_sha256=task.sha256,
            answer=ChoiceAnswer(label=answer),
            confidence=Confidence(value=sure, method="label_path"),
            route=Route.ACCEPTED if sure >= threshold else Route.REVIEW,
            reason=f"Its confidence is {sure:.2f}.",
            threshold=threshold,
            promise=certificate and certificate.promise,
            certificate=certificate and certificate.id,
            audit_rate=rate,
            drawn=draw("seed", task.ref, document.text_sha256) < rate,
            reviewers=panel.reviewers if panel and several else 1,
            scores={answer: sure},
            opinions=(said(ChoiceAnswer(label=answer), sure, "llm", "fake"),),
            created_at=self.tick(),
        )

    def review(self, n: int) -> None:
        where = Filter(guideline=self.guideline.ref)
        for turn in range(n):
            who = list(REVIEWERS)[turn % len(REVIEWERS)]
            for item in self.queue.take(who, 1, where):
                self.decide(item, who)

    def adjudicate(self) -> None:
        where = Filter(guideline=self.guideline.ref, queue="adjudication")
        for item in self.queue.take("dora", 3, where):
            self.decide(item, "dora")

    def decide(self, item: ReviewItem, who: str) -> None:
        errs, pace = REVIEWERS.get(who, (0.0, 20.0))
        right = self.truth[item.document.text]
        answer: Answer = ChoiceAnswer(
            label=self.mistaken(right) if self.chance.random() < errs else right
        )
        seen = not item.hidden and answer == item.label.label.answer
        self.queue.verdict(
            item.id,
            token=item.token,
            kind="confirm" if seen else "correct",
            reviewer=who,
            answer=None if seen else answer,
            seconds=round(pace * self.chance.lognormvariate(0, 0.4), 1),
        )

    def flag(self) -> None:
        [item] = self.queue.take("ann", 1, Filter(guideline=self.guideline.ref))
        remarks = [
            ("ben", "Late parcels where the customer asks for the money back: refund?", "REQ-1"),
            ("ann", "What of letters that only say thank you and ask nothing?", None),
        ]
        for who, comment, clause in remarks:
            people.flag(
                self.store, item, self.guideline, reviewer=who, comment=comment, clause=clause
            )
        self.queue.release(item.id, item.token, "ann")

    async def _certified(self) -> Certificate:
        async def speak(documents: Sequence[Document]) -> list[Spoken]:
            return [self.speak(each) for each in documents]

        return await certify(
            self.store,
            self.guideline,
            speak,
            identity={"labelers": ["fake"]},
            promise=PROMISE,
            id="c-requests",
        )

    def speak(self, document: Document) -> Spoken:
        answer, sure = self.said[document.text]
        opinion = said(ChoiceAnswer(label=answer), sure, "llm", "fake")
        return Spoken(Judged(opinion, Confidence(value=sure, method="label_path")), (opinion,))
