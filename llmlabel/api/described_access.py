"""The description of the interface as far as it is about who may use it."""

from __future__ import annotations

from typing import Any

from llmlabel.api.permissions import PUBLIC, ROLES_OF
from llmlabel.api.problems import documented

SCHEMES: dict[str, Any] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "llml_…",
        "description": "An API key, made with `llmlabel keys create` or `POST /v1/keys`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "llmlabel_session",
        "description": "A browser session, begun with `POST /v1/session`; over https the cookie "
        "is `__Host-llmlabel_session`. Changes need its `csrf_token` as `X-CSRF-Token`.",
    },
}

RATE_HEADERS: dict[str, Any] = {
    "RateLimit-Policy": {
        "schema": {"type": "string"},
        "description": 'Requests that the key may send in 60 seconds: `"requests";q=6000;w=60`.',
    },
    "RateLimit": {
        "schema": {"type": "string"},
        "description": "How many are left, and in how many seconds all are there again: "
        '`"requests";r=5999;t=1`.',
    },
}


def describe_access(schema: dict[str, Any]) -> None:
    """Say of every operation which roles may use it, and how they are refused."""
    schema["components"]["securitySchemes"] = SCHEMES
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _describe(f"{method.upper()} {path}", operation)


def _describe(name: str, operation: dict[str, Any]) -> None:
    if name in PUBLIC:
        operation["security"] = []
        return
    roles = ROLES_OF.get(name, ())
    operation["security"] = [{each: []} for each in SCHEMES]
    operation["x-roles"] = list(roles)
    told = f"For the roles: {', '.join(roles) or 'none'}."
    operation["description"] = f"{operation.get('description', '')}\n\n{told}".strip()
    for status, response in documented(401, 403, 429).items():
        operation["responses"].setdefault(str(status), response)
    for status, response in operation["responses"].items():
        if str(status).startswith("2"):
            response.setdefault("headers", {}).update(RATE_HEADERS)
    operation["responses"]["429"] = {
        **operation["responses"]["429"],
        "headers": {
            "Retry-After": {
                "schema": {"type": "integer"},
                "description": "Seconds until there is room.",
            }
        },
    }
