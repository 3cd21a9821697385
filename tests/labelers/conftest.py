"""The shipped guidelines, the real spaCy pipeline and a chat model that says what it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from llmlabel.domain.guideline import Guideline
from llmlabel.guidelines.file import read_guideline
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.llm.protocol import Prompt, Reply, Scores
from llmlabel.prompts import PromptLibrary

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def ner() -> Guideline:
    return read_guideline(ROOT / "guidelines/ner/1.0.0.md")


@pytest.fixture(scope="session")
def pos() -> Guideline:
    return read_guideline(ROOT / "guidelines/pos/1.0.0.md")


@pytest.fixture(scope="session")
def prompts() -> PromptLibrary:
    return PromptLibrary([ROOT / "prompts"])


@pytest.fixture(scope="session")
def spacy_labeler(model_store: Any) -> SpacyLabeler:
    return SpacyLabeler(model_store.path("en_core_web_sm"), batch=16)


class ToldModel:
    """A ChatModel whose answers a test gives as functions of the last message."""

    name = "told"
    context_tokens = 4096

    def __init__(
        self,
        label: Callable[[str], str | Exception] | None = None,
        reply: Callable[[str], Reply | Exception] | None = None,
    ) -> None:
        self.asked: list[str] = []
        self.offered: list[list[str]] = []
        self._label, self._reply = label, reply

    async def score(
        self, prompts: Sequence[Prompt], candidates: Sequence[str] | Sequence[Sequence[str]]
    ) -> Sequence[Scores | Exception]:
        same = bool(candidates) and isinstance(candidates[0], str)
        offers = [list(candidates)] * len(prompts) if same else [list(c) for c in candidates]
        made: list[Scores | Exception] = []
        for prompt, offer in zip(prompts, offers, strict=True):
            self.asked.append(prompt.messages[-1].content)
            self.offered.append([str(each) for each in offer])
            assert self._label is not None
            best = self._label(prompt.messages[-1].content)
            if isinstance(best, Exception):
                made.append(best)
                continue
            rest = 0.05 / max(1, len(offer) - 1)
            made.append(
                Scores(
                    probabilities=tuple(0.95 if each == best else rest for each in offer),
                    method="label_path",
                )
            )
        return made

    async def generate(
        self, prompts: Sequence[Prompt], schema: dict[str, Any], max_tokens: int
    ) -> Sequence[Reply | Exception]:
        assert self._reply is not None
        self.asked += [prompt.messages[-1].content for prompt in prompts]
        return [self._reply(prompt.messages[-1].content) for prompt in prompts]

    async def close(self) -> None:
        pass


@pytest.fixture
def told() -> type[ToldModel]:
    return ToldModel
