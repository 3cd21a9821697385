"""Examples of webhooks, by the schema's name in /openapi.json."""

from __future__ import annotations

from typing import Any, Final

_webhook = {
    "id": "wh_4f1c",
    "url": "https://app.example/hooks/labels",
    "events": ["document.labeled", "gate.closed"],
    "guidelines": ["sentiment"],
    "note": "The shop's order desk.",
    "enabled": True,
    "disabled_reason": "",
    "failures": 0,
    "rests_until": None,
    "old_secret_until": None,
    "created_at": "2026-03-05T09:00:00Z",
}
_added = {"webhook": _webhook, "secret": "whsec_bm90IGEgc2VjcmV0LCBidXQgYXMgbG9uZyBhcyBvbmU="}
_delivery = {
    "id": "msg_8a20",
    "kind": "document.labeled",
    "guideline": "sentiment@1.0.0",
    "document_id": "review-17",
    "status": "waiting",
    "attempts": 2,
    "last_status": 503,
    "last_error": "It answered 503.",
    "next_attempt_at": "2026-03-05T09:34:12Z",
    "created_at": "2026-03-05T09:30:00Z",
    "settled_at": None,
}

WEBHOOKS: Final[dict[str, Any]] = {
    "DeliveriesOut": {"deliveries": [_delivery], "cursor": None},
    "Delivery": _delivery,
    "ReplayIn": {"deliveries": None, "status": "dead", "since": "2026-03-05T00:00:00Z"},
    "ReplayedOut": {"replayed": 12},
    "SecretIn": {"keep_hours": 24},
    "TriedOut": {"delivered": True, "status": 204, "error": None, "seconds": 0.081},
    "Webhook": _webhook,
    "WebhookAdded": _added,
    "WebhookChangeIn": {"enabled": True, "guidelines": None},
    "WebhookIn": {
        "url": "https://app.example/hooks/labels",
        "events": ["document.labeled", "gate.closed"],
        "guidelines": ["sentiment"],
    },
    "WebhooksOut": {"webhooks": [_webhook]},
}
