"""A service that trains as a durable job: python training_worker.py URL FOLDER MODE.

MODE `submit` asks for a training and never ends it: its model does not answer
while it trains. `end` takes up what was left: it labels the document `before` while the training
is under way, lets it end, then labels the document `after`. Its clock is ahead, as if the time in
which a training may be silent had passed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from training_parts import World, rows

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.jobs import Jobs, Runner, Transcription
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.learned import Learned, LearnedJudge
from llmlabel.pipeline import Pipeline
from llmlabel.prompts import PromptLibrary
from llmlabel.routing import RawJudge, Routing, Step
from llmlabel.shipped import search_folders
from llmlabel.store import Store
from llmlabel.testing import FakeChatModel

JOB = "j-train"


class Held(FakeChatModel):
    """Says that it was asked, and answers when it is let go."""

    def __init__(self, real: FakeChatModel) -> None:
        super().__init__()
        self._real = real
        self.free = self.asked = False

    async def score(self, prompts: Any, candidates: Any) -> Any:
        if not self.asked:
            self.asked = True
            say("begun")
        while not self.free:  # noqa: ASYNC110 - another thread lets it go
            await asyncio.sleep(0.01)
        return await self._real.score(prompts, candidates)


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


async def no_sound(path: Path, language: str | None) -> Transcription:
    raise AssertionError(path)


class Service:
    """The queue over a world whose labels are judged by the learned version in use."""

    def __init__(self, store: Store) -> None:
        self.world = World(store)
        self.held = Held(self.world.model)
        prompt = PromptLibrary(search_folders("prompts")).get("choice@1.0.0")
        self.steps = self.world.steps
        self.world.steps = (Step(LlmChoice(self.held, prompt)),)  # of the training
        self.runner = Runner(store, lambda _: self.jobs, worker="w")
        self.jobs = Jobs(store, self.label, no_sound, self.runner, learn={"train": self.train})

    def routing(self, _: object) -> Routing:
        trainings = self.world.store.trainings
        active = trainings.active(self.world.guideline.ref, self.world.guideline.sha256)
        if active is None:
            return Routing(self.steps, RawJudge())
        learned = Learned.from_bytes(trainings.payload(active.id))
        return Routing(self.steps, LearnedJudge(learned, active.id))

    async def label(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        return await Pipeline(self.routing).label(documents, self.world.guideline)

    async def train(self, id: str, ref: str, argument: str) -> str:
        return (await self.world.train(by=id, student=False)).id

    def give(self, id: str, number: int) -> None:
        [(document, _)] = rows(1, number)
        self.jobs.submit([Document.of_text(document.text, id=id)], [self.world.guideline.ref])
        assert self.jobs.wait([id], 60)
        say(f"labeled {id}")


def main() -> None:
    url, folder, mode = sys.argv[1:]
    store = Store.open(url, recordings=Path(folder) / "recordings")
    if mode == "end":
        store.database.clock = lambda: datetime.now(UTC) + timedelta(hours=1)
    service = Service(store)
    service.runner.start()
    if mode == "submit":
        service.jobs.learning.submit("train", service.world.guideline.ref, id=JOB)
    if mode != "end":
        sys.stdin.read()
    while not service.held.asked:
        time.sleep(0.01)
    service.give("before", 900)
    service.held.free = True
    while service.jobs.learning.get(JOB).status == "queued":
        time.sleep(0.05)
    service.give("after", 901)
    sys.stdin.read()
    service.runner.stop()


if __name__ == "__main__":
    main()
