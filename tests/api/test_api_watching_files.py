"""The dashboard, the alerts and their runbook speak of metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


@pytest.fixture
async def families(client: httpx.AsyncClient) -> dict[str, str]:
    """The type of each metric of a scrape, by its name."""
    text = ""
    while "llmlabel_queue_depth" not in text or "llmlabel_gate_state" not in text:
        text = (await client.get("/metrics")).text  # a busy machine may take more than one
    found = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.M))
    return {name: kind for name, kind in found.items() if not name.endswith("_created")}


def _known(families: dict[str, str]) -> set[str]:
    return {name + suffix for name, kind in families.items() for suffix in SUFFIXES[kind]}


def _metrics_of(query: str) -> set[str]:
    plain = re.sub(r'"[^"]*"', '""', query)
    plain = re.sub(r"\b(?:by|on|without)\s*\([^)]*\)", "", plain)
    plain = re.sub(r"\{[^}]*\}", "", plain)
    return set(re.findall(r"\b((?:llmlabel|process)_\w+|up)\b", plain))


def _queries(dashboard: dict[str, Any]) -> dict[str, list[str]]:
    return {
        panel["title"]: [target["expr"] for target in panel["targets"]]
        for panel in dashboard["panels"]
        if panel["type"] != "row"
    }


async def test_every_query_of_the_dashboard_names_metrics_that_there_are(
    families: dict[str, str],
) -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/llmlabel.json").read_text("utf-8"))
    queries = _queries(dashboard)
    assert len(queries) > 20
    for title, expressions in queries.items():
        for query in expressions:
            assert _metrics_of(query), (title, query)
            assert _metrics_of(query) <= _known(families), (title, query)
            assert query.count("(") == query.count(")"), (title, query)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            assert _metrics_of(variable["query"]["query"]) <= _known(families)


async def test_every_metric_of_ours_is_on_the_dashboard(families: dict[str, str]) -> None:
    dashboard = json.loads((ROOT / "deploy/grafana/llmlabel.json").read_text("utf-8"))
    shown = {
        name
        for expressions in _queries(dashboard).values()
        for query in expressions
        for name in _metrics_of(query)
    }
    for name, kind in families.items():
        if name.startswith("llmlabel_"):
            assert {name + suffix for suffix in SUFFIXES[kind]} & shown, name


def _alerts() -> list[dict[str, Any]]:
    text = (ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


async def test_every_alert_is_about_metrics_that_there_are(families: dict[str, str]) -> None:
    for alert in _alerts():
        named = _metrics_of(alert["expr"])
        # `up` is Prometheus' own.
        assert named and named <= _known(families) | {"up"}, alert["alert"]
        assert alert["expr"].count("(") == alert["expr"].count(")")
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["annotations"]["summary"]


def test_every_alert_has_its_line_in_the_runbook() -> None:
    told = re.findall(r"^\| `(Llmlabel\w+)` \| (.+?) \| (.+?) \|$", OPERATIONS, re.M)
    assert [name for name, _, _ in told] == [alert["alert"] for alert in _alerts()]


async def test_the_table_of_metrics_is_complete(families: dict[str, str]) -> None:
    told = re.findall(r"^\| `(llmlabel_\w+)` \| (process|database) \| ", OPERATIONS, re.M)
    names = [name for name, _ in told]
    assert sorted(names) == sorted(name for name in families if name.startswith("llmlabel_"))
    for name in re.findall(r"`(process_\w+)`", OPERATIONS):
        assert name in families
