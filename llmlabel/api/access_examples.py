"""Examples of the shapes of keys, sessions and the log of changes."""

from __future__ import annotations

from typing import Any

_KEY: dict[str, Any] = {
    "id": "k7f2m4q6zp",
    "name": "ann",
    "roles": ["reviewer"],
    "project": "default",
    "state": "active",
    "requests_per_minute": None,
    "documents_per_minute": None,
    "created_at": "2026-03-02T09:00:00Z",
    "created_by": "cli:root",
    "expires_at": "2027-03-02T00:00:00Z",
    "revoked_at": None,
}

_ENTRY: dict[str, Any] = {
    "at": "2026-03-02T10:11:12Z",
    "key_id": "k7f2m4q6zp",
    "name": "ann",
    "project": "default",
    "method": "POST",
    "route": "/v1/reviews/{id}/verdict",
    "target": "r-2f1c",
    "status": 200,
    "request_id": "4be1a0c2",
}

ACCESS: dict[str, dict[str, Any]] = {
    "KeyIn": {"name": "ann", "roles": ["reviewer"], "expires_at": "2027-03-02T00:00:00Z"},
    "KeyOut": _KEY,
    "KeyMade": {"key": _KEY, "secret": "llml_k7f2m4q6zp_" + "x" * 43},
    "KeysOut": {"keys": [_KEY]},
    "SignIn": {"key": "llml_k7f2m4q6zp_" + "x" * 43},
    "SessionOut": {
        "open": False,
        "key_id": "k7f2m4q6zp",
        "name": "ann",
        "roles": ["reviewer"],
        "project": "default",
        "csrf_token": "m3Vt0tq0bK1c9o7l2f8n5A",
        "expires_at": "2026-03-02T21:00:00Z",
    },
    "AccessEntry": _ENTRY,
    "AuditLogOut": {"entries": [_ENTRY], "next_cursor": None},
}
