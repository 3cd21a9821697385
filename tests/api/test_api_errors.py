"""Every error is a problem that says what is wrong and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_service import SmallService

ONE = {"text": "A fine day.", "guidelines": ["sentiment"]}
FIELDS = st.sampled_from(["id", "text", "guidelines", "documents", "metadata", "language", "x"])
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


@pytest.fixture
def working(service: SmallService) -> Iterator[None]:
    service.runner.start()
    yield
    service.runner.stop()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"] == f"urn:llmlabel:problem:{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"text": ""}, 422, "empty-text", "text"),
        ({"text": " \n"}, 422, "empty-text", "text"),
        ({"text": "a\x00b"}, 422, "invalid-text", "text"),
        ({"text": "a\ud800b"}, 422, "invalid-text", "text"),
        ({"text": "x" * 1_000_000}, 413, "text-too-long", "text"),
        ({"text": 5}, 422, "invalid-input", "text"),
        ({"guidelines": []}, 422, "invalid-input", "guidelines"),
        ({"guidelines": "sentiment"}, 422, "invalid-input", "guidelines"),
        ({"guidelines": ["nonsense"]}, 404, "unknown-guideline", "guideline"),
        ({"guidelines": ["sentiment@9.9.9"]}, 404, "unknown-guideline", "guideline"),
        ({"guidelines": ["../etc/passwd"]}, 404, "unknown-guideline", "guideline"),
        ({"guidelines": ["transcription"]}, 422, "unsupported", "guidelines"),
        ({"colour": "red"}, 422, "invalid-input", "colour"),
        ({"col\ud800our": "red"}, 422, "invalid-input", "body"),
        ({"id": ""}, 422, "invalid-input", "id"),
        ({"id": "a\nb"}, 422, "invalid-input", "id"),
        ({"id": "a\ud800"}, 422, "invalid-input", "id"),
        ({"id": "x" * 300}, 422, "invalid-input", "id"),
        ({"language": "English!"}, 422, "invalid-input", "language"),
        ({"metadata": {"a": {"b": ["\ud800"]}}}, 422, "invalid-text", "metadata.a.b.0"),
        ({"metadata": {"a": float("nan")}}, 422, "invalid-input", "metadata.a"),
        ({"metadata": {"a": "x" * 70_000}}, 422, "invalid-input", "metadata"),
        ({"metadata": []}, 422, "invalid-input", "metadata"),
    ],
)
async def test_a_body_that_breaks_a_rule_is_refused_by_field(
    client: httpx.AsyncClient, change: dict[str, Any], status: int, code: str, field: str
) -> None:
    body = json.dumps({**ONE, **change})
    answer = await client.post("/v1/documents", content=body, headers=JSON)
    found = problem(answer, status, code)
    assert field in [each["field"] for each in found["errors"]]
    assert (await client.get("/v1/documents")).json()["documents"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"documents": []}, "documents"),
        ({"documents": [ONE, {**ONE, "text": ""}]}, "documents.1.text"),
        ({"documents": [ONE, {**ONE, "txt": ""}]}, "documents.1.txt"),
        ({"documents": [{"text": "a"}]}, "documents.0.guidelines"),
        ({"documents": [{**ONE, "id": str(n)} for n in range(6)]}, "documents"),
        ({"documents": [ONE], "text": "a"}, "text"),
    ],
)
async def test_a_list_that_breaks_a_rule_is_refused_by_field(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/documents", json=body)
    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_a_missing_field_is_named(client: httpx.AsyncClient) -> None:
    found = problem(await client.post("/v1/documents", json={}), 422, "invalid-input")
    assert {each["field"] for each in found["errors"]} == {"text", "guidelines"}


@pytest.mark.usefixtures("working")
async def test_an_id_with_other_content_is_a_conflict(client: httpx.AsyncClient) -> None:
    await client.post("/v1/documents", json={**ONE, "id": "a"})
    answer = await client.post("/v1/documents", json={**ONE, "id": "a", "text": "Other."})
    assert "choose another id" in problem(answer, 409, "document-conflict")["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": }', b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_not_json_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/documents", content=body, headers=JSON)
    assert answer.status_code in {400, 422}, answer.text
    problem(answer, answer.status_code, answer.json()["type"].rpartition(":")[2])


async def test_malformed_json_says_where(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/documents", content=b'{"text": }', headers=JSON)
    assert "at character 9" in problem(answer, 400, "malformed-json")["detail"]


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/xml", "x"])
@pytest.mark.parametrize("path", ["/v1/documents", "/v1/audio", "/v1/reviews/x/verdict"])
async def test_another_content_type_is_refused(
    client: httpx.AsyncClient, content_type: str | None, path: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await client.post(path, content=json.dumps(ONE).encode(), headers=headers)
    assert "content type" in problem(answer, 415, "unsupported-media-type")["detail"]


async def test_a_path_that_does_not_exist_is_a_problem(client: httpx.AsyncClient) -> None:
    assert "/docs" in problem(await client.get("/v1/nothing"), 404, "not-found")["detail"]


async def test_a_wrong_method_is_a_problem_that_names_the_right_one(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.delete("/v1/audio")
    problem(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    "path", ["/v1/documents/none", "/v1/documents/none/labels", "/v1/reviews/none"]
)
async def test_what_is_not_there_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "good"}, "status"),
        ({"cursor": "!!"}, "cursor"),
        ({"cursor": "x" * 500}, "cursor"),
    ],
)
async def test_a_query_that_breaks_a_rule_is_refused_by_parameter(
    client: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    found = problem(await client.get("/v1/documents", params=query), 422, "invalid-input")
    assert [each["field"] for each in found["errors"]] == [field]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/documents/a%00b", "id"),
        ("/v1/documents?guideline=%00", "guideline"),
        ("/v1/reviews/%00", "id"),
        ("/v1/reviews?cursor=%00", "cursor"),
    ],
)
async def test_a_nul_in_an_address_is_refused(
    client: httpx.AsyncClient, path: str, field: str
) -> None:
    found = problem(await client.get(path), 422, "invalid-input")
    assert [each["field"] for each in found["errors"]] == [field]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=VALUES | st.dictionaries(FIELDS, VALUES, max_size=6))
async def test_whatever_is_sent_is_refused_as_a_problem(
    client: httpx.AsyncClient, body: object
) -> None:
    answer = await client.post("/v1/documents", content=json.dumps(body), headers=JSON)
    assert answer.status_code in {404, 413, 422}, answer.text
    problem(answer, answer.status_code, answer.json()["type"].rpartition(":")[2])


async def test_a_body_over_the_limit_is_refused_and_not_read_to_its_end(app: FastAPI) -> None:
    from llmlabel.api.app import MAX_JSON_BYTES

    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1 << 20
            yield b" " * (1 << 20)

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.post("/v1/documents", content=endless(), headers=JSON)
    problem(answer, 413, "content-too-large")
    assert sent <= 2 * MAX_JSON_BYTES + (2 << 20)


async def test_an_unexpected_error_leaks_nothing(
    client: httpx.AsyncClient, service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(service.store.documents, "page", broken)
    answer = await client.get("/v1/documents")
    problem(answer, 500, "internal-error")
    assert "hunter2" not in answer.text


async def test_a_store_that_is_gone_is_503(
    client: httpx.AsyncClient, service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmlabel.errors import StoreUnavailable

    def gone(*args: object, **kwargs: object) -> None:
        raise StoreUnavailable("The database cannot be reached.")

    monkeypatch.setattr(service.store.documents, "page", gone)
    answer = await client.get("/v1/documents")
    problem(answer, 503, "store-unavailable")
    assert answer.headers["retry-after"] == "5"


async def test_the_clients_request_id_comes_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz", headers={"X-Request-ID": "mine-7"})
    assert answer.headers["x-request-id"] == "mine-7"
    odd = await client.get("/healthz", headers={"X-Request-ID": "a b\tc"})
    assert odd.headers["x-request-id"] != "a b\tc"
