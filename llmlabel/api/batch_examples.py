"""Examples of batches, by the schema's name in /openapi.json."""

from __future__ import annotations

from typing import Any, Final

_columns = {"text": "review", "id": "review_id", "language": "language", "metadata": ["shop"]}
_batch = {
    "id": "b-7c1e5a",
    "status": "reading",
    "guidelines": ["sentiment@1.0.0"],
    "format": "csv",
    "columns": _columns,
    "delimiter": None,
    "metadata": {"campaign": "spring"},
    "budget_usd": 25.0,
    "bytes": 181_406_220,
    "lines": 1_000_001,
    "lines_read": 412_500,
    "accepted": 412_433,
    "refused": 66,
    "code": None,
    "problem": None,
    "created_at": "2026-03-05T09:00:00Z",
    "started_at": "2026-03-05T09:01:12Z",
    "ended_at": None,
}
_progress = {
    "labels": 412_433,
    "labeled": 402_310,
    "waiting": 10_000,
    "failed": 123,
    "held": 0,
    "cancelled": 0,
    "in_review": 31_870,
    "spent_usd": 9.81,
    "expected_end": "2026-03-05T09:31:40Z",
}
_url = "/v1/batches/b-7c1e5a"
_urls = {
    "self": _url,
    "file": f"{_url}/file",
    "results": f"{_url}/results",
    "errors": f"{_url}/errors",
}
_out = {"batch": _batch, "urls": _urls}

BATCHES: Final[dict[str, Any]] = {
    "Batch": _batch,
    "BatchChangeIn": {"budget_usd": 40.0},
    "BatchIn": {
        "guidelines": ["sentiment"],
        "format": "csv",
        "columns": _columns,
        "budget_usd": 25.0,
        "metadata": {"campaign": "spring"},
    },
    "BatchOut": _out,
    "BatchPage": {"batches": [_out], "next_cursor": None},
    "BatchWithProgress": {**_out, "progress": _progress},
    "Columns": _columns,
    "ColumnsIn": _columns,
    "FileOut": {"offset": 67_108_864, "complete": False, "max_bytes": 2_147_483_648},
    "Progress": _progress,
}
