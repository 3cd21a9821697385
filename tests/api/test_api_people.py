"""Reviewers, flags and relabeling over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold

ANN, EVE = {"X-Reviewer": "ann"}, {"X-Reviewer": "eve"}


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


async def put(client: httpx.AsyncClient, name: str, **body: Any) -> httpx.Response:
    return await client.put(f"/v1/reviewers/{name}", json=body)


async def take(client: httpx.AsyncClient, **who: str) -> dict[str, Any]:
    answer = await client.get("/v1/reviews/next", headers=who or ANN)
    assert answer.status_code == 200, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def decide(client: httpx.AsyncClient, item: dict[str, Any], **verdict: Any) -> dict[str, Any]:
    body = {"token": item["lease"]["token"], **verdict}
    answer = await client.post(f"/v1/reviews/{item['id']}/verdict", json=body, headers=ANN)
    assert answer.status_code == 200, answer.text
    done: dict[str, Any] = answer.json()
    return done


def fields(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"].startswith("application/problem+json")
    return [each["field"] for each in answer.json()["errors"]]


async def test_a_reviewer_gets_only_what_they_are_cleared_for(
    client: httpx.AsyncClient, doubted: Callable[..., list[str]]
) -> None:
    doubted("How nice")
    cleared = await put(client, "ann", guidelines=["ner"], adjudicates=False, note="new")
    assert cleared.status_code == 200
    assert (cleared.json()["guidelines"], cleared.json()["adjudicates"]) == (["ner"], False)
    assert (await client.get("/v1/reviews/next", headers=ANN)).status_code == 204
    await put(client, "ann", guidelines=None)
    assert (await take(client))["document"]["text"] == "How nice?"


async def test_reviewers_are_listed_with_what_they_did(
    client: httpx.AsyncClient, doubted: Callable[..., list[str]]
) -> None:
    assert (await client.get("/v1/reviewers")).json() == {"reviewers": []}
    doubted("How nice", "How bad")
    await decide(client, await take(client), kind="confirm", seconds=6.0)
    await put(client, "eve", guidelines=["ner"])
    ann, eve = (await client.get("/v1/reviewers")).json()["reviewers"]
    assert (ann["name"], ann["guidelines"], ann["decided"]) == ("ann", None, 1)
    assert (ann["median_seconds"], ann["items_per_hour"]) == (6.0, 600.0)
    assert (ann["benchmarks"], ann["error"], ann["error_high"]) == (0, None, 1.0)
    assert (eve["name"], eve["guidelines"], eve["decided"]) == ("eve", ["ner"], 0)
    of_one = (await client.get("/v1/reviewers?guideline=sentiment")).json()["reviewers"]
    assert [each["name"] for each in of_one] == ["ann"]
    assert (await client.get("/v1/reviewers?guideline=none")).status_code == 404


async def test_a_clearance_that_cannot_be_meant_is_refused(client: httpx.AsyncClient) -> None:
    unknown = await put(client, "ann", guidelines=["sentiment", "nothing"])
    assert (unknown.status_code, fields(unknown)) == (422, ["guidelines.1"])
    assert "sentiment" in unknown.json()["detail"]
    assert fields(await put(client, "%20")) == ["name"]
    assert fields(await put(client, "a" * 201)) == ["name"]
    assert fields(await put(client, "ann", skills=["ner"])) == ["skills"]


async def test_a_flag_goes_to_evaluators_and_the_item_stays_with_its_reviewer(
    client: httpx.AsyncClient, doubted: Callable[..., list[str]]
) -> None:
    doubted("How nice")
    item = await take(client)
    clause = item["guideline"]["clauses"][0]["id"]
    body = {"comment": "What of irony?", "clause": clause}
    made = await client.post(f"/v1/reviews/{item['id']}/flag", json=body, headers=ANN)
    assert made.status_code == 200, made.text
    flag = made.json()
    assert (flag["reviewer"], flag["clause"], flag["resolution"]) == ("ann", clause, None)
    assert flag["document_id"] == item["document"]["id"]
    listed = await client.get("/v1/flags", params={"guideline": "sentiment", "open": True})
    assert listed.json() == {"flags": [flag]}
    await decide(client, item, kind="confirm")
    where = f"/v1/flags/{flag['id']}/resolve"
    answered = await client.post(where, json={"resolution": "Clause added."}, headers=EVE)
    assert answered.json()["resolved_by"] == "eve"
    again = await client.post(where, json={"resolution": "No."}, headers=ANN)
    assert again.status_code == 409
    assert (await client.get("/v1/flags?open=true")).json() == {"flags": []}
    assert len((await client.get("/v1/flags")).json()["flags"]) == 1


async def test_a_flag_that_says_nothing_or_of_nothing_is_refused(
    client: httpx.AsyncClient, doubted: Callable[..., list[str]]
) -> None:
    doubted("How nice")
    id = (await take(client))["id"]

    async def flag(id: str, headers: dict[str, str] = ANN, **body: Any) -> httpx.Response:
        return await client.post(f"/v1/reviews/{id}/flag", json=body, headers=headers)

    assert fields(await flag(id, comment=" ")) == ["comment"]
    assert fields(await flag(id)) == ["comment"]
    assert fields(await flag(id, comment="?", clause="NONE-1")) == ["clause"]
    assert fields(await flag(id, comment="?", headers={})) == ["X-Reviewer"]
    assert (await flag("r-none", comment="?")).status_code == 404
    missing = await client.post("/v1/flags/f-none/resolve", json={"resolution": "-"}, headers=ANN)
    assert missing.status_code == 404


def accepted(service: SmallService, *texts: str) -> None:
    ref = service.guidelines.get("sentiment").ref
    documents = [Document.of_text(text) for text in texts]
    service.store.documents.add(documents, [ref])
    service.store.labels.save([service.label_of(document, ref) for document in documents])


async def test_labels_are_queued_again_and_counted_without_it(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    accepted(service, "Fine", "Good")
    body = {"guideline": "sentiment", "label": "positive", "confidence_below": 0.95}
    dry = await client.post("/v1/reviews/relabel", json=body | {"dry_run": True})
    assert dry.json() == {"selected": 2, "queued": 0}
    assert (await client.get("/v1/reviews/next", headers=ANN)).status_code == 204
    one = await client.post("/v1/reviews/relabel", json=body | {"limit": 1, "reason": "Why?"})
    assert one.json() == {"selected": 1, "queued": 1}
    item = await take(client)
    assert (item["kind"], item["reason"]) == ("relabel", "Why?")
    rest = await client.post("/v1/reviews/relabel", json=body)
    assert rest.json() == {"selected": 1, "queued": 1}
    none = await client.post("/v1/reviews/relabel", json={"guideline": "ner"})
    assert none.json() == {"selected": 0, "queued": 0}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"label": "joy"}, "label"),
        ({"confidence_below": 2}, "confidence_below"),
        ({"confidence_below": 0.2, "confidence_above": 0.3}, "confidence_below"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00"}, "until"),
        ({"verified": False, "suspected_errors": True}, "verified"),
        ({"limit": 0}, "limit"),
        ({"reason": "a\x00"}, "reason"),
        ({"labels": ["joy"]}, "labels"),
    ],
)
async def test_what_cannot_be_relabeled_names_its_field(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/reviews/relabel", json={"guideline": "sentiment"} | body)
    assert (answer.status_code, fields(answer)) == (422, [field])


async def test_hidden_gold_over_http_is_like_any_item_and_stays_so(
    client: httpx.AsyncClient, service: SmallService, doubted: Callable[..., list[str]]
) -> None:
    doubted("How nice")
    ref = service.guidelines.get("sentiment").ref
    gold = NewGold(document=Document.of_text("Awful"), answer=ChoiceAnswer(label="negative"))
    service.store.gold.add([gold], ref)
    guideline = service.guidelines.get(ref)
    policy = guideline.policy.model_copy(update={"benchmarks": 0.5})
    measured = guideline.model_copy(update={"policy": policy})
    queue = service.reviews._mixing.queue
    queue._guideline, queue._chance = lambda ref: measured, lambda: 0.0
    item = await take(client)
    assert (item["document"]["text"], item["blind"], item["kind"]) == ("Awful", True, None)
    flag = await client.post(f"/v1/reviews/{item['id']}/flag", json={"comment": "?"}, headers=ANN)
    assert flag.status_code == 200
    said = {"kind": "correct", "answer": {"kind": "choice", "label": "positive"}}
    done = await decide(client, item, **said)
    for shown in (done, (await client.get(f"/v1/reviews/{item['id']}")).json()):
        assert (shown["status"], shown["kind"], shown["proposal"]) == ("done", None, None)
        assert "negative" not in str({**shown, "guideline": None})
    undone = await client.post(f"/v1/reviews/{item['id']}/undo", headers=ANN)
    assert undone.json()["status"] == "open"
    await decide(client, undone.json(), **said)
    (ann,) = (await client.get("/v1/reviewers")).json()["reviewers"]
    assert (ann["decided"], ann["benchmarks"], ann["wrong"]) == (0, 1, 1.0)


async def test_a_certification_may_ask_for_the_reviewers_error(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    body = {"guideline": "transcription", "reviewer_error": True}
    promise = {"kind": "delivered", "error": 0.05, "probability": 0.95}
    answer = await client.post("/v1/certificates", json=body | {"promise": promise})
    assert (answer.status_code, fields(answer)) == (422, ["reviewer_error"])
