"""A key exchanged for a browser's cookie: who is believed, who is not, when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from keyed import bearer, key_of, made
from small_service import SmallService

HTTPS = {"base_url": "https://service"}
CHANGE = "/v1/reviews/undo"


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


async def sign_in(client: httpx.AsyncClient, text: str, **headers: str) -> httpx.Response:
    return await client.post("/v1/session", json={"key": text}, headers=headers)


async def signed_in(client: httpx.AsyncClient, service: SmallService, *roles: str) -> str:
    """Sign in with a new key; gives the CSRF token."""
    _, text = made(service, "ann", roles or ["reviewer"])
    answer = await sign_in(client, text)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["csrf_token"]
    return token


async def test_a_key_is_exchanged_for_a_cookie_that_scripts_cannot_read(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    _, text = made(service, "ann", ["reviewer"])
    answer = await sign_in(client, text)
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("llmlabel_session=")
    for attribute in ("httponly", "samesite=strict", "path=/", "max-age=43"):
        assert attribute in cookie
    assert "secure" not in cookie
    assert text not in answer.text
    me = (await client.get("/v1/session")).json()
    assert me == answer.json()
    assert (me["open"], me["name"], me["roles"]) == (False, "ann", ["reviewer"])


async def test_over_https_no_other_host_can_set_the_cookie(
    app: FastAPI, service: SmallService
) -> None:
    _, text = made(service, "ann", ["reviewer"])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://service") as client:
        answer = await sign_in(client, text)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-llmlabel_session=")
        assert "Secure" in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert (await client.get("/v1/session")).json()["name"] == "ann"
        plain = {"Cookie": cookie.split(";")[0].removeprefix("__Host-")}
        client.cookies.clear()
        assert (await client.get("/v1/session", headers=plain)).status_code == 401


async def test_a_change_by_cookie_needs_the_token_of_that_session(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    token = await signed_in(client, service)
    nothing_to_undo = 404
    answer = await client.post(CHANGE, headers={"X-CSRF-Token": token})
    assert answer.status_code == nothing_to_undo, answer.text
    other = await signed_in(client, service)  # the cookie is another one now
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": token}):
        refused = await client.post(CHANGE, headers=headers)
        assert refused.status_code == 403
        assert refused.json()["type"].endswith(":wrong-csrf-token")
    assert (await client.get("/v1/reviews/queues")).status_code == 200
    assert (await client.post(CHANGE, headers={"X-CSRF-Token": other})).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 404),
        ({"Origin": "http://localhost"}, 404),
        ({"Origin": "http://elsewhere"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://other.service"}, 403),
    ],
)
async def test_a_change_by_cookie_comes_from_this_very_site(
    client: httpx.AsyncClient, service: SmallService, headers: dict[str, str], status: int
) -> None:
    token = await signed_in(client, service)
    answer = await client.post(CHANGE, headers={"X-CSRF-Token": token, **headers})
    assert answer.status_code == status
    if status == 403:
        _, text = made(service, "eve", ["reviewer"])
        assert (await sign_in(client, text, **headers)).status_code == 403


async def test_signing_out_ends_the_session_on_the_server(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    token = await signed_in(client, service)
    kept = dict(client.cookies)
    answer = await client.delete("/v1/session", headers={"X-CSRF-Token": token})
    assert answer.status_code == 204
    assert 'llmlabel_session=""' in answer.headers["set-cookie"]
    assert answer.headers["clear-site-data"] == '"cache"'
    client.cookies.update(kept)
    assert (await client.get("/v1/session")).status_code == 401


async def test_signing_in_again_ends_the_session_before(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    await signed_in(client, service)
    kept = dict(client.cookies)
    await signed_in(client, service)
    assert (await client.get("/v1/session")).status_code == 200
    client.cookies.clear()
    client.cookies.update(kept)
    assert (await client.get("/v1/session")).status_code == 401


async def test_a_session_ends_at_once_with_its_key(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    admin = key_of(service, "root", "admin")
    await signed_in(client, service)
    me = (await client.get("/v1/session")).json()
    assert (await client.delete(f"/v1/keys/{me['key_id']}", headers=admin)).status_code == 200
    answer = await client.get("/v1/session")
    assert answer.status_code == 401
    assert "sign in again" in answer.json()["detail"]


async def test_a_key_revoked_by_another_process_counts_no_more_after_a_moment(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    key, text = made(service, "ann", ["reviewer"])
    assert (await client.get("/v1/session", headers=bearer(text))).status_code == 200
    await sign_in(client, text)
    service.store.keys.revoke(key.id)  # as `llmlabel keys revoke` does
    for headers in (bearer(text), {}):
        for _ in range(100):
            status = (await client.get("/v1/session", headers=headers)).status_code
            if status == 401:
                break
            await asyncio.sleep(0.1)
        assert status == 401


async def test_without_keys_there_is_nothing_to_sign_in_to(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.access.keys._read_at = None  # nobody asked anything for a while
    answer = await sign_in(client, "llml_" + "a" * 10 + "_" + "b" * 43)
    me = (await client.get("/v1/session")).json()
    assert (me["open"], me["name"], me["csrf_token"]) == (True, None, None)
    assert answer.status_code == 409
    assert "set-cookie" not in answer.headers


async def test_failed_sign_ins_are_limited_and_told_without_the_key(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    key, text = made(service, "ann", ["reviewer"])
    _, other = made(service, "bob", ["reviewer"])
    assert (await sign_in(client, other)).status_code == 200
    client.cookies.clear()
    wrong = text[:-1] + ("a" if text[-1] != "a" else "b")
    with structlog.testing.capture_logs() as logs:
        for _ in range(10):
            assert (await sign_in(client, wrong)).status_code == 401
        limited = await sign_in(client, wrong)
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) >= 1
    assert "10" in limited.json()["detail"]
    refusals = [each for each in logs if each["event"] == "key refused"]
    assert len(refusals) == 10
    assert refusals[0]["key_id"] == key.id
    secret = text.rpartition("_")[2]
    assert secret[:20] not in repr(logs)
    assert secret[:20] not in limited.text
    assert (await sign_in(client, text)).status_code == 429  # the right one, too, has to wait
    assert (await sign_in(client, other)).status_code == 200  # whoever is known, has not
    assert not [each for each in audit(service) if each.status == 401]


async def test_guesses_that_come_together_are_no_more_than_those_that_come_in_turn(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    _, text = made(service, "ann", ["reviewer"])
    wrong = text[:-1] + ("a" if text[-1] != "a" else "b")
    answers = await asyncio.gather(*(sign_in(client, wrong) for _ in range(30)))
    refused = [each.status_code for each in answers]
    assert set(refused) == {401, 429}
    assert refused.count(401) <= 11  # two are tried at once


async def test_a_lease_taken_by_get_is_a_change_like_any_other(
    client: httpx.AsyncClient, service: SmallService, doubted: Callable[..., list[str]]
) -> None:
    await signed_in(client, service)
    doubted("fine", "good")
    take = "/v1/reviews/next"
    for elsewhere in ("cross-site", "same-site"):
        foreign = {"Sec-Fetch-Site": elsewhere}
        assert (await client.get(take, headers=foreign)).status_code == 403
    for site, status in (("same-origin", 200), ("none", 200), ("same-origin", 204)):
        assert (await client.get(take, headers={"Sec-Fetch-Site": site})).status_code == status
    told = [(each.method, each.route, each.status) for each in audit(service)]
    assert told == [("GET", take, 200), ("GET", take, 200), ("POST", "/v1/session", 200)]


async def test_the_body_of_a_sign_in_is_never_quoted(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    _, text = made(service, "ann", ["reviewer"])
    for body in ({"key": text, "more": 1}, {"key": [text]}, {"key": text * 20}, [text]):
        answer = await client.post("/v1/session", json=body)
        assert answer.status_code == 422
        assert text[20:] not in answer.text
    form = await client.post("/v1/session", data={"key": text})
    assert form.status_code == 415
    long = await client.post("/v1/session", json={"key": text * 1000})
    assert long.status_code == 413  # who has no key yet is not read without end


def audit(service: SmallService) -> list[Any]:
    return service.access.log.page(limit=200)[0]
