"""What clients learn of promises, certificates and quality; nothing here needs the queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold, part_of
from llmlabel.domain.label import Label
from llmlabel.domain.promise import Promise

PROMISE = {"kind": "delivered", "error": 0.05, "probability": 0.95}
ASK = {"guideline": "sentiment", "promise": PROMISE}
REF = "sentiment@1.0.0"


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


def give_gold(service: SmallService, n: int) -> None:
    texts = (Document.of_text(f"gold {i}") for i in range(10 * n))
    documents = [each for each in texts if part_of(each.text_sha256) == "certify"][:n]
    answer = ChoiceAnswer(label="positive")
    service.store.gold.add([NewGold(document=each, answer=answer) for each in documents], REF)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"error": 0}, "promise.error"),
        ({"error": 1}, "promise.error"),
        ({"probability": 1.0}, "promise.probability"),
        ({"kind": "perhaps"}, "promise.kind"),
    ],
)
async def test_a_promise_of_nothing_or_everything_is_refused(
    client: httpx.AsyncClient, change: dict[str, object], field: str
) -> None:
    answer = await client.post(
        "/v1/certificates", json={"guideline": "sentiment", "promise": {**PROMISE, **change}}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_what_does_not_exist_is_not_found(client: httpx.AsyncClient) -> None:
    for path in ("/v1/certificates/c-none", "/v1/certificates?guideline=none"):
        assert (await client.get(path)).status_code == 404
    answer = await client.post("/v1/certificates", json={**ASK, "guideline": "none"})
    assert answer.status_code == 404
    assert (await client.get("/v1/metrics/quality?guideline=none")).status_code == 404


async def test_quality_without_anything_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/metrics/quality", params={"guideline": "sentiment"})
    [found] = answer.json()["guidelines"]
    assert found["state"] == "threshold"
    assert found["certificate"] is None
    assert found["audits"] == {
        "accepted": 0, "done": 0, "pending": 0, "estimate": None, "low": 0.0, "high": 1.0
    }  # fmt: skip
    assert found["counts"] == {"accepted": 0, "review": 0, "waiting": 0, "decisions": 0}


async def test_quality_tells_of_audits_days_and_a_closed_gate(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    give_gold(service, 120)
    id = await service.certify("c-1", REF, Promise.model_validate(PROMISE).model_dump_json())
    deliver(service, id, 30)
    audit(service, 10, right=True)
    found = await quality(client)
    assert found["state"] == "certified"
    assert found["certificate"]["id"] == id
    assert (found["audits"]["done"], found["audits"]["pending"]) == (10, 20)
    assert found["audits"]["estimate"] == 0.0
    assert found["counts"] == {"accepted": 30, "review": 0, "waiting": 20, "decisions": 10}
    assert [day["documents"] for day in found["drift"]] == [30]
    audit(service, 20, right=False)
    service.watch.check(REF)
    found = await quality(client)
    assert found["state"] == "closed"
    assert "llmlabel certify" in found["gate"]["reason"]
    assert (found["certificate"], found["last"]["status"]) == (None, "breached")


async def test_a_label_names_its_promise_and_certificate_and_hides_the_audit(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    [label] = deliver(service, "c-1", 1)
    body = (await client.get(f"/v1/documents/{label.document_id}")).json()
    [shown] = body["labels"]
    assert (shown["promise"], shown["certificate"]) == (PROMISE, "c-1")
    hidden = {"audit_rate", "drawn", "forced"}
    assert not hidden & {*shown, *shown["source"]}
    bare = service.label_of(Document.of_text("Fine."), REF)
    service.store.documents.add([Document.of_text("Fine.", id="bare")], [REF])
    service.store.labels.save([bare.model_copy(update={"document_id": "bare"})])
    [shown] = (await client.get("/v1/documents/bare")).json()["labels"]
    assert (shown["promise"], shown["certificate"]) == (None, None)


def deliver(service: SmallService, certificate: str, n: int) -> list[Label]:
    documents = [Document.of_text(f"to label {i}", id=f"t{i}") for i in range(n)]
    service.store.documents.add(documents, [REF])
    labels = [
        service.label_of(each, REF).model_copy(
            update={
                "certificate": certificate,
                "promise": Promise.model_validate(PROMISE),
                "audit_rate": 1.0,
                "drawn": True,
                "created_at": datetime.now(UTC),
            }
        )
        for each in documents
    ]
    service.store.labels.save(labels)
    return labels


def audit(service: SmallService, n: int, *, right: bool) -> None:
    for _ in range(n):
        item = service.reviews.next("maria", REF)
        assert item is not None
        assert item.label.label.certificate is not None
        answer = ChoiceAnswer(label="positive" if right else "negative")
        service.reviews.verdict(
            item.id, token=item.token, kind="correct", reviewer="maria", answer=answer
        )


async def quality(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/v1/metrics/quality", params={"guideline": "sentiment"})
    [found] = answer.json()["guidelines"]
    return dict(found)
