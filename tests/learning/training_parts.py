"""A small task on a real store: three labels told apart by words, and a model that errs by rule.

As a program, `python training_parts.py URL FOLDER`, it begins a training, says `begun` and then
takes for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold
from llmlabel.domain.guideline import Example, Guideline, LabelDefinition, LabelerStep, Policy
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.review import Filter, Verdict
from llmlabel.embedding import SentenceEmbedder
from llmlabel.labelers.example_pool import ExamplePool, NearestExamples
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.learning.training import train
from llmlabel.learning.training_report import TrainingReport
from llmlabel.llm.protocol import Prompt
from llmlabel.pipeline import Pipeline
from llmlabel.prompts import PromptLibrary
from llmlabel.routing import RawJudge, Routing, Step
from llmlabel.shipped import search_folders
from llmlabel.store import Asker, Store
from llmlabel.testing import FakeChatModel

LABELS = ("food", "travel", "sport")
WORDS = {
    "food": ["soup", "bread", "cheese", "salt", "kitchen", "plate", "sweet", "cook"],
    "travel": ["train", "ticket", "coast", "hotel", "map", "border", "harbour", "flight"],
    "sport": ["match", "goal", "referee", "stadium", "race", "trophy", "team", "sprint"],
}
FILLER = ["the", "a", "we", "saw", "it", "was", "there", "one", "day", "quite", "again"]


def topic(**policy: Any) -> Guideline:
    return Guideline(
        name="topic",
        version="1.0.0",
        kind="choice",
        title="Topic",
        question="What is it about?",
        labels=tuple(LabelDefinition(name=n, definition=" ".join(WORDS[n][:2])) for n in LABELS),
        labelers=(LabelerStep(name="llm"),),
        examples=(Example(id="e1", text="the soup was sweet", label="food"),),
        policy=Policy(threshold=0.8, **policy),
        sha256="0" * 64,
    )


def text_of(label: str, number: int) -> str:
    random = np.random.default_rng(number)
    words = [*random.choice(WORDS[label], 2), *random.choice(FILLER, 4)]
    return " ".join([*random.permutation(words), str(number)])


def rows(n: int, start: int = 0) -> list[tuple[Document, str]]:
    """Documents of all labels in turn, with the right one of each."""
    numbers = range(start, start + n)
    named = [(number, LABELS[number % len(LABELS)]) for number in numbers]
    return [(Document.of_text(text_of(label, number)), label) for number, label in named]


class WordEmbedder:
    """Unit vectors of hashed words: near where texts share words."""

    dimensions = 512

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.full((len(texts), self.dimensions), 1e-3, np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"[a-z]+", text.lower()):
                digest = hashlib.sha256(word.encode()).digest()
                vectors[row, int.from_bytes(digest[:2], "big") % self.dimensions] += 1
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def answer_by_rule(prompt: Prompt, labels: Sequence[str]) -> dict[str, float]:
    """Right on about two thirds of the texts, and hardly surer there."""
    text = prompt.messages[-1].content
    random = np.random.default_rng(hashlib.sha256(text.encode()).digest()[0])
    right = next((n for n in labels if set(WORDS[n]) & set(re.findall("[a-z]+", text))), labels[0])
    said = (
        right if random.random() < 0.67 else str(random.choice([n for n in labels if n != right]))
    )
    return {name: 5 + random.random() if name == said else 1.0 for name in labels}


class World:
    """A guideline on a store, and the fake model that labels under it."""

    def __init__(self, store: Store, guideline: Guideline | None = None) -> None:
        self.store = store
        self.guideline = guideline or topic()
        self.model = FakeChatModel(answer_by_rule)
        prompt = PromptLibrary(search_folders("prompts")).get("choice@1.0.0")
        self.steps = (Step(LlmChoice(self.model, prompt)),)
        self.embedder = cast(SentenceEmbedder, WordEmbedder())
        self.pipeline = Pipeline(lambda guideline: Routing(self.steps, RawJudge()))

    async def train(self, by: str = "a test", **given: Any) -> TrainingReport:
        guideline = given.pop("guideline", self.guideline)

        async def predict(
            documents: Sequence[Document], pool: ExamplePool | None
        ) -> Sequence[Sequence[Prediction]]:
            steps = self.steps
            if pool is not None:
                [step] = steps
                assert isinstance(step.labeler, LlmChoice)
                steps = (Step(step.labeler.with_nearest(NearestExamples(pool, self.embedder))),)
            return await self.pipeline.predict(documents, guideline, steps)

        return await train(
            guideline,
            store=self.store,
            predict=predict,
            embedder=lambda: self.embedder,
            by=by,
            **given,
        )

    def gold(self, n: int, start: int = 0) -> list[tuple[Document, str]]:
        made = rows(n, start)
        self.store.gold.add(
            [NewGold(document=d, answer=ChoiceAnswer(label=label)) for d, label in made],
            self.guideline.ref,
        )
        return made

    async def verdicts(
        self, n: int, start: int, route: Route = Route.REVIEW, mistaken: int = 0, **label: Any
    ) -> list[str]:
        """Label documents and have people decide all that waits; returns the reviews.

        They give the first `mistaken` documents the label after the right one.
        """
        made = rows(n, start)
        documents = [document for document, _ in made]
        self.store.documents.add(documents, [self.guideline.ref])
        opinions = await self.pipeline.predict(documents, self.guideline, self.steps)
        self.store.labels.save(
            [
                self._label(d, said, route, label)
                for d, said in zip(documents, opinions, strict=True)
            ]
        )
        given = {document.text: right for document, right in made}
        for text in list(given)[:mistaken]:
            given[text] = LABELS[(LABELS.index(given[text]) + 1) % len(LABELS)]
        return self.decide(given)

    def decide(self, right: dict[str, str], reviewer: str = "maria") -> list[str]:
        decided = []
        while True:
            asker = Asker(reviewer, None, timedelta(hours=1))
            where = Filter(guideline=self.guideline.ref)
            _, new = self.store.reviews.leases.take(asker, 1, where)
            if not new:
                return decided
            item = new[0]
            answer = ChoiceAnswer(label=right[item.document.text])
            proposed = item.label.label
            verdict = Verdict(
                review_id=item.id,
                reviewer=reviewer,
                kind="confirm" if proposed.answer == answer else "correct",
                answer=answer,
                created_at=self.store.database.clock(),
            )
            update = {"answer": answer, "verified": True, "route": Route.ACCEPTED}
            made = proposed.model_copy(update=update)
            self.store.reviews.verdicts.decide(item, item.token, verdict, lambda _, made=made: made)
            decided.append(item.id)

    def _label(
        self, document: Document, said: list[Prediction], route: Route, more: dict[str, Any]
    ) -> Label:
        fields: dict[str, Any] = {
            "document_id": document.id,
            "text_sha256": document.text_sha256,
            "guideline": self.guideline.ref,
            "guideline_sha256": self.guideline.sha256,
            "answer": said[0].answer,
            "confidence": None,
            "route": route,
            "reason": "-",
            "threshold": 0.8,
            "opinions": tuple(said),
            "created_at": self.store.database.clock(),
        }
        return Label(**fields | more)


class Stuck(FakeChatModel):
    """A model that says that it was asked, and never answers."""

    async def score(self, prompts: Any, candidates: Any) -> Any:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
        await asyncio.sleep(600)


def main() -> None:
    url, folder = sys.argv[1:]
    world = World(Store.open(url, recordings=Path(folder) / "recordings"))
    prompt = PromptLibrary(search_folders("prompts")).get("choice@1.0.0")
    world.steps = (Step(LlmChoice(Stuck(), prompt)),)
    asyncio.run(world.train(by="a process that dies"))


if __name__ == "__main__":
    main()
