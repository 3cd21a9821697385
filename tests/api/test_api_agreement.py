"""Agreement and the dashboard's numbers as clients get them; nothing here needs the queue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document

REF = "sentiment@1.0.0"


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


def label(service: SmallService, n: int, **changes: object) -> None:
    documents = [Document.of_text(f"to label {i}", id=f"t{i}") for i in range(n)]
    service.store.documents.add(documents, [REF])
    given = {"audit_rate": 0.5, "drawn": True, "created_at": datetime.now(UTC)} | changes
    service.store.labels.save(
        [service.label_of(each, REF).model_copy(update=given) for each in documents]
    )


def decide(service: SmallService, reviewer: str, *labels: str) -> None:
    for each in labels:
        [item] = service.reviews.take(reviewer)
        answer = ChoiceAnswer(label=each)
        service.reviews.verdict(
            item.id,
            token=item.token,
            kind="correct",
            reviewer=reviewer,
            answer=answer,
            seconds=4.0,
        )


async def detail(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get(
        "/v1/metrics/quality", params={"guideline": "sentiment", "detail": "true"}
    )
    [found] = answer.json()["guidelines"]
    return dict(found)


async def test_without_detail_there_is_none(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/metrics/quality", params={"guideline": "sentiment"})
    [found] = answer.json()["guidelines"]
    assert found["detail"] is None
    assert found["state"] == "threshold"
    assert 0 < found["threshold"] < 1


async def test_detail_has_the_figures_of_what_chance_chose(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    label(service, 4)
    decide(service, "maria", "positive", "positive", "negative")
    found = await detail(client)
    told = found["detail"]
    assert (told["n"], told["threshold"]) == (3, found["threshold"])
    assert told["reliability"]["n"] == 3
    assert told["reliability"]["auroc"] == 0.5
    [bin_] = told["reliability"]["bins"]
    assert (bin_["n"], bin_["accuracy"]) == (3, pytest.approx(2 / 3))
    [point] = told["risk_coverage"]
    assert (point["threshold"], point["coverage"]) == (0.9, 1.0)
    assert point["risk"] == pytest.approx(1 / 3)
    assert point["bound"] is not None
    assert told["active"]["risk"] == pytest.approx(1 / 3)
    labels = told["confusion"]["labels"]
    row, column = labels.index("negative"), labels.index("positive")
    assert told["confusion"]["counts"][row][column] == 1
    [maria] = told["throughput"]
    assert (maria["reviewer"], maria["decided"], maria["per_hour"]) == ("maria", 3, 900.0)
    [waits] = told["waiting"]
    assert (waits["kind"], waits["open"], waits["median_seconds"]) == ("blind", 1, 4.0)
    assert waits["title"]
    assert told["agreement"] is None


async def test_agreement_is_told_of_a_guideline_by_name(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    label(service, 2, reviewers=2)
    decide(service, "ann", "positive", "negative")
    decide(service, "bea", "positive", "positive")
    answer = await client.get("/v1/metrics/agreement", params={"guideline": "sentiment"})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["guideline"], found["panels"], found["settled"]) == (REF, 2, 1)
    assert found["pairs"] == [{"reviewers": ["ann", "bea"], "n": 2, "agreement": 0.5, "cohen": 0.0}]
    assert (await detail(client))["detail"]["agreement"] == found


async def test_a_guideline_must_be_named_and_known(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/metrics/agreement")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "guideline"
    answer = await client.get("/v1/metrics/agreement", params={"guideline": "none"})
    assert answer.status_code == 404
