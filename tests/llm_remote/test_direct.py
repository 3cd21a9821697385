from __future__ import annotations

import asyncio
import gc
import json
import math
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import aiohttp
import pytest

from llmlabel.errors import ModelRefused, ModelUnreachable, ReplyUnreadable
from llmlabel.llm.direct import AnsweredWithError, NoConnections
from llmlabel.llm.mapping import may_be_billed
from llmlabel.llm.prices import Price
from llmlabel.llm.remote import RemoteModel
from llmlabel.testing import FakeProvider, Fault

LABELS = ["positive", "negative"]


def model_at(url: str, **more: object) -> RemoteModel:
    return RemoteModel("hosted_vllm/any", api_base=url, attempts=1, samples=1, **more)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/"
    finally:
        server.shutdown()
        server.server_close()


async def test_what_a_model_thinks_aloud_is_no_part_of_its_answer(ask):
    schema = {"type": "object", "properties": {"found": {"type": "boolean"}}}
    said = '<think>It says {"found": false}.\nOr does it?</think>\n\n{"found": true}'
    with FakeProvider(said) as provider:
        (reply,) = await model_at(provider.url).generate([ask("good")], schema, 500)
    assert reply.text == '{"found": true}'


async def test_an_error_that_comes_as_a_success_is_an_error(ask):
    with answering(200, b'{"error": {"message": "no upstream", "code": 502}}') as url:
        (error,) = await model_at(url).score([ask("good")], LABELS)
    assert isinstance(error, ModelUnreachable)
    assert "no upstream" in error.detail


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": [{"type": "text", "text": "positive"}]}},
        {"message": {"content": "positive"}, "logprobs": {"content": 5}},
        {"message": {"content": "positive"}, "logprobs": {"content": [{"logprob": "much"}]}},
        {"message": {"content": "positive"}, "logprobs": {"content": [{"logprob": math.nan}]}},
    ],
    ids=str,
)
async def test_a_reply_of_another_form_fails_its_own_prompt_only(choice, ask):
    body = json.dumps({"choices": [choice], "usage": {"total_tokens": "many"}}).encode()
    with answering(200, body) as url:
        (error,) = await model_at(url).score([ask("good")], LABELS)
    assert type(error) is ReplyUnreadable


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "x", "total_tokens": "12"}], ids=str)
async def test_what_a_provider_does_not_say_it_used_is_not_taken_for_nothing(usage, ask):
    choice = {"message": {"content": "positive"}}
    body = json.dumps({"choices": [choice], "usage": usage}).encode()
    with answering(200, body) as url:
        model = model_at(url, price=Price(1e-6, 1e-6))
        (done,) = await model.score([ask("good")], LABELS)
        assert done.usage.cost_usd is None
        (free,) = await model_at(url, price=Price(0, 0)).score([ask("good")], LABELS)
        assert free.usage.cost_usd == 0


async def test_a_proxy_that_cannot_be_used_is_an_error_of_the_call(ask, monkeypatch):
    # A client that cannot be made must not look as if its caller had been cancelled.
    monkeypatch.setenv("HTTP_PROXY", "http://[broken")
    (error,) = await model_at("http://models.invalid/v1").score([ask("good")], LABELS)
    assert type(error) is ModelUnreachable
    assert "HTTP_PROXY" in error.detail
    assert not may_be_billed(NoConnections())


async def test_what_a_policy_forbids_is_a_refusal(ask):
    body = b'{"error": {"message": "Not this.", "code": "content_policy_violation"}}'
    with answering(400, body) as url:
        (error,) = await model_at(url).score([ask("good")], LABELS)
    assert type(error) is ModelRefused
    assert "Not this." in error.detail


@pytest.mark.parametrize("closed", [True, False])
def test_no_connection_outlives_its_event_loop(closed, ask):
    async def score() -> None:
        model = model_at(provider.url)
        await model.score([ask("good")], LABELS)
        if closed:
            await model.close()

    with FakeProvider("positive") as provider, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        asyncio.run(score())
        gc.collect()
    assert [str(each.message) for each in told if "Unclosed" in str(each.message)] == []


async def test_the_key_of_the_variable_is_sent_where_none_is_given(ask, monkeypatch):
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", "from-the-variable")
    with FakeProvider("positive") as provider:
        await model_at(provider.url).score([ask("good")], LABELS)
        assert provider.requests[0].key == "from-the-variable"


async def test_a_proxy_of_the_environment_is_asked(ask, monkeypatch):
    with FakeProvider("positive").fail(lambda _: Fault.server_error()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("NO_PROXY", "")
        model = model_at("http://models.invalid/v1")
        (error,) = await model.score([ask("good")], LABELS)
    assert isinstance(error, ModelUnreachable)
    assert "models.invalid" not in error.detail  # the proxy answered; no name was looked up


def test_only_what_may_have_been_done_may_be_billed():
    assert not may_be_billed(AnsweredWithError(500, {}, "down"))
    assert not may_be_billed(AnsweredWithError(429, {}, "busy"))
    assert not may_be_billed(aiohttp.ConnectionTimeoutError())
    assert may_be_billed(aiohttp.ServerDisconnectedError())
    assert may_be_billed(aiohttp.ClientPayloadError())
    assert may_be_billed(TimeoutError())
