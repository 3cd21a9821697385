"""Blind items: nothing over HTTP tells what was proposed, nor which of them are audits."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.domain.document import Document
from llmlabel.domain.label import Route

ANN = {"X-Reviewer": "ann"}


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


def put(service: SmallService, text: str, guideline: str = "sentiment", **changes: Any) -> str:
    """A label that was drawn for an audit, unless the changes say otherwise."""
    ref = service.guidelines.get(guideline).ref
    document = Document.of_text(text)
    service.store.documents.add([document], [ref])
    label = service.label_of(document, ref)
    drawn = {"audit_rate": 0.05, "drawn": True, "route": Route.ACCEPTED}
    service.store.labels.save([label.model_copy(update=drawn | changes)])
    return document.id


async def take(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/reviews/next", headers=ANN)
    assert answer.status_code == 200, answer.text
    item: dict[str, Any] = answer.json()
    return item


HIDDEN = ("kind", "reason", "proposal", "opinions", "scores", "answers")


async def test_an_open_blind_item_shows_the_document_only(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    put(service, "Well")
    item = await take(client)
    body = {"token": item["lease"]["token"]}
    renewed = await client.post(f"/v1/reviews/{item['id']}/renew", json=body, headers=ANN)
    got = await client.get(f"/v1/reviews/{item['id']}")
    for shown in (item, renewed.json(), got.json()):
        assert shown["blind"] is True
        assert {key: shown[key] for key in HIDDEN} == dict.fromkeys(HIDDEN)
        assert shown["document"]["text"] == "Well"
        assert shown["tokens"] is None
        for word in ("0.9", "0.8", "positive", "audit"):
            assert word not in str({**shown, "guideline": None}), word


async def test_an_audit_and_another_blind_item_look_the_same(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    put(service, "Well")
    put(service, "Bad?", route=Route.REVIEW)
    put(service, "All?", route=Route.REVIEW, forced=True)
    listed = (await client.get("/v1/reviews")).json()["reviews"]
    own = ("id", "document_id", "created_at")
    assert len({str({k: v for k, v in each.items() if k not in own}) for each in listed}) == 1
    assert {(each["reason"], each["priority"], each["kind"]) for each in listed} == {
        (None, None, None)
    }
    items = [await take(client) for _ in range(3)]
    own = (*own, "document", "lease")
    assert len({str({k: v for k, v in each.items() if k not in own}) for each in items}) == 1


async def test_after_the_verdict_everything_is_shown_but_not_to_who_may_still_take_it_back(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    id = put(service, "Well")
    item = await take(client)
    url = f"/v1/reviews/{item['id']}"
    refused = await client.post(
        f"{url}/verdict", json={"token": item["lease"]["token"], "kind": "confirm"}, headers=ANN
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "kind"
    answer = {"kind": "choice", "label": "negative"}
    body = {"token": item["lease"]["token"], "kind": "correct", "answer": answer}
    done = (await client.post(f"{url}/verdict", json=body, headers=ANN)).json()
    assert {key: done[key] for key in HIDDEN} == dict.fromkeys(HIDDEN)
    assert (done["status"], done["verdict"]["answer"]) == ("done", answer)
    shown = (await client.get(url)).json()
    assert (shown["kind"], shown["blind"]) == ("audit", True)
    assert shown["proposal"]["answer"]["label"] == "positive"
    assert shown["reason"] and shown["opinions"]
    (listed,) = (await client.get("/v1/reviews")).json()["reviews"]
    assert listed["kind"] == "audit" and listed["reason"]
    document = (await client.get(f"/v1/documents/{id}")).json()
    assert document["labels"][0]["answer"] == answer
    again = (await client.post(f"{url}/undo", headers=ANN)).json()
    assert {key: again[key] for key in HIDDEN} == dict.fromkeys(HIDDEN)


async def test_what_was_said_is_hidden_where_the_transcript_is_asked_for(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    put(service, "what was said", "transcription")
    item = await take(client)
    assert item["document"]["text"] is None
    assert item["document"]["text_sha256"] is None
    assert item["document"]["transcript"] is None
    assert "what was said" not in str(item)
