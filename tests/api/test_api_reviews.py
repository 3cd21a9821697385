"""Taking items, deciding them, and who wins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService

Doubted = Callable[..., list[str]]
ANN, BOB = {"X-Reviewer": "ann"}, {"X-Reviewer": "bob"}


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


async def take(client: httpx.AsyncClient, who: dict[str, str] = ANN) -> dict[str, Any]:
    answer = await client.get("/v1/reviews/next", headers=who)
    assert answer.status_code == 200, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def decide(
    client: httpx.AsyncClient, item: dict[str, Any], who: dict[str, str] = ANN, **body: Any
) -> httpx.Response:
    return await client.post(
        f"/v1/reviews/{item['id']}/verdict",
        json={"token": item["lease"]["token"], **body},
        headers=who,
    )


async def test_an_item_holds_everything_needed_to_decide(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("Well")
    item = await take(client)
    assert item["document"]["text"] == "Well?"
    assert item["proposal"]["answer"] == {"kind": "choice", "label": "positive"}
    assert [each["outcome"] for each in item["opinions"]] == ["answered", "unreadable"]
    assert item["reason"]
    assert item["guideline"]["clauses"][0]["id"].startswith("SENT-")
    assert {"name", "definition"} <= set(item["guideline"]["labels"][0])
    assert item["lease"]["reviewer"] == "ann"


async def test_an_empty_queue_is_204(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/reviews/next", headers=ANN)
    assert answer.status_code == 204
    assert answer.content == b""


async def test_two_reviewers_never_hold_the_same_item(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("one", "two")
    assert (await take(client, ANN))["id"] != (await take(client, BOB))["id"]
    assert (await client.get("/v1/reviews/next", headers=ANN)).status_code == 204


async def test_the_queue_of_one_guideline_is_asked_by_name(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("one")
    doubted("two", guideline="ner")
    answer = await client.get("/v1/reviews/next", params={"guideline": "ner"}, headers=ANN)
    assert answer.json()["guideline"]["ref"] == "ner@1.0.0"


@pytest.mark.parametrize("headers", [{}, {"X-Reviewer": "  "}])
async def test_a_reviewer_must_say_who_they_are(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.get("/v1/reviews/next", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "X-Reviewer"


async def test_a_confirmed_answer_becomes_the_label(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    (id,) = doubted("Well")
    answer = await decide(client, await take(client), kind="confirm", seconds=3.5)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "done"
    assert answer.json()["lease"] is None
    assert answer.json()["verdict"]["kind"] == "confirm"
    document = (await client.get(f"/v1/documents/{id}")).json()
    assert document["status"] == "done"
    assert document["labels"][0]["source"]["verified"] is True


async def test_the_first_verdict_wins_and_a_late_one_sees_it(
    client: httpx.AsyncClient, service: SmallService, doubted: Doubted
) -> None:
    doubted("Well")
    late = await take(client, ANN)
    real = service.store.database.clock
    service.store.database.clock = lambda: real() + timedelta(minutes=5)
    first = await take(client, BOB)
    assert first["id"] == late["id"]
    assert (await decide(client, first, BOB, kind="confirm")).status_code == 200
    answer = await decide(client, late, ANN, kind="reject")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("already-reviewed")
    assert answer.json()["winner"]["reviewer"] == "bob"
    assert answer.json()["winner"]["answer"] == {"kind": "choice", "label": "positive"}


async def test_a_lease_that_passed_on_is_refused(
    client: httpx.AsyncClient, service: SmallService, doubted: Doubted
) -> None:
    doubted("Well")
    late = await take(client, ANN)
    real = service.store.database.clock
    service.store.database.clock = lambda: real() + timedelta(minutes=5)
    await take(client, BOB)
    answer = await decide(client, late, ANN, kind="confirm")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("lease-expired")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "correct"}, "answer"),
        ({"kind": "correct", "answer": {"kind": "choice", "label": "great"}}, "answer.label"),
        ({"kind": "correct", "answer": {"kind": "spans", "spans": []}}, "answer.kind"),
        ({"kind": "correct", "answer": {"kind": "song"}}, "answer"),
        ({"kind": "praise"}, "kind"),
        ({"kind": "confirm", "seconds": -1}, "seconds"),
        ({"kind": "confirm", "mood": "good"}, "mood"),
        ({"kind": "confirm", "comment": "\x00"}, "comment"),
    ],
)
async def test_a_verdict_that_breaks_a_rule_leaves_the_item_open(
    client: httpx.AsyncClient, doubted: Doubted, body: dict[str, Any], field: str
) -> None:
    doubted("Well")
    item = await take(client)
    answer = await decide(client, item, **body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert (await client.get(f"/v1/reviews/{item['id']}")).json()["status"] == "open"


async def test_a_released_item_is_given_to_the_next(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("Well")
    item = await take(client, ANN)
    body = {"token": item["lease"]["token"]}
    answer = await client.post(f"/v1/reviews/{item['id']}/release", json=body, headers=ANN)
    assert answer.status_code == 204, answer.text
    assert (await take(client, BOB))["id"] == item["id"]


async def test_a_verdict_can_be_taken_back_by_its_reviewer(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("Well")
    item = await take(client, ANN)
    await decide(client, item, kind="reject")
    assert (await client.post(f"/v1/reviews/{item['id']}/undo", headers=BOB)).status_code == 409
    again = (await client.post(f"/v1/reviews/{item['id']}/undo", headers=ANN)).json()
    assert again["status"] == "open"
    assert (await decide(client, again, kind="confirm")).status_code == 200


async def test_the_list_counts_the_queue_and_leases_nothing(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("one", "two", "three")
    await decide(client, await take(client), kind="confirm")
    await take(client)
    first = (await client.get("/v1/reviews", params={"limit": 2})).json()
    assert first["counts"]["open"] == 2
    assert first["counts"]["leased"] == 1
    assert first["counts"]["done"] == 1
    rest = (await client.get("/v1/reviews", params={"cursor": first["next_cursor"]})).json()
    assert len({each["id"] for each in first["reviews"] + rest["reviews"]}) == 3
    assert rest["next_cursor"] is None
    done = (await client.get("/v1/reviews", params={"status": "done"})).json()
    assert [each["verdict"]["kind"] for each in done["reviews"]] == ["confirm"]
