"""What is said about requests that no route takes, and about values of the wrong kind."""

from __future__ import annotations

import httpx
import pytest


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/documents", {"GET", "POST"}),
        ("/v1/documents/a%2Fb", {"GET", "DELETE"}),
        ("/v1/webhooks", {"GET", "POST"}),
        ("/v1/webhooks/wh_1", {"GET", "PATCH", "DELETE"}),
        ("/v1/certificates", {"GET", "POST"}),
    ],
)
async def test_a_method_that_a_path_does_not_take_is_told_all_that_it_takes(
    client: httpx.AsyncClient, path: str, methods: set[str]
) -> None:
    answer = await client.request("TRACE", path)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == methods
    assert answer.headers["Allow"] in answer.json()["detail"]


@pytest.mark.parametrize("token", [2**31, 2**63, 10**40, "1", True, 1.0])
async def test_a_token_that_no_lease_has_is_refused(
    client: httpx.AsyncClient, token: object
) -> None:
    body = {"token": token, "kind": "skip"}
    headers = {"X-Reviewer": "ada"}
    answer = await client.post("/v1/reviews/r-1/verdict", json=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "token"


@pytest.mark.parametrize("day", ["0", "1e9", "-5.5", "tomorrow"])
async def test_a_day_is_written_as_one(client: httpx.AsyncClient, day: str) -> None:
    answer = await client.get("/v1/metrics/costs", params={"since": day})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "since"
    assert (await client.get("/v1/metrics/costs", params={"since": "2026-03-05"})).is_success
