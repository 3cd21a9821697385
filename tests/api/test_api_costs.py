"""What labels cost and how providers do, over HTTP and on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService
from typer.testing import CliRunner

from llmlabel.cli.main import app as cli
from llmlabel.domain.document import Document
from llmlabel.llm.budget import EVERYTHING
from llmlabel.llm.provider import PREFIX
from llmlabel.llm.provider_state import ProviderState


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


@pytest.fixture
def paid(service: SmallService) -> Callable[..., None]:
    """Has texts labeled by a model that costs so much for each of them."""

    def label(n: int, cost: float | None, guideline: str = "sentiment@1.0.0") -> None:
        documents = [Document.of_text(f"{guideline} {cost} {i}") for i in range(n)]
        service.store.documents.add(documents, [guideline])
        made = []
        for document in documents:
            bare = service.label_of(document, guideline)
            opinion = bare.opinions[0]
            source = opinion.source.model_copy(update={"cost_usd": cost, "prompt_tokens": 100})
            paid = opinion.model_copy(update={"source": source})
            made.append(bare.model_copy(update={"opinions": (paid,)}))
        service.store.labels.save(made)

    return label


async def test_the_costs_of_one_label_and_of_a_thousand_are_told(
    client: httpx.AsyncClient, paid: Callable[..., None], service: SmallService
) -> None:
    paid(4, 0.0005)
    paid(2, 0.002, "intent@1.0.0")
    service.store.spending.reserve(EVERYTHING, 1_500_000_000, {})
    found = (await client.get("/v1/metrics/costs")).json()
    dear, cheap = found["costs"]
    assert (dear["key"], dear["labels"], dear["cost_usd"]) == ("intent@1.0.0", 2, 0.004)
    assert cheap["usd_per_label"] == pytest.approx(0.0005)
    assert cheap["usd_per_1000_labels"] == pytest.approx(0.5)
    assert found["total"]["labels"] == 6
    assert found["total"]["prompt_tokens"] == 600
    day = found["spent"][2]
    assert (day["period"], day["spent_usd"], day["left_usd"]) == ("day", 1.5, 0.5)


async def test_costs_are_summed_by_model_and_day_within_a_time(
    client: httpx.AsyncClient, paid: Callable[..., None]
) -> None:
    paid(3, 0.001)
    by_model = (await client.get("/v1/metrics/costs?by=model&guideline=sentiment")).json()
    assert [each["key"] for each in by_model["costs"]] == ["fake"]
    [day] = (await client.get("/v1/metrics/costs?by=day")).json()["costs"]
    past = await client.get(f"/v1/metrics/costs?by=day&until={day['key']}&since=2100-01-01")
    assert past.json()["costs"] == []
    assert past.json()["total"]["labels"] == 0
    unknown = await client.get("/v1/metrics/costs?guideline=nothing")
    assert unknown.status_code == 404
    assert (await client.get("/v1/metrics/costs?by=colour")).status_code == 422


async def test_a_mean_is_not_told_where_a_price_is_unknown(
    client: httpx.AsyncClient, paid: Callable[..., None]
) -> None:
    paid(1, 0.001)
    paid(1, None)
    total = (await client.get("/v1/metrics/costs")).json()["total"]
    assert (total["unknown"], total["usd_per_label"], total["cost_usd"]) == (1, None, 0.001)


async def test_a_provider_in_trouble_is_announced_and_leaves_the_service_ready_to_accept(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    def trouble(note: str | None, now: float) -> tuple[str, None]:
        return ProviderState(failures=10, opened=now).model_dump_json(), None

    service.notes.change(f"{PREFIX}openai", trouble)
    answer = (await client.get("/readyz")).json()
    [provider] = answer["providers"]
    assert (provider["provider"], provider["circuit"]) == ("openai", "open")
    assert "openai" not in answer["detail"]
    text = (await client.get("/metrics")).text
    assert 'llmlabel_provider_circuit{provider="openai",state="open"} 1.0' in text
    assert 'llmlabel_budget_usd{period="day"} 2.0' in text


def test_the_command_line_tells_costs_as_well(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("LLMLABEL_HOME", str(tmp_path))
    monkeypatch.setenv("LLMLABEL_BUDGET_USD", "5")
    shown = CliRunner().invoke(cli, ["costs"])
    assert shown.exit_code == 0, shown.output
    assert "No label was saved yet" in shown.output
    assert "$5.00" in shown.output
    said = json.loads(CliRunner().invoke(cli, ["costs", "--by", "day", "--json"]).output)
    assert (said["total"]["labels"], said["spent"][0]["left_usd"]) == (0, 5.0)
