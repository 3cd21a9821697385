"""Endpoints over HTTP, and a document that is labeled and told of."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from receiver import Receiver

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))

from small_service import SmallService

from llmlabel.api import create_app
from llmlabel.webhooks.signature import is_signed

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def service(tmp_path: Path) -> SmallService:
    return SmallService(tmp_path)


@pytest.fixture
def app(service: SmallService) -> Iterator[FastAPI]:
    yield create_app(service)
    service.store.close()


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def add(client: httpx.AsyncClient, url: str = URL, **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/webhooks", json={"url": url, **body})
    assert answer.status_code == 201, answer.text
    added: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/v1/webhooks/{added['webhook']['id']}"
    assert answer.headers["cache-control"] == "no-store"
    return added


async def test_the_secret_is_shown_once(client: httpx.AsyncClient) -> None:
    added = await add(client, events=["gate.closed"], guidelines=["sentiment"], note="desk")
    secret, webhook = added["secret"], added["webhook"]
    assert secret.startswith("whsec_")
    one = await client.get(f"/v1/webhooks/{webhook['id']}")
    listed = await client.get("/v1/webhooks")
    assert one.json() == webhook
    assert listed.json() == {"webhooks": [webhook]}
    assert secret not in one.text + listed.text


async def test_without_more_said_an_endpoint_is_told_of_everything(
    client: httpx.AsyncClient,
) -> None:
    webhook = (await add(client))["webhook"]
    assert {"document.labeled", "review.needed", "review.verified", "gate.closed"} <= set(
        webhook["events"]
    )
    assert webhook["guidelines"] is None


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"url": "ftp://a.example/"}, 422, "url"),
        ({"url": "https://user@a.example/"}, 422, "url"),
        ({"url": URL, "events": ["document.eaten"]}, 422, "events.0"),
        ({"url": URL, "events": []}, 422, "events"),
        ({"url": URL, "guidelines": []}, 422, "guidelines"),
        ({"url": URL, "secret": "mine"}, 422, "secret"),
        ({}, 422, "url"),
    ],
)
async def test_what_cannot_be_used_is_refused_by_its_field(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, field: str
) -> None:
    answer = await client.post("/v1/webhooks", json=body)
    assert answer.status_code == status
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_a_guideline_must_be_known(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/webhooks", json={"url": URL, "guidelines": ["sentimnet"]})
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("unknown-guideline")


async def test_only_what_is_sent_is_changed(client: httpx.AsyncClient) -> None:
    id = (await add(client, guidelines=["sentiment"], note="desk"))["webhook"]["id"]
    path = f"/v1/webhooks/{id}"
    changed = (await client.patch(path, json={"enabled": False})).json()
    assert (changed["enabled"], changed["guidelines"]) == (False, ["sentiment"])
    changed = (await client.patch(path, json={"guidelines": None, "enabled": True})).json()
    assert (changed["enabled"], changed["guidelines"], changed["note"]) == (True, None, "desk")
    assert (await client.patch(path, json={"url": "ftp://a"})).status_code == 422
    changed = (await client.patch(path, json={"url": "https://b.example", "note": ""})).json()
    assert (changed["url"], changed["note"]) == ("https://b.example", "")


async def test_a_removed_endpoint_is_gone(client: httpx.AsyncClient) -> None:
    path = f"/v1/webhooks/{(await add(client))['webhook']['id']}"
    assert (await client.delete(path)).status_code == 204
    calls = [
        client.get(path),
        client.patch(path, json={}),
        client.delete(path),
        client.post(f"{path}/secret", json={}),
        client.post(f"{path}/test"),
        client.get(f"{path}/deliveries"),
        client.post(f"{path}/replay", json={}),
    ]
    assert {(await call).status_code for call in calls} == {404}


async def test_a_test_tells_what_the_endpoint_answered(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    added = await add(client, receiver.url)
    path = f"/v1/webhooks/{added['webhook']['id']}"
    tried = (await client.post(f"{path}/test")).json()
    assert (tried["delivered"], tried["status"], tried["error"]) == (True, 204, None)
    (received,) = receiver.received
    assert received.told["type"] == "webhook.test"
    assert is_signed(added["secret"], received.headers, received.body, time.time())
    rotated = (await client.post(f"{path}/secret", json={"keep_hours": 1})).json()
    assert rotated["webhook"]["old_secret_until"] is not None
    receiver.answer = lambda _: 500
    tried = (await client.post(f"{path}/test")).json()
    assert (tried["delivered"], tried["error"]) == (False, "It answered 500.")
    for secret in (added["secret"], rotated["secret"]):
        last = receiver.received[-1]
        assert is_signed(secret, last.headers, last.body, time.time())


async def test_a_labeled_document_is_told_listed_and_replayed(
    app: FastAPI, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    id = (await add(client, receiver.url, guidelines=["sentiment"]))["webhook"]["id"]
    async with app.router.lifespan_context(app):
        sent = {"id": "a/b", "text": "Is it nice?", "guidelines": ["sentiment", "intent"]}
        answer = await client.post("/v1/documents", json=sent, headers={"Prefer": "wait=60"})
        assert answer.status_code == 200, answer.text
        labeled, needed = sorted(receiver.wait_for(2), key=lambda each: each.told["type"])
        data = labeled.told["data"]
        assert data["route"] == "review"
        assert (await client.get(data["url"])).json()["id"] == "a/b"
        assert (await client.get(needed.told["data"]["url"])).status_code == 200
        assert "nice" not in (labeled.body + needed.body).decode()
        while True:
            page = await _deliveries(client, id)
            if all(each["status"] == "delivered" for each in page):
                break
            await asyncio.sleep(0.02)
        assert {each["id"] for each in page} == {labeled.id, needed.id}
        assert {each["document_id"] for each in page} == {"a/b"}
        replayed = await client.post(f"/v1/webhooks/{id}/replay", json={})
        assert replayed.json() == {"replayed": 0}
        body = {"status": "delivered", "since": "2026-01-01T00:00:00"}
        replayed = await client.post(f"/v1/webhooks/{id}/replay", json=body)
        assert replayed.json() == {"replayed": 2}
        again = receiver.wait_for(4)[2:]
        assert {each.id for each in again} == {labeled.id, needed.id}


async def _deliveries(client: httpx.AsyncClient, id: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/webhooks/{id}/deliveries", params={"limit": 10})
    found: list[dict[str, Any]] = answer.json()["deliveries"]
    return found


async def test_a_disabled_endpoint_is_not_replayed_to(client: httpx.AsyncClient) -> None:
    path = f"/v1/webhooks/{(await add(client))['webhook']['id']}"
    await client.patch(path, json={"enabled": False})
    answer = await client.post(f"{path}/replay", json={})
    assert answer.status_code == 409
    assert "enable it" in answer.json()["detail"]


async def test_only_https_to_public_addresses_unless_allowed(
    service: SmallService, client: httpx.AsyncClient
) -> None:
    service.webhooks._private = False
    for url in (URL, "https://127.0.0.1/", "https://[::ffff:169.254.169.254]/latest/meta-data"):
        answer = await client.post("/v1/webhooks", json={"url": url})
        assert answer.status_code == 422
        assert "LLMLABEL_WEBHOOKS_PRIVATE" in answer.json()["detail"]
    assert (await client.get("/v1/webhooks")).json() == {"webhooks": []}


async def test_what_waits_and_what_was_given_up_is_counted(
    service: SmallService, client: httpx.AsyncClient
) -> None:
    id = (await add(client))["webhook"]["id"]
    for name in ("sentiment@1.0.0", "ner@1.0.0"):
        service.store.gates.close(name, "Too many errors.")
    (message,) = service.store.deliveries.take_up({id: 1}, 60)
    service.store.deliveries.failed(message, "No.", wait=None)
    said = (await client.get("/metrics")).text
    assert 'llmlabel_webhooks_waiting{project="default"} 1.0' in said
    assert 'llmlabel_webhooks_dead{project="default"} 1.0' in said
    (age,) = (
        line for line in said.splitlines() if line.startswith("llmlabel_webhooks_oldest_seconds{")
    )
    assert float(age.split()[1]) >= 0
