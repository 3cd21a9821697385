"""Examples of jobs in the description of the interface."""

from __future__ import annotations

from typing import Any, Final

_FAILED: Final[dict[str, Any]] = {
    "id": "text:sentiment@1.0.0:ticket-4711",
    "queue": "text",
    "status": "failed",
    "document_id": "ticket-4711",
    "guideline": "sentiment@1.0.0",
    "what": "label",
    "run": 1,
    "attempts": 1,
    "error": {
        "code": "model-unreachable",
        "detail": "The provider at https://models.example did not answer within 60 seconds.",
    },
    "created_at": "2026-03-02T08:15:00Z",
    "updated_at": "2026-03-02T08:17:21Z",
}

JOBS: Final[dict[str, Any]] = {
    "Job": _FAILED,
    "JobsOut": {"jobs": [_FAILED], "next_cursor": None},
    "RetryIn": {"guideline": "sentiment@1.0.0", "code": "model-unreachable"},
    "RetriedOut": {"retried": 312, "more": False},
}

JOB_BODIES: Final[dict[str, Any]] = {
    "jobs_retry_failed": {
        "all": {"summary": "Everything that failed", "value": {}},
        "some": {
            "summary": "One guideline, for one reason",
            "value": {"guideline": "sentiment@1.0.0", "code": "model-unreachable"},
        },
    },
}
