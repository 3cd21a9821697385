"""What a language model is asked is counted by model and outcome, with tokens and hits."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmlabel.errors import ModelBusy, ModelUnauthorized
from llmlabel.llm.cache import CachedModel, ReplyCache
from llmlabel.llm.observed import ObservedModel
from llmlabel.llm.protocol import Message, Prompt
from llmlabel.llm.remote import RemoteModel
from llmlabel.telemetry import Telemetry
from llmlabel.testing import FakeChatModel, FakeProvider, Fault


def _prompt(text: str) -> Prompt:
    return Prompt(messages=(Message(role="user", content=text),))


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry("w")


def _value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return telemetry.meters.registry.get_sample_value(name, {**labels, "worker": "w"})


async def test_a_provider_s_answers_errors_and_cache_hits_are_told_apart(
    telemetry: Telemetry, tmp_path: Path
) -> None:
    name = "hosted_vllm/any"
    with FakeProvider({"yes": 0.9, "no": 0.1}) as provider:
        provider.fail(lambda asked: Fault("status", 503) if "broken" in asked.text else None)
        remote = RemoteModel(name, api_base=provider.url, attempts=1)
        model = ObservedModel(CachedModel(remote, ReplyCache(tmp_path / "r.db")), "hosted_vllm")
        with telemetry.active():
            await model.score([_prompt("one"), _prompt("broken")], ["yes", "no"])
            await model.score([_prompt("one"), _prompt("two")], ["yes", "no"])
        await model.close()
    requests = "llmlabel_llm_requests_total"
    assert _value(telemetry, requests, model=name, outcome="answered") == 2
    assert _value(telemetry, requests, model=name, outcome="model-unreachable") == 1
    assert _value(telemetry, "llmlabel_llm_cache_hits_total", model=name) == 1
    prompt = _value(telemetry, "llmlabel_llm_tokens_total", model=name, kind="prompt")
    assert prompt is not None
    assert prompt > 0


async def test_what_fails_a_whole_batch_counts_for_each_of_its_prompts(
    telemetry: Telemetry,
) -> None:
    class Locked(FakeChatModel):
        async def score(self, *_: object) -> list[Exception]:  # type: ignore[override]
            raise ModelUnauthorized("The key is not accepted.")

    model = ObservedModel(Locked(name="m"))
    with telemetry.active(), pytest.raises(ModelUnauthorized):
        await model.score([_prompt("one"), _prompt("two")], ["yes", "no"])
    outcome = {"model": "m", "outcome": "model-unauthorized"}
    assert _value(telemetry, "llmlabel_llm_requests_total", **outcome) == 2


async def test_without_anybody_in_charge_nothing_is_counted(telemetry: Telemetry) -> None:
    model = ObservedModel(FakeChatModel(lambda *_: ModelBusy("later"), name="m"))
    [busy] = await model.score([_prompt("one")], ["yes", "no"])
    assert isinstance(busy, ModelBusy)
    outcome = {"model": "m", "outcome": "model-busy"}
    assert _value(telemetry, "llmlabel_llm_requests_total", **outcome) is None
