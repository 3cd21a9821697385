"""A real scrape, read as Prometheus reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from small_service import SmallService

from llmlabel.errors import StoreUnavailable
from llmlabel.monitoring import Scrape
from llmlabel.store.batch_tables import batches
from llmlabel.telemetry import Telemetry

Samples = dict[str, list[tuple[dict[str, str], float]]]


def samples_of(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return found


async def _scrape(client: httpx.AsyncClient, *, whole: bool = True) -> Samples:
    answer = await client.get("/metrics")
    # On a busy machine the first one may not wait long enough for the database.
    while whole and not {"llmlabel_queue_depth", "llmlabel_gate_state"} <= set(
        samples_of(answer.text)
    ):
        answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples_of(answer.text)


def _value(samples: Samples, name: str, **labels: str) -> float:
    [value] = [v for held, v in samples[name] if labels.items() <= held.items()]
    return value


async def test_requests_are_counted_by_the_templates_of_their_routes(
    client: httpx.AsyncClient,
) -> None:
    described = set((await client.get("/openapi.json")).json()["paths"])
    for number in range(30):
        await client.get(f"/v1/documents/some-{number}")
        await client.get(f"/v1/documents/some-{number}/recording")
        await client.get(f"/nothing/{number}")
        await client.request(f"BREW{number}", "/healthz")
    samples = await _scrape(client)
    counted = samples["llmlabel_http_requests_total"]
    routes = {labels["route"] for labels, _ in counted}
    assert routes <= described | {"unmatched", "/openapi.json", "/metrics"}
    assert {labels["worker"] for labels, _ in counted} == {"small"}
    of = "llmlabel_http_requests_total"
    assert _value(samples, of, route="/v1/documents/{id}", status="404", method="GET") == 30
    assert _value(samples, of, route="/v1/documents/{id}/recording", status="404") == 30
    assert _value(samples, of, route="unmatched", status="404") == 30
    assert _value(samples, of, route="/healthz", method="other") == 30
    assert _value(samples, "llmlabel_http_request_seconds_count", route="unmatched") == 30


async def test_labels_queue_and_reviews_are_told(
    client: httpx.AsyncClient, service: SmallService, doubted: Callable[..., list[str]]
) -> None:
    for text in ("Fine.", "Good.", "Is it?"):
        body = {"text": text, "guidelines": ["sentiment"]}
        sent = await client.post("/v1/documents", json=body, headers={"Prefer": "wait=60"})
        assert sent.status_code == 200
    service.held = True
    await client.post("/v1/documents", json={"text": "Waits.", "guidelines": ["sentiment"]})
    leased = (await client.get("/v1/reviews/next", headers={"X-Reviewer": "Ada"})).json()
    verdict = {"kind": "confirm", "token": leased["lease"]["token"], "seconds": 7.5}
    done = await client.post(
        f"/v1/reviews/{leased['id']}/verdict", json=verdict, headers={"X-Reviewer": "Ada"}
    )
    assert done.status_code == 200, done.text
    doubted("Another")
    samples = await _scrape(client)
    service.held = False
    ref = "sentiment@1.0.0"
    assert _value(samples, "llmlabel_labels_total", guideline=ref, route="accepted") == 2
    assert _value(samples, "llmlabel_labels_total", guideline=ref, route="review") == 2
    assert _value(samples, "llmlabel_labels_total", guideline=ref, route="verified") == 1
    assert _value(samples, "llmlabel_queue_depth", queue="label", guideline=ref) == 1
    assert _value(samples, "llmlabel_queue_oldest_seconds", queue="label") >= 0
    assert _value(samples, "llmlabel_reviews_open", guideline=ref) == 1
    assert _value(samples, "llmlabel_verdicts_total", guideline=ref, kind="confirm") == 1
    took = "llmlabel_decision_seconds"
    assert _value(samples, f"{took}_bucket", guideline=ref, le="5.0") == 0
    assert _value(samples, f"{took}_bucket", guideline=ref, le="10.0") == 1
    assert _value(samples, f"{took}_sum", guideline=ref) == 7.5
    assert _value(samples, "llmlabel_gate_state", guideline=ref, state="threshold") == 1
    assert _value(samples, "llmlabel_stage_documents_total", stage="store") == 3
    assert _value(samples, "process_resident_memory_bytes") > 1e6
    assert "Ada" not in (await client.get("/metrics")).text


async def test_batches_and_their_lines_are_told(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    body = {"guidelines": ["sentiment"]}
    await client.post("/v1/batches", json=body)
    id = (await client.post("/v1/batches", json=body)).json()["batch"]["id"]
    await client.put(f"/v1/batches/{id}/file", content=b'{"text": "Fine."}\n{\n{"text": "Good."}')
    while service.batches.get(id).status != "done":  # noqa: ASYNC110 - a thread reads it
        await asyncio.sleep(0.05)
    half = sa.update(batches).where(batches.c.id == service.batches.create(["sentiment"]).id)
    with service.store.database.write() as connection:
        connection.execute(half.values(status="paused", lines=7, lines_read=2))
    samples: Samples = {}
    while "llmlabel_batches" not in samples:
        samples = samples_of(Scrape(Telemetry("other"), service.each, list).render()[0].decode())
    counted = {labels["status"]: n for labels, n in samples["llmlabel_batches"] if n}
    assert counted == {"uploading": 1, "done": 1, "paused": 1}
    lines = {labels["state"]: n for labels, n in samples["llmlabel_batch_lines"]}
    assert lines == {"accepted": 2, "refused": 1, "unread": 5}


async def test_openmetrics_is_spoken_to_who_asks(client: httpx.AsyncClient) -> None:
    answer = await client.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families: list[Metric] = list(openmetrics.text_string_to_metric_families(answer.text))
    assert "llmlabel_store_up" in {family.name for family in families}


async def test_a_lost_database_leaves_the_numbers_of_the_process(
    client: httpx.AsyncClient, service: SmallService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise StoreUnavailable("The database cannot be reached.")

    monkeypatch.setattr(service.store.database, "read", gone)
    samples = await _scrape(client, whole=False)
    while _value(samples, "llmlabel_store_up") == 1:  # it is asked in the background
        samples = await _scrape(client, whole=False)
    assert "llmlabel_reviews_open" not in samples
    assert "process_resident_memory_bytes" in samples


async def test_processes_on_one_database_tell_the_same_of_it(
    client: httpx.AsyncClient, service: SmallService, doubted: Callable[..., list[str]]
) -> None:
    doubted("One", "Two")
    other = Scrape(Telemetry("other"), service.each, list)
    here = await _scrape(client)
    there: Samples = {}
    while "llmlabel_gate_state" not in there or "llmlabel_labels_total" not in there:
        there = samples_of(other.render()[0].decode())
    for name in ("llmlabel_labels_total", "llmlabel_reviews_open", "llmlabel_gate_state"):
        assert here[name] == there[name]
        assert all("worker" not in labels for labels, _ in here[name])
    assert "llmlabel_http_requests_total" not in there
