"""`/v1/webhooks`: endpoints that are told what happens, and what they were told."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response

from llmlabel.api.documents import Cursor, Limit
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.api.webhook_shapes import (
    DeliveriesOut,
    ReplayedOut,
    ReplayIn,
    SecretIn,
    TriedOut,
    WebhookAdded,
    WebhookChangeIn,
    WebhookIn,
    WebhooksOut,
)
from llmlabel.domain.webhook import DeliveryStatus, Webhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=Route)


@router.post("", status_code=201, summary="Add a webhook", responses=documented(400, 404, 409, 415))
def add(service: TheService, body: WebhookIn, response: Response) -> WebhookAdded:
    """Have an endpoint told what happens from now on.

    The secret is in this answer and in no other. `POST …/test` sends a first message.
    """
    webhook, secret = service.webhooks.add(
        body.url, events=body.events, guidelines=body.guidelines, note=body.note
    )
    response.headers["Location"] = f"/v1/webhooks/{webhook.id}"
    response.headers["Cache-Control"] = "no-store"
    return WebhookAdded(webhook=webhook, secret=secret)


@router.get("", summary="List webhooks", responses=documented())
def list_(service: TheService) -> WebhooksOut:
    """List endpoints, oldest first, without their secrets."""
    return WebhooksOut(webhooks=list(service.store.webhooks.list()))


@router.get("/{id}", summary="One webhook", responses=documented(404))
def get(service: TheService, id: str) -> Webhook:
    """Give an endpoint, without its secret."""
    return service.store.webhooks.get(id)


@router.patch("/{id}", summary="Change a webhook", responses=documented(400, 404, 415))
def change(service: TheService, id: str, body: WebhookChangeIn) -> Webhook:
    """Change what is sent; `enabled: true` brings a disabled one back."""
    return service.webhooks.change(
        id,
        url=body.url,
        events=body.events,
        guidelines=body.guidelines,
        all_guidelines=body.all_guidelines,
        note=body.note,
        enabled=body.enabled,
    )


@router.delete(
    "/{id}",
    status_code=204,
    summary="Remove a webhook",
    responses={**documented(404), 204: {"description": "It is told nothing more."}},
)
def remove(service: TheService, id: str) -> None:
    """Forget an endpoint with all its messages, those that wait included."""
    service.store.webhooks.remove(id)


@router.post("/{id}/secret", summary="Rotate the secret", responses=documented(400, 404, 415))
def rotate(service: TheService, id: str, body: SecretIn, response: Response) -> WebhookAdded:
    """Make a new secret; for a while messages are signed with both."""
    webhook, secret = service.webhooks.rotate(id, timedelta(hours=body.keep_hours))
    response.headers["Cache-Control"] = "no-store"
    return WebhookAdded(webhook=webhook, secret=secret)


@router.post("/{id}/test", summary="Test a webhook", responses=documented(404))
async def test(service: TheService, id: str) -> TriedOut:
    """Send one message of type `webhook.test` now, and say what the endpoint answered."""
    return TriedOut.of(await service.webhooks.test(id))


@router.get("/{id}/deliveries", summary="List deliveries", responses=documented(404))
def deliveries(
    service: TheService,
    id: str,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[DeliveryStatus | None, Query(description="Only with this one.")] = None,
) -> DeliveriesOut:
    """List what an endpoint was told, or is still to be told, newest first."""
    service.store.webhooks.get(id)
    found, more = service.store.deliveries.page(id, status=status, limit=limit, cursor=cursor)
    return DeliveriesOut(deliveries=found, cursor=more)


@router.post("/{id}/replay", summary="Send again", responses=documented(400, 404, 409, 415))
def replay(service: TheService, id: str, body: ReplayIn) -> ReplayedOut:
    """Send messages again, under the ids they had; without more said, all that were given up."""
    service.store.webhooks.get(id)
    replayed = service.store.deliveries.replay(
        id, ids=body.deliveries, status=body.status, since=body.since
    )
    return ReplayedOut(replayed=replayed)
