"""The metrics of providers and money, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.llm.budget import Spent
from llmlabel.llm.provider import ProviderStanding

if TYPE_CHECKING:
    from prometheus_client import Metric

_CIRCUITS: Final = ("closed", "half_open", "open")


def of_providers(found: Sequence[ProviderStanding]) -> Iterator[Metric]:
    """How the providers of remote models are doing, as all workers see it."""
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    circuit = GaugeMetricFamily(
        "llmlabel_provider_circuit",
        "1 for the state of a provider's circuit: closed, half_open (one call tries) or open.",
        labels=("provider", "state"),
    )
    waits = GaugeMetricFamily(
        "llmlabel_provider_wait_seconds",
        "How long a provider is left alone yet, because it failed or asked to wait.",
        labels=("provider",),
    )
    for each in found:
        for state in _CIRCUITS:
            circuit.add_metric((each.provider, state), float(each.circuit == state))
        waits.add_metric((each.provider,), each.wait_seconds)
    yield circuit
    yield waits


def of_spending(spent: Sequence[Spent]) -> Iterator[Metric]:
    """What was spent on remote models, and what may be."""
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    money = GaugeMetricFamily(
        "llmlabel_spent_usd",
        "Spent on remote models or set aside for calls under way: total, this month, today (UTC).",
        labels=("period",),
    )
    budget = GaugeMetricFamily(
        "llmlabel_budget_usd", "What may be spent; missing without a budget.", labels=("period",)
    )
    for each in spent:
        money.add_metric((each.period,), each.spent_usd)
        if each.budget_usd is not None:
            budget.add_metric((each.period,), each.budget_usd)
    yield money
    yield budget


def of_project_spending(spent: Mapping[str, Sequence[Spent]]) -> Iterator[Metric]:
    """What each project but the default one spent, which has no budget of its own."""
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    money = GaugeMetricFamily(
        "llmlabel_project_spent_usd",
        "Spent on remote models by a project, or set aside; the default one's is not told apart.",
        labels=("project", "period"),
    )
    budget = GaugeMetricFamily(
        "llmlabel_project_budget_usd",
        "What a project may spend; missing without a budget of its own.",
        labels=("project", "period"),
    )
    for project, periods in spent.items():
        for each in periods if project != DEFAULT_PROJECT else ():
            money.add_metric((project, each.period), each.spent_usd)
            if each.budget_usd is not None:
                budget.add_metric((project, each.period), each.budget_usd)
    yield money
    yield budget
