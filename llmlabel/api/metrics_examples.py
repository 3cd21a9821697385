"""Examples of the numbers of the dashboard, by the schema's name in /openapi.json."""

from __future__ import annotations

from typing import Any, Final

_pair = {"reviewers": ["ben", "maria"], "n": 120, "agreement": 0.925, "cohen": 0.86}
_agreement = {
    "guideline": "sentiment@1.0.0",
    "panels": 160,
    "settled": 148,
    "adjudicated": 11,
    "compared": "documents",
    "krippendorff": 0.8512,
    "fleiss": 0.8507,
    "span_f1": None,
    "token_agreement": None,
    "pairs": [_pair],
    "reasons": {},
}
_bin = {"low": 0.9333, "high": 1.0, "n": 212, "confidence": 0.971, "accuracy": 0.967}
_reliability = {"n": 260, "ece": 0.021, "brier": 0.043, "auroc": 0.912, "bins": [_bin]}
_point = {"threshold": 0.87, "coverage": 0.79, "risk": 0.024, "bound": 0.051}
_confusion = {
    "labels": ["positive", "negative", "(none)"],
    "counts": [[131, 4, 0], [3, 120, 1], [1, 0, 0]],
}
_throughput = {
    "reviewer": "maria",
    "decided": 412,
    "median_seconds": 5.5,
    "per_hour": 490.0,
    "benchmarks": 40,
    "wrong": 1.0,
    "error": 0.025,
    "error_high": 0.1135,
}
_waiting = {
    "guideline": "sentiment@1.0.0",
    "title": "Sentiment",
    "kind": "doubt",
    "language": "en",
    "open": 38,
    "leased": 2,
    "oldest_at": "2026-03-05T09:31:00Z",
    "median_seconds": 5.5,
    "seconds_to_clear": 209.0,
}
_detail = {
    "n": 260,
    "left_out": 41,
    "calibrator": "t-8f21",
    "threshold": 0.87,
    "reliability": _reliability,
    "risk_coverage": [_point],
    "active": _point,
    "confusion": _confusion,
    "throughput": [_throughput],
    "agreement": _agreement,
    "waiting": [_waiting],
}

_cost = {
    "key": "sentiment@1.0.0",
    "labels": 12000,
    "cached": 800,
    "unknown": 0,
    "prompt_tokens": 4480000,
    "completion_tokens": 22400,
    "cost_usd": 0.68544,
    "usd_per_label": 0.00005712,
    "usd_per_1000_labels": 0.05712,
}
_spent = {"period": "month", "spent_usd": 0.71, "budget_usd": 50.0, "left_usd": 49.29}
_costs = {"by": "guideline", "costs": [_cost], "total": {**_cost, "key": ""}, "spent": [_spent]}
_standing = {"provider": "openai", "circuit": "open", "failures": 10, "wait_seconds": 21.4}

METRICS: Final[dict[str, Any]] = {
    "Agreement": _agreement,
    "Confusion": _confusion,
    "CostOut": _cost,
    "CostsOut": _costs,
    "PairAgreement": _pair,
    "QualityDetail": _detail,
    "Reliability": _reliability,
    "ReliabilityBin": _bin,
    "RiskPoint": _point,
    "Spent": _spent,
    "ProviderStanding": _standing,
    "Throughput": _throughput,
    "WaitingQueue": _waiting,
}
