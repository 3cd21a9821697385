"""Submitting documents and reading what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from small_service import SmallService

ONE = {"id": "a", "text": "A fine day.", "guidelines": ["sentiment"]}
WAIT = {"Prefer": "wait=60"}


async def test_a_text_is_accepted_with_the_place_where_its_labels_will_be(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.held = True
    answer = await client.post("/v1/documents", json=ONE)
    assert answer.status_code == 202
    assert answer.headers["location"] == "/v1/documents/a"
    assert answer.json()["status"] == "queued"
    assert answer.json()["labels"] == []
    service.held = False
    assert service.jobs.wait(["a"], 20)
    found = (await client.get(answer.headers["location"])).json()
    assert found["status"] == "done"
    assert found["text"] == ONE["text"]


async def test_waiting_gives_the_labels_with_confidence_and_makers(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/v1/documents", json=ONE, headers=WAIT)
    assert answer.status_code == 200
    (label,) = answer.json()["labels"]
    assert label["id"] == "a"
    assert label["guideline"] == "sentiment@1.0.0"
    assert label["answer"] == {"kind": "choice", "label": "positive"}
    assert label["confidence"] == {
        "value": 0.9,
        "method": "label_path",
        "calibrated": False,
        "calibrator": None,
        "n": None,
    }
    assert label["route"] == "accepted"
    assert [each["outcome"] for each in label["source"]["opinions"]] == ["answered", "unreadable"]


async def test_a_wait_that_is_too_short_is_answered_with_202(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.held = True
    answer = await client.post("/v1/documents", json=ONE, headers={"Prefer": "wait=1"})
    assert answer.status_code == 202
    service.held = False


@pytest.mark.parametrize("prefer", ["wait=x", "respond-async", "wait", "wait=-3", ""])
async def test_a_preference_that_makes_no_sense_is_passed_over(
    client: httpx.AsyncClient, service: SmallService, prefer: str
) -> None:
    service.held = True
    answer = await client.post("/v1/documents", json=ONE, headers={"Prefer": prefer})
    assert answer.status_code == 202
    service.held = False


async def test_many_clients_may_wait_while_others_are_served(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.held = True
    waiting = [
        asyncio.create_task(client.post("/v1/documents", json={**ONE, "id": f"w{n}"}, headers=WAIT))
        for n in range(60)
    ]
    while service.store.counts().requests["queued"] < len(waiting):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert (await client.get("/healthz")).status_code == 200
    assert not any(task.done() for task in waiting)
    service.held = False
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_a_list_is_labeled_each_under_its_own_guidelines(client: httpx.AsyncClient) -> None:
    body = {
        "documents": [
            {"id": "a", "text": "one"},
            {"id": "b", "text": "two", "guidelines": ["intent", "ner@1.0.0"]},
            {"text": "three"},
        ],
        "guidelines": ["sentiment"],
    }
    answer = await client.post("/v1/documents", json=body, headers=WAIT)
    assert answer.status_code == 200, answer.text
    found = answer.json()["documents"]
    assert [each["id"] for each in found][:2] == ["a", "b"]
    assert [[label["guideline"] for label in each["labels"]] for each in found] == [
        ["sentiment@1.0.0"],
        ["intent@1.0.0", "ner@1.0.0"],
        ["sentiment@1.0.0"],
    ]


async def test_a_list_is_accepted_whole_or_not_at_all(client: httpx.AsyncClient) -> None:
    await client.post("/v1/documents", json=ONE)
    body = {
        "documents": [
            {"id": "new", "text": "x", "guidelines": ["intent"]},
            {"id": "a", "text": "other", "guidelines": ["sentiment"]},
        ]
    }
    answer = await client.post("/v1/documents", json=body)
    assert answer.status_code == 409
    assert (await client.get("/v1/documents/new")).status_code == 404


async def test_the_same_content_again_is_the_same_document(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    first = await client.post("/v1/documents", json={**ONE, "id": None}, headers=WAIT)
    again = await client.post("/v1/documents", json={**ONE, "id": None}, headers=WAIT)
    assert first.json() == again.json()
    assert service.labeled == 1


async def test_what_cannot_be_labeled_says_why(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/documents", json={**ONE, "text": "break"}, headers=WAIT)
    assert answer.status_code == 200
    assert answer.json()["status"] == "failed"
    assert answer.json()["labels"] == []
    (request,) = answer.json()["requests"]
    assert request["failure"] == {
        "code": "model-rejected",
        "detail": "The model cannot label this.",
    }


async def test_an_id_may_hold_any_printable_character(client: httpx.AsyncClient) -> None:
    id = "folder/ä b?c#1%.txt"
    answer = await client.post("/v1/documents", json={**ONE, "id": id}, headers=WAIT)
    url = answer.headers["location"]
    assert (await client.get(url)).json()["id"] == id
    assert len((await client.get(f"{url}/labels")).json()["labels"]) == 1


async def test_pages_hold_every_document_once(client: httpx.AsyncClient) -> None:
    for n in range(7):
        await client.post(
            "/v1/documents", json={"id": f"d{n}", "text": "x", "guidelines": ["sentiment"]}
        )
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        found = (await client.get("/v1/documents", params=query)).json()
        seen += [each["id"] for each in found["documents"]]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"d{n}" for n in reversed(range(7))]


async def test_lists_are_filtered_by_status_and_guideline(client: httpx.AsyncClient) -> None:
    for id, text, guideline in (("a", "x", "sentiment"), ("b", "x?", "ner"), ("c", "break", "ner")):
        body = {"id": id, "text": text, "guidelines": [guideline]}
        await client.post("/v1/documents", json=body, headers=WAIT)

    async def ids(**query: str) -> list[str]:
        found = (await client.get("/v1/documents", params=query)).json()["documents"]
        return [each["id"] for each in found]

    assert await ids(status="review") == ["b"]
    assert await ids(status="failed") == ["c"]
    assert await ids(guideline="sentiment") == ["a"]
    assert await ids(guideline="ner@1.0.0") == ["c", "b"]


async def test_the_history_keeps_what_the_machine_said(
    client: httpx.AsyncClient, doubted: Callable[..., list[str]]
) -> None:
    (id,) = doubted("Well")
    item = (await client.get("/v1/reviews/next", headers={"X-Reviewer": "ann"})).json()
    await client.post(
        f"/v1/reviews/{item['id']}/verdict",
        json={
            "token": item["lease"]["token"],
            "kind": "correct",
            "answer": {"kind": "choice", "label": "neutral"},
        },
        headers={"X-Reviewer": "ann"},
    )
    (current,) = (await client.get(f"/v1/documents/{id}/labels")).json()["labels"]
    assert current["answer"]["label"] == "neutral"
    assert current["source"]["verified"] is True
    history = await client.get(f"/v1/documents/{id}/labels", params={"history": True})
    assert [each["answer"]["label"] for each in history.json()["labels"]] == ["positive", "neutral"]


@pytest.mark.parametrize("which", ["one", "several"])
async def test_the_documented_examples_are_accepted(client: httpx.AsyncClient, which: str) -> None:
    description = (await client.get("/openapi.json")).json()
    body = description["paths"]["/v1/documents"]["post"]["requestBody"]["content"]
    example = body["application/json"]["examples"][which]["value"]
    answer = await client.post("/v1/documents", json=example)
    assert answer.status_code == 202, answer.text
