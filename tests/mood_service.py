"""The whole application over a made task and a fake provider: nothing in it is replaced.

Texts say which mood is right in their first word; of an `odd` one the model says the other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval import mood
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold, part_of
from llmlabel.settings import Settings
from llmlabel.store import Store
from llmlabel.testing import FakeProvider
from llmlabel.testing.provider import ProviderRequest

REF = "mood@1.0.0"

PROMISE = "  promise: {kind: accepted, error: 0.1, probability: 0.9}\n"


def write_guideline(folder: Path, *, promise: str = PROMISE, audit: float = 0.5) -> Path:
    """A folder of guidelines with the task in it."""
    return mood.write_guideline(folder, f"  audit: {audit}\n{promise}")


def provider() -> FakeProvider:
    """Answers by rule, and is a little surer of some texts than of others."""

    def answer(request: ProviderRequest) -> dict[str, float]:
        said = re.findall(r"\b(good|bad) (day|odd) (\d+)", request.text)
        assert said, request.text
        right, kind, number = said[-1]
        if kind == "odd":
            right = other(right)
        sure = 0.9 + int(number) % 90 / 1000
        return {right: sure, other(right): 1 - sure}

    return FakeProvider(answer)


def settings(home: Path, url: str, guidelines: Path, **more: Any) -> Settings:
    """Of an application that asks the provider at this URL."""
    given = {"llm": "hosted_vllm/any", "llm_api_key": "none", "llm_api_base": url, **more}
    return Settings(home=home, guideline_paths=(guidelines,), **given)


def texts(n: int, start: int, kind: str = "day") -> list[str]:
    """Texts of both moods in turn."""
    return [f"{('good', 'bad')[i % 2]} {kind} {i}" for i in range(start, start + n)]


def right(text: str) -> str:
    """The mood of a text."""
    return text.split(maxsplit=1)[0]


def other(label: str) -> str:
    """The mood that it is not."""
    return "bad" if label == "good" else "good"


def give_gold(store: Store, given: Sequence[str]) -> list[Document]:
    """Import the right answers of the texts; gives those that certify."""
    documents = [Document.of_text(text) for text in given]
    store.gold.add(
        [NewGold(document=d, answer=ChoiceAnswer(label=right(d.text))) for d in documents], REF
    )
    return [each for each in documents if part_of(each.text_sha256) == "certify"]
