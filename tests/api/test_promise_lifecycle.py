"""A promise from first to last over HTTP, on the whole application: stated, proved, kept, broken,
proved again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from mood_service import REF, give_gold, provider, right, settings, texts, write_guideline

from llmlabel.api import create_app
from llmlabel.bootstrap import Application, build
from llmlabel.domain.label import Label
from llmlabel.learning.watch import BREACHED
from llmlabel.store.tables import labels

ANN, WAIT = {"X-Reviewer": "ann"}, {"Prefer": "wait=120"}
PROMISE = {"kind": "accepted", "error": 0.1, "probability": 0.9}


@pytest.fixture
async def application(tmp_path: Path) -> AsyncIterator[Application]:
    with provider() as fake:
        guidelines = write_guideline(tmp_path / "guidelines")
        yield build(settings(tmp_path / "home", fake.url, guidelines, train_after=0))


@pytest.fixture
async def client(application: Application) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(application)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


async def test_a_promise_is_proved_kept_broken_and_proved_again(
    client: httpx.AsyncClient, application: Application
) -> None:
    # Nothing proves it yet: everything goes to people, whatever the model says.
    for label in await deliver(client, texts(110, 1000)):
        assert (label["route"], label["promise"], label["certificate"]) == ("review", PROMISE, None)
        assert "nothing proves it yet" in label["reason"]
    assert (await quality(client))["state"] == "unproved"
    assert await review(client) == 110

    # Their verdicts are gold, and prove it.
    first = await certify(client)
    assert (first["status"], first["promise"]) == ("active", PROMISE)
    assert (await quality(client))["state"] == "certified"

    # Now what reaches the threshold is accepted; some is drawn, and looked at blindly.
    good = await deliver(client, texts(60, 2000))
    accepted = [each for each in good if each["route"] == "accepted"]
    assert len(accepted) > 30
    assert {each["certificate"] for each in accepted} == {first["id"]}
    stored = [label_of(application, each["id"]) for each in accepted]
    assert {each.audit_rate for each in stored} == {0.5}
    drawn = [each for each in stored if each.drawn]
    assert 0 < len(drawn) < len(stored)
    await review(client, blind={each.document_id for each in drawn})
    assert (await quality(client))["audits"]["estimate"] == 0.0

    # The documents change: the model is wrong and nearly as sure, and the audits find out.
    wrong = await deliver(client, texts(40, 3960, "odd"))
    unseen = {each["id"] for each in wrong if each["route"] == "accepted"}
    unseen -= {id for id in unseen if label_of(application, id).drawn}
    place = places(application)
    while (await quality(client))["state"] == "certified":
        assert await review(client, limit=1) == 1, "audits alone must find the breach"
    closed = await quality(client)
    assert closed["state"] == "closed"
    assert (closed["certificate"], closed["last"]["status"]) == (None, "breached")
    assert (closed["last"]["id"], REF in closed["gate"]["reason"]) == (first["id"], True)
    [event] = application.store.events.after(kind=BREACHED)
    waiting = await open_reviews(client)
    last_good = event.payload["good_until"]
    since = {id for id in unseen if place[id] > last_good}
    assert len(since) > len(unseen) / 2
    assert since <= waiting, "what was accepted since the last good audit is looked at again"
    before = {each.document_id for each in stored if place[each.document_id] < last_good}
    assert len(before) > len(drawn)
    assert not before & waiting, "what a good audit came after stays"

    # Until it is proved anew on what comes now, everything goes to people.
    assert (await certify(client))["status"] == "infeasible"
    [refused] = await deliver(client, texts(1, 4500))
    assert (refused["route"], refused["certificate"]) == ("review", None)
    await review(client)
    for id in since:
        found = (await client.get(f"/v1/documents/{id}")).json()
        assert found["labels"][0]["answer"]["label"] == right(found["text"])
    give_gold(application.store, texts(400, 5000))

    second = await certify(client)
    assert second["status"] == "active", second["reason"]
    assert (await quality(client))["state"] == "certified"
    again = await deliver(client, texts(20, 6000))
    assert {each["certificate"] for each in again} == {second["id"]}
    assert any(each["route"] == "accepted" for each in again)


async def deliver(client: httpx.AsyncClient, given: list[str]) -> list[dict[str, Any]]:
    """Have texts labeled; gives their labels."""
    body = {"documents": [{"text": text} for text in given], "guidelines": ["mood"]}
    answer = await client.post("/v1/documents", json=body, headers=WAIT)
    assert answer.status_code == 200, answer.text
    found = []
    for document in answer.json()["documents"]:
        [label] = document["labels"]
        assert not {"audit_rate", "drawn", "forced"} & {*label, *label["source"]}
        found.append(label | {"id": document["id"]})
    return found


async def review(
    client: httpx.AsyncClient, limit: int = 1000, blind: set[str] | None = None
) -> int:
    """Decide what waits, rightly; those of `blind` must be among it, and show no proposal."""
    decided, left = 0, set(blind or ())
    while decided < limit:
        taken = await client.get("/v1/reviews/next", headers=ANN)
        if taken.status_code == 204:
            break
        item = taken.json()
        if item["document"]["id"] in left:
            left.discard(item["document"]["id"])
            assert item["blind"]
        if item["blind"]:
            assert (item["kind"], item["reason"], item["proposal"]) == (None, None, None)
        answer = {"kind": "choice", "label": right(item["document"]["text"])}
        done = await client.post(
            f"/v1/reviews/{item['id']}/verdict",
            json={"token": item["lease"]["token"], "kind": "correct", "answer": answer},
            headers=ANN,
        )
        assert done.status_code == 200, done.text
        decided += 1
    assert not left
    return decided


async def certify(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/v1/certificates", json={"guideline": "mood"}, headers=WAIT)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["status"] == "done", body
    return dict(body["certificate"])


async def quality(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/metrics/quality", params={"guideline": "mood"})
    [found] = answer.json()["guidelines"]
    return dict(found)


async def open_reviews(client: httpx.AsyncClient) -> set[str]:
    answer = await client.get("/v1/reviews", params={"status": "open", "limit": 200})
    assert answer.status_code == 200, answer.text
    return {each["document_id"] for each in answer.json()["reviews"]}


def places(application: Application) -> dict[str, int]:
    """The order in which documents were labeled."""
    with application.store.database.read() as connection:
        rows = connection.execute(sa.select(labels.c.document_id, labels.c.seq)).all()
    return {row.document_id: row.seq for row in rows}


def label_of(application: Application, id: str) -> Label:
    [stored] = application.store.documents.get(id).labels
    return stored.label
