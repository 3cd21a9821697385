"""A POST with an Idempotency-Key is carried out once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from small_service import SmallService, tone

ONE = {"text": "A fine day.", "guidelines": ["sentiment"]}
KEY = {"Idempotency-Key": "k-1"}
WAIT = {**KEY, "Prefer": "wait=60"}


async def test_the_same_request_again_gets_the_first_answer(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.held = True
    first = await client.post("/v1/documents", json=ONE, headers=KEY)
    service.held = False
    assert service.jobs.wait([first.json()["id"]], 20)
    again = await client.post("/v1/documents", json=ONE, headers=KEY)
    assert first.status_code == again.status_code == 202
    assert again.content == first.content  # still `queued`, as it was answered then
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


async def test_another_request_under_the_key_is_a_conflict(client: httpx.AsyncClient) -> None:
    await client.post("/v1/documents", json=ONE, headers=KEY)
    answer = await client.post("/v1/documents", json={**ONE, "text": "Other."}, headers=KEY)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("idempotency-conflict")


async def test_a_refused_request_can_be_mended_under_the_same_key(
    client: httpx.AsyncClient,
) -> None:
    refused = await client.post("/v1/documents", json={**ONE, "text": ""}, headers=KEY)
    assert refused.status_code == 422
    assert (await client.post("/v1/documents", json=ONE, headers=KEY)).status_code == 202


async def test_the_same_form_again_gets_the_first_answer(client: httpx.AsyncClient) -> None:
    """The boundary of a form differs each time; what it holds is compared."""

    async def send(sound: bytes) -> httpx.Response:
        files = {"file": ("call.wav", sound, "audio/wav")}
        return await client.post("/v1/audio", files=files, headers=WAIT)

    first, again, other = await send(tone()), await send(tone()), await send(tone(2))
    assert first.status_code == 200
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert other.status_code == 409


async def test_a_verdict_sent_twice_counts_once(
    client: httpx.AsyncClient, doubted: Callable[..., list[str]]
) -> None:
    doubted("Well")
    who = {"X-Reviewer": "ann"}
    item = (await client.get("/v1/reviews/next", headers=who)).json()
    body = {"token": item["lease"]["token"], "kind": "confirm"}
    answers = [
        await client.post(f"/v1/reviews/{item['id']}/verdict", json=body, headers={**who, **KEY})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content


async def test_an_answer_without_a_body_is_replayed(
    client: httpx.AsyncClient, doubted: Callable[..., list[str]]
) -> None:
    doubted("Well")
    who = {"X-Reviewer": "ann"}
    item = (await client.get("/v1/reviews/next", headers=who)).json()
    body = {"token": item["lease"]["token"]}
    for _ in range(2):
        answer = await client.post(
            f"/v1/reviews/{item['id']}/release", json=body, headers={**who, **KEY}
        )
        assert answer.status_code == 204
        assert answer.content == b""


async def test_the_same_request_at_the_same_time_is_carried_out_once(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.held = True
    slow = asyncio.create_task(client.post("/v1/documents", json=ONE, headers=WAIT))
    while not (await client.get("/v1/documents")).json()["documents"]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    answer = await client.post("/v1/documents", json=ONE, headers=WAIT)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("problem:conflict")
    service.held = False
    assert (await slow).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
async def test_a_key_that_cannot_be_used_is_refused(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/v1/documents", json=ONE, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
