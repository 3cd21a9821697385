"""Examples of what is said of reviewers, by the schema's name in /openapi.json."""

from __future__ import annotations

from typing import Any, Final

_reviewer = {
    "name": "maria",
    "guidelines": ["sentiment", "ner"],
    "adjudicates": True,
    "note": "Native speaker of Spanish.",
    "decided": 412,
    "median_seconds": 5.5,
    "items_per_hour": 490.0,
    "benchmarks": 40,
    "wrong": 1.0,
    "error": 0.025,
    "error_high": 0.1135,
}
_flag = {
    "id": "f-7c31",
    "review_id": "r-41",
    "document_id": "review-17",
    "guideline": "sentiment@1.0.0",
    "clause": "SENT-4",
    "reviewer": "maria",
    "comment": "Is praise for one thing and blame for another of equal weight by itself?",
    "created_at": "2026-03-05T09:33:00Z",
    "resolved_at": None,
    "resolved_by": None,
    "resolution": None,
}

PEOPLE: Final[dict[str, Any]] = {
    "ClearanceIn": {"guidelines": ["sentiment", "ner"], "adjudicates": True, "note": ""},
    "Flag": _flag,
    "FlagIn": {"comment": _flag["comment"], "clause": "SENT-4"},
    "FlagsOut": {"flags": [_flag]},
    "Panel": {"share": 0.1, "reviewers": 2, "settle": "unanimous"},
    "RelabelIn": {
        "guideline": "sentiment@1.0.0",
        "label": "mixed",
        "confidence_below": 0.8,
        "verified": False,
        "dry_run": True,
    },
    "Relabeled": {"selected": 37, "queued": 0},
    "ResolutionIn": {"resolution": "SENT-4 says now what equal weight is (sentiment@1.0.1)."},
    "ReviewerOut": _reviewer,
    "ReviewersOut": {"reviewers": [_reviewer]},
}
