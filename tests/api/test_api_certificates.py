"""Certificates over HTTP: asked for, waited for, refused, listed; and what is known of labels."""

from __future__ import annotations

import httpx
from small_service import SmallService

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold, part_of
from llmlabel.domain.promise import Promise

WAIT = {"Prefer": "wait=60"}
PROMISE = {"kind": "delivered", "error": 0.05, "probability": 0.95}
ASK = {"guideline": "sentiment", "promise": PROMISE}
REF = "sentiment@1.0.0"


def give_gold(service: SmallService, n: int, *, right: bool = True) -> list[Document]:
    """Gold that certifies; the service says `positive` of everything."""
    texts = (Document.of_text(f"gold {'yes' if right else 'no'} {i}") for i in range(10 * n))
    documents = [each for each in texts if part_of(each.text_sha256) == "certify"][:n]
    answer = ChoiceAnswer(label="positive" if right else "negative")
    service.store.gold.add([NewGold(document=each, answer=answer) for each in documents], REF)
    return documents


async def test_a_certificate_is_asked_for_and_found_at_its_place(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    give_gold(service, 100)
    service.held = True
    asked = await client.post("/v1/certificates", json=ASK)
    assert asked.status_code == 202
    body = asked.json()
    assert (body["status"], body["certificate"], body["failure"]) == ("queued", None, None)
    assert asked.headers["location"] == body["url"]
    assert (await client.get(body["url"])).json() == body
    service.held = False
    done = await client.post("/v1/certificates", json=ASK, headers=WAIT)  # one at a time
    found = (await client.get(body["url"])).json()
    assert found["status"] == "done"
    certificate = found["certificate"]
    assert (certificate["status"], certificate["n"]) == ("active", 100)
    assert certificate["bound"] <= 0.05
    assert "sample" not in certificate
    assert done.status_code == 200
    assert done.json()["certificate"]["id"] == certificate["id"], "nothing had changed"


async def test_what_cannot_be_proved_says_why(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    give_gold(service, 40)
    answer = await client.post("/v1/certificates", json=ASK, headers=WAIT)
    assert answer.status_code == 200
    certificate = answer.json()["certificate"]
    assert certificate["status"] == "infeasible"
    assert certificate["threshold"] is None
    assert "at least 72" in certificate["reason"]
    assert certificate["further_gold"] > 0


async def test_without_a_promise_the_request_is_refused_at_once(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    give_gold(service, 100)
    answer = await client.post("/v1/certificates", json={"guideline": "sentiment"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "LLMLABEL_PROMISE" in answer.json()["detail"]
    service.promise = Promise.parse("delivered:0.05:0.95")
    answer = await client.post("/v1/certificates", json={"guideline": "sentiment"}, headers=WAIT)
    assert answer.json()["certificate"]["promise"] == PROMISE


async def test_gold_that_was_trained_on_fails_with_the_remedy(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    gold = give_gold(service, 100)
    sha256 = service.guidelines.get(REF).sha256
    id = service.store.trainings.begin(REF, sha256, "a test")
    report = {"fit_texts": [gold[0].text_sha256]}
    service.store.trainings.finish(id, b"learned", report, activate=True)  # type: ignore[arg-type]
    answer = await client.post("/v1/certificates", json=ASK, headers=WAIT)
    body = answer.json()
    assert (answer.status_code, body["status"], body["certificate"]) == (200, "failed", None)
    assert body["failure"]["code"] == "conflict"
    assert "llmlabel train" in body["failure"]["detail"]
    assert (await client.get("/v1/certificates")).json() == {"certificates": []}


async def test_a_repeated_key_asks_once(client: httpx.AsyncClient, service: SmallService) -> None:
    give_gold(service, 100)
    headers = {"Idempotency-Key": "once"}
    first = await client.post("/v1/certificates", json=ASK, headers=headers)
    again = await client.post("/v1/certificates", json=ASK, headers=headers)
    assert again.json()["id"] == first.json()["id"]
    assert len(service.store.events.after(kind="learn.asked")) == 1


async def test_certificates_are_listed_newest_first(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    give_gold(service, 100)
    await client.post("/v1/certificates", json=ASK, headers=WAIT)
    other = {**ASK, "promise": {**PROMISE, "error": 0.1}}
    await client.post("/v1/certificates", json=other, headers=WAIT)
    listed = (await client.get("/v1/certificates", params={"guideline": "sentiment"})).json()
    assert [each["status"] for each in listed["certificates"]] == ["active", "superseded"]
    active = await client.get("/v1/certificates", params={"status": "active"})
    assert [each["promise"]["error"] for each in active.json()["certificates"]] == [0.1]
    assert (await client.get("/v1/certificates?guideline=intent")).json() == {"certificates": []}
