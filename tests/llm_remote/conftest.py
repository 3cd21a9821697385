from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llmlabel.llm.limits import Limits
from llmlabel.llm.protocol import Message, Prompt
from llmlabel.llm.remote import RemoteModel
from llmlabel.llm.retry import Retry
from llmlabel.testing import FakeProvider

KEY = "sk-very-secret-0123456789"


class FakeTime:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time_() -> FakeTime:
    return FakeTime()


@pytest.fixture
def ask() -> Callable[[str], Prompt]:
    def prompt(text: str) -> Prompt:
        system = Message(role="system", content="Reply with one of: positive, negative, neutral.")
        return Prompt(messages=(system, Message(role="user", content=text)))

    return prompt


WAYS = [
    ("hosted_vllm/any", True),
    ("openai/any", True),
    ("hosted_vllm/any", False),
    ("openai/any", False),
]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way[0]}-{'direct' if way[1] else 'litellm'}")
def remote(request: pytest.FixtureRequest, time_: FakeTime) -> Callable[..., RemoteModel]:
    """Makes a model of the fake provider: directly, and by the two ways litellm reaches it."""
    name, direct = request.param

    def make(provider: FakeProvider, **more: Any) -> RemoteModel:
        attempts, max_wait = more.pop("attempts", 3), more.pop("max_wait", 30.0)
        settings: dict[str, Any] = {
            "api_key": KEY,
            "api_base": provider.url,
            "timeout": 20.0,
            "limits": Limits(8, clock=time_.clock, sleep=time_.sleep),
            "retry": Retry(attempts, max_wait, sleep=time_.sleep),
            "direct": direct,
        }
        return RemoteModel(name, **{**settings, **more})

    return make
