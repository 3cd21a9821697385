"""Keys over the API, what is told of changes, limits, and the headers of every answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from keyed import bearer, key_of, made
from small_service import SmallService

from llmlabel.store.projects import Projects


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


async def test_the_first_key_over_the_api_is_an_admins_and_closes_the_service(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    refused = await client.post("/v1/keys", json={"name": "ann", "roles": ["reviewer"]})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "roles"
    first = await client.post("/v1/keys", json={"name": "root", "roles": ["admin"]})
    assert first.status_code == 201
    assert first.headers["cache-control"] == "no-store"
    assert (await client.get("/v1/keys")).status_code == 401
    admin = bearer(first.json()["secret"])
    second = await client.post(
        "/v1/keys", json={"name": "ann", "roles": ["reviewer"]}, headers=admin
    )
    listed = (await client.get("/v1/keys", headers=admin)).json()["keys"]
    assert [(each["name"], each["state"]) for each in listed] == [
        ("root", "active"),
        ("ann", "active"),
    ]
    assert listed[1]["created_by"] == "root"
    assert second.json()["secret"] not in str(listed)
    one = await client.get(second.headers["location"], headers=admin)
    assert one.json() == listed[1]
    gone = await client.delete(f"/v1/keys/{listed[1]['id']}", headers=admin)
    assert gone.json()["state"] == "revoked"


async def test_the_secret_of_a_key_is_kept_under_no_idempotency_key(
    client: httpx.AsyncClient, service: SmallService, tmp_path: Any
) -> None:
    headers = {"Idempotency-Key": "once", **key_of(service, "root", "admin")}
    body = {"name": "ann", "roles": ["reviewer"]}
    first, second = [await client.post("/v1/keys", json=body, headers=headers) for _ in "ab"]
    assert first.json()["secret"] != second.json()["secret"]
    service.store.close()
    held = b"".join(file.read_bytes() for file in tmp_path.glob("store.db*"))
    assert first.json()["secret"].rpartition("_")[2].encode() not in held


async def test_an_answer_kept_for_one_key_is_given_to_no_other(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    one, other = key_of(service, "one", "admin"), key_of(service, "other", "admin")
    again = {"Idempotency-Key": "once"}
    body = {"url": "https://example.org/hook", "events": ["gate.closed"]}
    first = await client.post("/v1/webhooks", json=body, headers={**one, **again})
    assert first.status_code == 201, first.text
    replayed = await client.post("/v1/webhooks", json=body, headers={**one, **again})
    assert replayed.json() == first.json()
    refused = await client.post("/v1/webhooks", json=body, headers={**other, **again})
    assert refused.status_code == 409


async def test_admins_see_and_end_the_keys_of_their_own_project_alone(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    Projects(service.store.database).create("east")
    ours, _ = made(service, "ann", ["reviewer"])
    east = key_of(service, "eve", "admin", project="east")
    for method in ("GET", "DELETE"):
        answer = await client.request(method, f"/v1/keys/{ours.id}", headers=east)
        assert answer.status_code == 404
    listed = (await client.get("/v1/keys", headers=east)).json()["keys"]
    assert [each["name"] for each in listed] == ["eve"]
    new = await client.post("/v1/keys", json={"name": "x", "roles": ["admin"]}, headers=east)
    assert new.json()["key"]["project"] == "east"
    body = {"name": "x", "roles": ["admin"], "project": "default"}
    assert (await client.post("/v1/keys", json=body, headers=east)).status_code == 422
    log = (await client.get("/v1/audit-log", headers=east)).json()["entries"]
    assert {each["project"] for each in log} == {"east"}


@pytest.mark.parametrize(
    "moment", ["2020-01-01", "9999-12-31T23:59:59-14:00", "12345", "tomorrow", ""]
)
async def test_a_key_that_would_have_ended_or_never_be_is_refused(
    client: httpx.AsyncClient, service: SmallService, moment: str
) -> None:
    body = {"name": "ann", "roles": ["admin"], "expires_at": moment}
    answer = await client.post("/v1/keys", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "expires_at"


async def test_the_log_of_changes_is_read_page_by_page_and_by_what_is_asked(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    admin = key_of(service, "root", "admin")
    ann, text = made(service, "ann", ["reviewer"])
    for n in range(3):
        await client.post(f"/v1/reviews/r-{n}/undo", headers=bearer(text))
    await client.post("/v1/reviews/undo", headers=admin)

    async def targets(**query: str) -> list[str]:
        answer = await client.get("/v1/audit-log", params=query, headers=admin)
        assert answer.status_code == 200, answer.text
        return [each["target"] for each in answer.json()["entries"]]

    assert await targets(name="ann") == ["r-2", "r-1", "r-0"]
    assert await targets(key_id=ann.id, target="r-1") == ["r-1"]
    assert await targets(route="/v1/reviews/undo") == [""]
    assert await targets(method="DELETE") == []
    assert await targets(since="2020-01-01", until="2021-01-01") == []
    assert len(await targets(since="2020-01-01T00:00:00Z")) == 4
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert await targets(since=later) == []
    page = (await client.get("/v1/audit-log?limit=3", headers=admin)).json()
    assert len(page["entries"]) == 3
    rest = await client.get(f"/v1/audit-log?cursor={page['next_cursor']}", headers=admin)
    assert [each["target"] for each in rest.json()["entries"]] == ["r-0"]
    assert rest.json()["next_cursor"] is None


async def test_a_key_may_send_so_many_requests_in_a_minute(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    few = key_of(service, "few", "reviewer", requests_per_minute=3)
    many = key_of(service, "many", "reviewer")
    left = []
    for _ in range(3):
        answer = await client.get("/v1/guidelines", headers=few)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"requests";q=3;w=60'
        left.append(answer.headers["ratelimit"].split(";")[1])
    assert left == ["r=2", "r=1", "r=0"]
    limited = await client.get("/v1/guidelines", headers=few)
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["retry-after"]) <= 20
    assert limited.json()["type"].endswith(":rate-limited")
    assert "3 requests in a minute" in limited.json()["detail"]
    answer = await client.get("/v1/guidelines", headers=many)
    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers  # the settings have no limit here


async def test_every_answer_bears_the_headers_that_guard_it(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    admin = key_of(service, "root", "admin")
    paths = ("/healthz", "/readyz", "/v1/documents", "/metrics", "/docs", "/openapi.json")
    for path in (*paths, "/review", "/v1/none", "/v1/documents/none"):
        for headers in ({}, admin):
            answer = await client.get(path, headers=headers)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
            assert answer.headers["cache-control"] == (
                "no-cache" if path == "/review" else "no-store"
            )
            assert "strict-transport-security" not in answer.headers
    policy = (await client.get("/docs", headers=admin)).headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.count("'sha256-") == 2


async def test_an_answer_to_a_fault_is_guarded_as_well(
    client: httpx.AsyncClient, service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(service.store.documents, "page", broken)
    answer = await client.get("/v1/documents")
    assert answer.status_code == 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
