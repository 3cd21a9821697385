"""`/v1/jobs`: what failed is seen, retried and called off; a full queue says so."""

from __future__ import annotations

import httpx
import pytest
from small_service import SmallService

from llmlabel.jobs.room import Room

WAIT = {"Prefer": "wait=20"}
JOB = "text:sentiment@1.0.0:an/odd id?"


@pytest.fixture
async def failed(client: httpx.AsyncClient) -> None:
    one = {"id": "an/odd id?", "text": "break", "guidelines": ["sentiment"]}
    assert (await client.post("/v1/documents", json=one, headers=WAIT)).status_code == 200


def path(*more: str) -> str:
    return "/".join(["/v1/jobs/text:sentiment@1.0.0:an%2Fodd%20id%3F", *more])


async def test_what_failed_is_listed_with_its_reason(
    client: httpx.AsyncClient, failed: None
) -> None:
    listed = (await client.get("/v1/jobs")).json()
    (job,) = listed["jobs"]
    assert (job["id"], job["status"], listed["next_cursor"]) == (JOB, "failed", None)
    assert job["error"]["code"] == "model-rejected"
    assert (await client.get(path())).json() == job
    assert (await client.get("/v1/jobs", params={"status": "queued"})).json()["jobs"] == []
    assert (await client.get("/v1/jobs", params={"code": "x"})).json()["jobs"] == []


async def test_what_failed_is_retried_alone_or_with_all_others(
    client: httpx.AsyncClient, service: SmallService, failed: None
) -> None:
    service.held = True
    retried = await client.post(path("retry"))
    assert (retried.status_code, retried.json()["status"]) == (200, "queued")
    assert (await client.post(path("retry"))).status_code == 409
    service.held = False
    assert service.jobs.wait(["an/odd id?"], 20)
    body = {"guideline": "sentiment", "queue": "text"}
    assert (await client.post("/v1/jobs/retry", json=body)).json() == {"retried": 1, "more": False}
    assert service.jobs.wait(["an/odd id?"], 20)
    assert (await client.get(path())).json()["run"] == 3


async def test_what_waits_is_called_off(client: httpx.AsyncClient, service: SmallService) -> None:
    service.held = True
    one = {"id": "a", "text": "A fine day.", "guidelines": ["sentiment"]}
    await client.post("/v1/documents", json=one)
    job = "/v1/jobs/text:sentiment@1.0.0:a"
    assert (await client.post(f"{job}/cancel")).json()["error"]["code"] == "cancelled"
    service.held = False
    assert (await client.get("/v1/documents/a")).json()["labels"] == []
    assert (await client.post("/v1/jobs/text:sentiment@1.0.0:b/cancel")).status_code == 404


async def test_a_full_queue_answers_429_with_the_time_until_there_is_room(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.held = True
    service.jobs._room = Room(service.store, 2)
    two = {
        "documents": [{"id": id, "text": "A fine day."} for id in "ab"],
        "guidelines": ["sentiment"],
    }
    assert (await client.post("/v1/documents", json=two)).status_code == 202
    refused = await client.post("/v1/documents", json={"text": "x", "guidelines": ["sentiment"]})
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:llmlabel:problem:queue-full"
    assert "at most 2 may" in refused.json()["detail"]
    assert int(refused.headers["retry-after"]) >= 1
    assert service.store.counts().documents == 2
    service.held = False
