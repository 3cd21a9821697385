"""What a submitter's key may send, and what is told of it."""

from __future__ import annotations

import httpx
from keyed import bearer, key_of, made
from small_service import SmallService

TEXT = {"text": "A fine day.", "guidelines": ["sentiment"]}


async def test_every_change_is_told_with_who_made_it_and_never_what_it_contained(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    admin = key_of(service, "root", "admin")
    ann, text = made(service, "ann", ["submitter"])
    sent = await client.post(
        "/v1/documents",
        json={"id": "the-document", **TEXT},
        headers={**bearer(text), "X-Request-ID": "q-1"},
    )
    assert sent.status_code == 202
    await client.delete("/v1/documents/the-document", headers=bearer(text))
    await client.delete("/v1/documents/the-document", headers=admin)
    await client.get("/v1/documents", headers=admin)
    await client.post("/v1/documents", json=TEXT)
    await client.post("/v1/session", json={"key": text})
    log = (await client.get("/v1/audit-log", headers=admin)).json()
    told = [
        (each["name"], each["method"], each["route"], each["status"]) for each in log["entries"]
    ]
    assert told == [
        ("ann", "POST", "/v1/session", 200),
        ("root", "DELETE", "/v1/documents/{id}", 200),
        ("ann", "DELETE", "/v1/documents/{id}", 403),
        ("ann", "POST", "/v1/documents", 202),
    ]
    last = log["entries"][-1]
    assert (last["key_id"], last["request_id"], last["project"]) == (ann.id, "q-1", "default")
    deleted = log["entries"][1]["target"]
    assert deleted.startswith("e-")  # a document that is gone is named nowhere
    assert "A fine day" not in str(log)
    assert "the-document" not in str(log)


async def test_a_key_may_submit_so_many_documents_in_a_minute(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    key = key_of(service, "few", "submitter", documents_per_minute=3)
    two = {"guidelines": ["sentiment"], "documents": [{"text": "one"}, {"text": "two"}]}
    assert (await client.post("/v1/documents", json=two, headers=key)).status_code == 202
    limited = await client.post("/v1/documents", json=two, headers=key)
    assert limited.status_code == 429
    assert "3 documents in a minute" in limited.json()["detail"]
    assert int(limited.headers["retry-after"]) >= 1
    assert (await client.post("/v1/documents", json=TEXT, headers=key)).status_code == 202
    four = {"guidelines": ["sentiment"], "documents": [{"text": f"n {n}"} for n in range(4)]}
    never = await client.post("/v1/documents", json=four, headers=key)
    assert never.status_code == 422
    assert "may submit 3 in a minute" in never.json()["detail"]
    assert len(service.store.documents.page().items) == 3


async def test_jobs_are_told_without_the_document_that_they_are_of(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    headers = key_of(service, "ann", "submitter")
    for job in ("text:sentiment@1.0.0:a:secret", "audio:a secret", "learning:t-1"):
        await client.post(f"/v1/jobs/{job}/retry", headers=headers)
    told = [each.target for each in service.access.log.page()[0]]
    assert told[0] == "learning:t-1"
    assert told[1].startswith("audio:e-")
    assert told[2].startswith("text:sentiment@1.0.0:e-")
    assert "secret" not in str(told)
