from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest

from llmlabel.errors import InvalidInput, ReplyUnreadable
from llmlabel.llm.remote import RemoteModel
from llmlabel.testing import FakeProvider

LABELS = ["positive", "negative", "neutral"]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"entities": {"type": "array", "items": {"type": "string"}}},
    "required": ["entities"],
    "additionalProperties": False,
}


async def test_scores_are_the_shares_the_model_gives(remote, ask):
    with FakeProvider({"positive": 0.6, "negative": 0.3, "neutral": 0.1}) as provider:
        (scores,) = await remote(provider).score([ask("good")], LABELS)
    assert scores.method == "logprobs"
    assert scores.probabilities == pytest.approx((0.6, 0.3, 0.1))
    assert scores.off_label == pytest.approx(0.0, abs=1e-9)
    assert scores.usage.prompt_tokens > 0
    assert scores.usage.cost_usd is None


async def test_mass_off_the_labels_is_told_and_left_out(remote, ask):
    with FakeProvider({"positive": 0.5, "negative": 0.3, "banana": 0.2}) as provider:
        (scores,) = await remote(provider).score([ask("good")], LABELS)
    assert scores.probabilities == pytest.approx((0.625, 0.375, 0.0))
    assert scores.off_label == pytest.approx(0.2)


async def test_a_reply_that_is_no_label_is_never_guessed(remote, ask):
    with FakeProvider("I would say positive") as provider:
        (result,) = await remote(provider).score([ask("good")], LABELS)
    assert type(result) is ReplyUnreadable


async def test_candidates_may_differ_by_prompt(remote, ask):
    with FakeProvider(lambda request: request.text) as provider:
        results = await remote(provider).score([ask("cat"), ask("oak")], [["cat", "dog"], ["oak"]])
    assert [len(result.probabilities) for result in results] == [2, 1]


@pytest.mark.parametrize("candidates", [[], ["a", "a"], ["a", "  "]])
async def test_candidates_must_be_distinct_names(candidates, remote, ask):
    with FakeProvider("a") as provider:
        with pytest.raises(InvalidInput):
            await remote(provider).score([ask("x")], candidates)
        assert provider.requests == []


@pytest.mark.parametrize("offers", [0, None])
async def test_without_logprobs_the_share_of_samples_is_the_score(offers, remote, ask):
    with FakeProvider("negative", max_top_logprobs=offers) as provider:
        model = remote(provider, samples=4)
        (first,) = await model.score([ask("bad")], LABELS)
        assert first.method == "samples"
        assert first.probabilities == (0.0, 1.0, 0.0)
        provider.requests.clear()
        await model.score([ask("worse"), ask("worst")], LABELS)
        assert len(provider.requests) == 8
        assert not any(request.body.get("logprobs") for request in provider.requests)


async def test_an_unreadable_sample_counts_against_all(remote, ask):
    answers = iter(["positive", "positive", "hmm", "negative"])
    with FakeProvider(lambda _: next(answers), max_top_logprobs=0) as provider:
        (scores,) = await remote(provider, samples=4).score([ask("x")], ["positive", "negative"])
    assert scores.probabilities == pytest.approx((0.625, 0.375))
    assert scores.off_label == pytest.approx(0.25)


async def test_a_provider_with_few_alternatives_is_asked_for_few(remote, ask):
    with FakeProvider({"positive": 0.7, "negative": 0.3}, max_top_logprobs=5) as provider:
        (scores,) = await remote(provider).score([ask("x")], LABELS)
        assert scores.method == "logprobs"
        assert scores.probabilities == pytest.approx((0.7, 0.3, 0.0))
        assert provider.requests[-1].body["top_logprobs"] == 5


async def test_the_first_prompt_finds_out_for_the_others(remote, ask):
    with FakeProvider("positive", max_top_logprobs=0) as provider:
        await remote(provider, samples=1).score([ask(f"{n}") for n in range(6)], LABELS)
        assert sum(bool(r.body.get("logprobs")) for r in provider.requests) == 2  # 20, then 5


async def test_json_follows_the_schema_sent(remote, ask):
    with FakeProvider() as provider:
        (reply,) = await remote(provider).generate([ask("x")], SCHEMA, 50)
        assert json.loads(reply.text) == {"entities": []}
        assert reply.finish == "stop"
        assert provider.requests[0].schema == SCHEMA


async def test_without_schemas_the_schema_goes_into_the_system_message(remote, ask):
    with FakeProvider('{"entities": ["Ada"]}', json_schema=False) as provider:
        model = remote(provider)
        (reply,) = await model.generate([ask("x")], SCHEMA, 50)
        assert json.loads(reply.text) == {"entities": ["Ada"]}
        body = provider.requests[-1].body
        assert body["response_format"] == {"type": "json_object"}
        assert json.dumps(SCHEMA) in body["messages"][0]["content"]
        provider.requests.clear()
        await model.generate([ask("y")], SCHEMA, 50)
        assert len(provider.requests) == 1


async def test_no_more_calls_than_allowed_are_under_way(remote, ask):
    with FakeProvider("positive", think_seconds=0.05) as provider:
        model = RemoteModel("hosted_vllm/any", api_base=provider.url, concurrency=3)
        await model.score([ask(f"{n}") for n in range(12)], LABELS)
        assert len(provider.requests) == 12
        assert 2 <= provider.most_at_once <= 3


def test_one_model_serves_one_event_loop_after_the_other(remote, ask):
    with FakeProvider("positive") as provider:
        model = RemoteModel("hosted_vllm/any", api_base=provider.url, concurrency=1)
        for _ in range(2):
            results = asyncio.run(model.score([ask("a"), ask("b"), ask("c")], LABELS))
            assert [result.probabilities[0] for result in results] == [1.0] * 3


def test_the_price_of_a_known_model_is_known_and_of_others_not():
    from llmlabel.llm.vendor import context_tokens, price_entry

    assert price_entry("openai/gpt-4o-mini")["input_cost_per_token"] > 0
    assert price_entry("hosted_vllm/gpt-4o-mini") is None
    assert context_tokens("gpt-4o-mini") == 128_000
    assert context_tokens("hosted_vllm/any") is None


async def test_the_cost_of_a_call_is_stated_where_the_price_is_known(ask):
    with FakeProvider("positive") as provider:
        model = RemoteModel("openai/gpt-4o-mini", api_base=provider.url, api_key="k")
        (scores,) = await model.score([ask("good")], LABELS)
    assert scores.usage.cost_usd > 0


def test_the_fake_provider_speaks_the_protocol_of_the_openai_client():
    with FakeProvider({"yes": 0.75, "no": 0.25}) as provider:
        client = openai.OpenAI(base_url=provider.url, api_key="k", max_retries=0)
        done = client.chat.completions.create(
            model="any",
            messages=[{"role": "user", "content": "Is it?"}],
            temperature=0,
            logprobs=True,
            top_logprobs=2,
        )
    assert done.choices[0].message.content == "yes"
    assert done.choices[0].finish_reason == "stop"
    assert [a.token for a in done.choices[0].logprobs.content[0].top_logprobs] == ["yes", "no"]
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
