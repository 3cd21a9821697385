"""What a simulation found, over all orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.domain.promise import Promise
from llmlabel.learning.simulate.policies import POLICIES
from llmlabel.learning.simulate.trace import REASONS, Trace

POINTS = 50
"""Points of a curve."""

_BAND = (10, 90)


class OrderResult(Value):
    """One order under one policy."""

    human_decisions: int
    saved: float = Field(description="Share of the documents that no person decided.")
    delivered_accuracy: float = Field(description="Of all labels, of people or not.")
    coverage: float = Field(description="Share of the documents accepted unseen.")
    accepted_error: float | None = Field(description="Of those; None where there are none.")
    broken: bool = Field(description="Whether the promise did not hold at the end.")
    certificates: int
    breaches: int = Field(description="How often the gate closed.")
    threshold: float | None = Field(description="In force at the end.")


class PolicyResult(Value):
    """One policy; means over the orders unless said otherwise."""

    what: str
    human_decisions: float
    saved: float
    delivered_accuracy: float
    coverage: float
    accepted_error: float | None
    violations: int = Field(description="Orders in which the promise did not hold at the end.")
    orders: int
    reasons: dict[str, float] = Field(
        description="Human decisions by why: gold (nothing is certified yet), audit, doubt, "
        "forced (after the gate closed, or by the policy), breach (recalled)."
    )
    llm_calls: float = Field(description="Documents put to the language model.")
    llm_calls_saved: float = Field(description="Fewer than if every document were put to it.")
    each: tuple[OrderResult, ...]


class Band(Value):
    """A number along a stream: its mean over the orders and what 10% of them are beyond."""

    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Curve(Value):
    """How a policy went on, at points of the stream."""

    documents: tuple[int, ...] = Field(description="Documents that had arrived.")
    human: Band = Field(description="Human decisions so far.")
    accuracy: Band = Field(description="Of the labels delivered so far.")
    coverage: Band = Field(description="Share of the documents so far that was accepted unseen.")


class SimulationReport(Value):
    """A whole simulation."""

    name: str = Field(description="Of the gold file.")
    guideline: str
    guideline_sha256: str
    promise: Promise
    n: int = Field(description="Documents in each order.")
    history: int = Field(description="Verified documents of the earlier stream; not in any count.")
    orders: int
    options: dict[str, str]
    created_at: datetime
    seconds: dict[str, float] = Field(description="By step.")
    models: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    policies: dict[str, PolicyResult]
    curves: dict[str, Curve]

    @property
    def sentence(self) -> str:
        """The result in words."""
        found, bare = self.policies["promise"], self.policies["threshold_0.9"]
        kept = found.orders - found.violations
        of = "all" if kept == found.orders else f"{kept} of"
        return (
            f"Under the promise that {self.promise.sentence}, people decided "
            f"{found.human_decisions:,.0f} of {self.n:,} documents on average and "
            f"{found.saved:.1%} of the decisions were saved; {found.delivered_accuracy:.1%} of "
            f"the labels delivered were right, and the promise was kept in {of} {found.orders} "
            f"orders. A bare threshold of 0.9 saves {bare.saved:.1%} with "
            f"{bare.delivered_accuracy:.1%} right, proves nothing, and breaks the promise "
            f"in {bare.violations or 'none'} of them."
        )


def summarised(
    traces: Mapping[str, Sequence[Trace]], promise: Promise
) -> tuple[dict[str, PolicyResult], dict[str, Curve]]:
    """Results and curves by policy.

    Args:
        traces: By policy, one per order.
        promise: What has to hold at the end of each order.
    """
    every = _mean([trace.calls for trace in traces["threshold_0.9"]])  # it asks of all
    results = {name: _result(name, found, promise, every) for name, found in traces.items()}
    return results, {name: _curve(found) for name, found in traces.items()}


def is_broken(trace: Trace, promise: Promise) -> bool:
    """Whether more is wrong at the end than promised; nothing accepted breaks no promise."""
    wrong, of = (
        (trace.wrong[-1], trace.n)
        if promise.kind == "delivered"
        else (trace.unseen_wrong[-1], trace.unseen[-1])
    )
    # Counted in whole labels, so that exactly the promised share is not taken for more.
    return bool(wrong > promise.error * of + 1e-9)


def _result(name: str, traces: Sequence[Trace], promise: Promise, every: float) -> PolicyResult:
    each = tuple(_order(trace, promise) for trace in traces)
    errors = [row.accepted_error for row in each if row.accepted_error is not None]
    calls = _mean([trace.calls for trace in traces])
    return PolicyResult(
        what=POLICIES[name],
        human_decisions=_mean([row.human_decisions for row in each]),
        saved=_mean([row.saved for row in each]),
        delivered_accuracy=_mean([row.delivered_accuracy for row in each]),
        coverage=_mean([row.coverage for row in each]),
        accepted_error=_mean(errors) if errors else None,
        violations=sum(row.broken for row in each),
        orders=len(each),
        reasons={why: _mean([trace.reasons[why] for trace in traces]) for why in REASONS},
        llm_calls=calls,
        llm_calls_saved=every - calls,
        each=each,
    )


def _order(trace: Trace, promise: Promise) -> OrderResult:
    human, unseen = int(trace.human[-1]), int(trace.unseen[-1])
    return OrderResult(
        human_decisions=human,
        saved=1 - human / trace.n,
        delivered_accuracy=1 - int(trace.wrong[-1]) / trace.n,
        coverage=unseen / trace.n,
        accepted_error=int(trace.unseen_wrong[-1]) / unseen if unseen else None,
        broken=is_broken(trace, promise),
        certificates=trace.certificates,
        breaches=trace.breaches,
        threshold=trace.threshold,
    )


def _curve(traces: Sequence[Trace]) -> Curve:
    n = traces[0].n
    at = np.unique(np.linspace(1, n, min(POINTS, n)).round().astype(int))
    human, wrong, unseen = (
        np.array([getattr(trace, name)[at - 1] for trace in traces], dtype=np.float64)
        for name in ("human", "wrong", "unseen")
    )
    return Curve(
        documents=tuple(at.tolist()),
        human=_band(human),
        accuracy=_band(1 - wrong / at),
        coverage=_band(unseen / at),
    )


def _band(table: NDArray[np.float64]) -> Band:
    """Over the orders, which are the rows."""
    low, high = np.percentile(table, _BAND, axis=0)
    return Band(
        mean=tuple(table.mean(axis=0).round(6).tolist()),
        low=tuple(low.round(6).tolist()),
        high=tuple(high.round(6).tolist()),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
