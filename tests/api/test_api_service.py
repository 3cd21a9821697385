"""Guidelines, health, the description, and the service on a real socket."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import jsonschema
import pytest
import uvicorn
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.api import create_app
from llmlabel.models import load_catalogue


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


async def test_guidelines_are_listed_and_read_whole(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/guidelines")).json()
    assert {"sentiment@1.0.0", "ner@1.0.0", "pos@1.0.0", "intent@1.0.0"} <= {
        each["ref"] for each in listed["guidelines"]
    }
    whole = (await client.get("/v1/guidelines/sentiment")).json()
    assert (await client.get("/v1/guidelines/sentiment@1.0.0")).json() == whole
    assert whole["clauses"]
    missing = await client.get("/v1/guidelines/sentiment@7.0.0")
    assert missing.status_code == 404
    assert missing.json()["type"].endswith("unknown-guideline")


async def test_a_service_without_weights_is_alive_but_not_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json()["status"] == "ok"
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "llmlabel models pull whisper-base" in answer.json()["detail"]
    states = {each["name"]: each["state"] for each in answer.json()["models"]}
    assert states["qwen2.5-coder-1.5b-instruct"] == "missing"
    assert answer.json()["store"] == "ok"


async def test_a_service_says_which_models_are_loaded(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.settings.llm = "openai/some-model"
    service.loaded = {"whisper-base", "minilm-l6-int8", "en_core_web_sm"}
    service.store.work.beat("elsewhere")
    answer = await client.get("/readyz")
    assert answer.status_code == 200, answer.text
    states = {each["name"]: each["state"] for each in answer.json()["models"]}
    assert states["whisper-base"] == "loaded"
    assert states["openai/some-model"] == "external"


async def test_weights_that_lie_there_are_available(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    entry = load_catalogue().get("en_core_web_sm")
    for file in entry.files:
        path = service.models.folder / entry.name / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            out.truncate(file.bytes)
    states = {
        each["name"]: each["state"] for each in (await client.get("/readyz")).json()["models"]
    }
    assert states["en_core_web_sm"] == "available"


async def test_a_lost_database_is_not_ready(
    client: httpx.AsyncClient, service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmlabel.errors import StoreUnavailable

    def gone() -> None:
        raise StoreUnavailable("The database cannot be reached.")

    monkeypatch.setattr(service.store, "ping", gone)
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["store"] == "unavailable"


@pytest.fixture
async def description(client: httpx.AsyncClient) -> dict[str, Any]:
    schema: dict[str, Any] = (await client.get("/openapi.json")).json()
    return schema


async def test_every_reference_of_the_description_leads_somewhere(
    description: dict[str, Any],
) -> None:
    assert description["openapi"].startswith("3.1")
    names = set(description["components"]["schemas"])
    used = set(re.findall(r'"#/components/schemas/(\w+)"', str(description).replace("'", '"')))
    assert used <= names
    for schema in description["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


async def test_every_schema_has_an_example_that_it_allows(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("examples")] == []
    for name, schema in schemas.items():
        for example in schema["examples"]:
            problems = list(_validator(description, schema).iter_errors(example))
            assert problems == [], f"{name}: {problems}"


async def test_every_kind_of_verdict_has_an_example(description: dict[str, Any]) -> None:
    verdict = description["paths"]["/v1/reviews/{id}/verdict"]["post"]["requestBody"]["content"]
    media = verdict["application/json"]
    assert set(media["examples"]) == {"confirm", "correct", "reject", "skip"}
    for example in media["examples"].values():
        assert not list(_validator(description, media["schema"]).iter_errors(example["value"]))


async def test_every_operation_documents_its_errors_as_problems(
    description: dict[str, Any],
) -> None:
    seen = set()
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            assert operation["summary"]
            assert operation["tags"]
            if path == "/healthz":
                continue
            errors = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
            assert {"422", "500", "503"} <= set(errors), (method, path)
            for response in errors.values():
                assert list(response["content"]) == ["application/problem+json"]


async def test_the_documentation_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "openapi.json" in answer.text
    assert not re.search(r"https?://|//cdn", answer.text)


async def test_the_service_answers_on_a_socket(service: SmallService) -> None:
    config = uvicorn.Config(create_app(service), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=address, timeout=120) as client:
        answer = await client.post(
            "/v1/documents",
            json={"id": "a/b", "text": "A fine day.", "guidelines": ["sentiment"]},
            headers={"Prefer": "wait=60"},
        )
        assert answer.status_code == 200, answer.text
        assert (await client.get(answer.headers["location"])).json()["id"] == "a/b"
        large = await client.post(
            "/v1/documents", content=b" " * (65 << 20), headers={"Content-Type": "application/json"}
        )
        assert large.status_code == 413
        assert large.headers["content-type"] == "application/problem+json"
        assert (await client.get("/healthz")).status_code == 200
    server.should_exit = True
    await serving


def _validator(description: dict[str, Any], schema: dict[str, Any]) -> Any:
    whole = {**schema, "components": description["components"]}
    return jsonschema.Draft202012Validator(whole)
