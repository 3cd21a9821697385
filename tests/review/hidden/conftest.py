from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hidden_gold import Chance

from llmlabel.domain.guideline import Example, Guideline
from llmlabel.learning.losses import loss_of
from llmlabel.review import ReviewQueue
from llmlabel.review.benchmarks import BenchmarkQueue
from llmlabel.store import Store


@pytest.fixture
def chance() -> Chance:
    return Chance()


@pytest.fixture
def measured(guideline: Callable[[str], Guideline]) -> Callable[[str], Guideline]:
    """The guidelines with a policy that asks for benchmarks."""

    def get(ref: str) -> Guideline:
        found = guideline(ref)
        changes: dict[str, Any] = {"benchmarks": 0.5}
        if found.kind == "spans":
            changes["loss"] = "units"
        example = Example(id="e1", text="an example", label="positive")
        return found.model_copy(
            update={"policy": found.policy.model_copy(update=changes), "examples": (example,)}
        )

    return get


@pytest.fixture
def hidden(
    store: Store, measured: Callable[[str], Guideline], chance: Chance, clock: object
) -> BenchmarkQueue:
    return BenchmarkQueue(store, measured, loss_of, 300, chance=chance)


@pytest.fixture
def queue(
    store: Store, measured: Callable[[str], Guideline], hidden: BenchmarkQueue
) -> ReviewQueue:
    return ReviewQueue(store, measured, lease_seconds=300, benchmarks=hidden)
