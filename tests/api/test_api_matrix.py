"""Every route of the description, by every role: who may, and nobody else."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from keyed import bearer, expired, key_of, revoked
from small_service import SmallService

from llmlabel.api.permissions import PUBLIC, ROLES_OF
from llmlabel.domain.access import ROLES

METHODS = {"get", "head", "post", "put", "patch", "delete"}


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


def operations(app: FastAPI) -> dict[str, dict[str, Any]]:
    """Every operation that is described, by method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


async def ask(client: httpx.AsyncClient, name: str, headers: dict[str, str]) -> httpx.Response:
    """Ask for nothing in particular: who is let in gets an answer about that."""
    method, path = name.split(" ")
    return await client.request(method, re.sub(r"\{\w+\}", "nothing", path), headers=headers)


def is_refused_by_role(answer: httpx.Response) -> bool:
    if answer.request.method == "HEAD":  # whose answer has no body
        return answer.status_code == 403
    return answer.status_code == 403 and "is for the roles" in answer.json()["detail"]


def test_every_route_is_described_and_states_its_roles(app: FastAPI) -> None:
    described = set(operations(app))
    routed = {
        f"{method} {context.path_format}"
        for context in iter_route_contexts(app.routes)
        for method in (context.methods or ())
        if method != "HEAD"
    }
    hidden = {name.partition(" ")[2] for name in routed - described}
    # Static files and the description itself; the former are public, the latter needs a key.
    pages = {"/review", "/review/", "/review/icon.svg", "/review/assets/{name}"}
    assert hidden - pages == {"/openapi.json", "/docs"}
    assert described == set(ROLES_OF) | PUBLIC
    assert all("admin" in roles for roles in ROLES_OF.values())


def test_the_description_shows_who_may_use_what(app: FastAPI) -> None:
    schemes = app.openapi()["components"]["securitySchemes"]
    for name, operation in operations(app).items():
        if name in PUBLIC:
            assert operation["security"] == []
            continue
        assert operation["x-roles"] == list(ROLES_OF[name])
        assert [list(each) for each in operation["security"]] == [[each] for each in schemes]
        assert {"401", "403", "429"} <= set(operation["responses"])
        assert "For the roles: " in operation["description"]


async def test_each_role_may_use_what_is_stated_and_nothing_else(
    app: FastAPI, client: httpx.AsyncClient, service: SmallService
) -> None:
    keys = {role: key_of(service, role, role) for role in ROLES}
    for name in set(operations(app)) - PUBLIC:
        for role, headers in keys.items():
            answer = await ask(client, name, headers)
            assert answer.status_code != 401, (name, role, answer.text)
            may = role == "admin" or role in ROLES_OF[name]
            assert is_refused_by_role(answer) != may, (name, role, answer.text)


async def test_several_roles_may_what_any_of_them_may(
    app: FastAPI, client: httpx.AsyncClient, service: SmallService
) -> None:
    both = key_of(service, "both", "submitter", "reviewer")
    for name in set(operations(app)) - PUBLIC:
        may = bool({"submitter", "reviewer"} & set(ROLES_OF[name]))
        assert is_refused_by_role(await ask(client, name, both)) != may, name


async def test_without_a_key_that_counts_nobody_gets_anywhere(
    app: FastAPI, client: httpx.AsyncClient, service: SmallService
) -> None:
    """As soon as there is one key, and even when none of them counts."""
    headers = {
        "nothing": {},
        "no key": bearer("llml_" + "a" * 10 + "_" + "b" * 43),
        "another scheme": {"Authorization": "Basic YW5uOmFubg=="},
        "a made up session": {"Cookie": "llmlabel_session=" + "c" * 43},
        "a reviewer's name": {"X-Reviewer": "ann"},
        "revoked": revoked(service),
        "expired": expired(service),
    }
    service.access.attempts.per_minute = 10**6
    names = (set(operations(app)) - PUBLIC) | {
        "GET /openapi.json",
        "GET /docs",
        "GET /v1/none",
        "PATCH /v1/documents",
    }
    for name in names:
        for what, each in headers.items():
            answer = await ask(client, name, each)
            assert answer.status_code == 401, (name, what, answer.text)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/healthz", "/review", "/review/assets/none.js"):
        assert (await client.get(path)).status_code != 401
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert "llmlabel models pull" not in ready.text
    assert "models" in ready.json()["detail"]
    assert {"name": "models", "ok": False, "reason": None} in ready.json()["checks"]


async def test_while_there_are_no_keys_everything_is_open_on_this_machine_alone(
    app: FastAPI, client: httpx.AsyncClient, service: SmallService
) -> None:
    for name in sorted(set(operations(app)) - {"POST /v1/keys"}):
        assert (await ask(client, name, {})).status_code not in (401, 403), name
    app.state.doorkeeper._loopback = False
    for name in set(operations(app)) - PUBLIC:
        assert (await ask(client, name, {})).status_code == 401, name
    app.state.doorkeeper._loopback = True
    undo, take = "/v1/reviews/undo?reviewer=a", "/v1/reviews/next?reviewer=a"
    for foreign in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://elsewhere"},
    ):
        assert (await client.post(undo, headers=foreign)).status_code == 403
        assert (await client.get(take, headers=foreign)).status_code == 403
        assert (await client.get("/v1/reviews", headers=foreign)).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8765", 200),
        ("127.0.0.1", 200),
        ("[::1]:8765", 200),
        ("rebound.example", 403),
        ("localhost.rebound.example", 403),
        ("[", 403),
        ("", 403),
    ],
)
async def test_without_keys_no_name_of_another_site_leads_here(
    client: httpx.AsyncClient, service: SmallService, host: str, status: int
) -> None:
    answer = await client.get("/v1/documents", headers={"Host": host})
    assert answer.status_code == status, answer.text
    admin = key_of(service, "root", "admin")
    answer = await client.get("/v1/documents", headers={"Host": host, **admin})
    assert answer.status_code == 200


async def test_without_keys_a_proxy_on_this_machine_lets_nobody_in(
    app: FastAPI, service: SmallService
) -> None:
    for address, status in (("127.0.0.1", 200), ("203.0.113.7", 401), ("unknown", 401)):
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get("/v1/documents")).status_code == status
