"""Which roles may use which route. A route that is not named here is for nobody.

An admin may use all of them, so that is not said again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from llmlabel.access import Principal
from llmlabel.domain.access import Role
from llmlabel.errors import Forbidden, Unauthorized

EVERYBODY: tuple[Role, ...] = ("submitter", "reviewer", "evaluator", "admin")
ADMIN: tuple[Role, ...] = ("admin",)
SUBMITTER: tuple[Role, ...] = ("submitter", "admin")
REVIEWER: tuple[Role, ...] = ("reviewer", "admin")
EVALUATOR: tuple[Role, ...] = ("evaluator", "admin")
READS_DOCUMENTS: tuple[Role, ...] = ("submitter", "evaluator", "admin")
SEES_REVIEWS: tuple[Role, ...] = ("reviewer", "evaluator", "admin")

PUBLIC = frozenset({"GET /healthz", "GET /readyz", "POST /v1/session"})
"""Need no key. Without one /readyz tells no reasons."""

ROLES_OF: Mapping[str, tuple[Role, ...]] = {
    # documents
    "POST /v1/documents": SUBMITTER,
    "GET /v1/documents": READS_DOCUMENTS,
    "GET /v1/documents/{id}": READS_DOCUMENTS,
    "GET /v1/documents/{id}/labels": READS_DOCUMENTS,
    # A reviewer hears the recordings of the items that they were given, and no others.
    "GET /v1/documents/{id}/recording": EVERYBODY,
    "GET /v1/documents/{id}/recording/peaks": EVERYBODY,
    "DELETE /v1/documents/{id}": ADMIN,
    "POST /v1/audio": SUBMITTER,
    # jobs
    "GET /v1/jobs": READS_DOCUMENTS,
    "GET /v1/jobs/{id}": READS_DOCUMENTS,
    "POST /v1/jobs/retry": SUBMITTER,
    "POST /v1/jobs/{id}/retry": SUBMITTER,
    "POST /v1/jobs/{id}/cancel": SUBMITTER,
    # batches
    "POST /v1/batches": SUBMITTER,
    "GET /v1/batches": READS_DOCUMENTS,
    "GET /v1/batches/{id}": READS_DOCUMENTS,
    "PATCH /v1/batches/{id}": SUBMITTER,
    "PUT /v1/batches/{id}/file": SUBMITTER,
    "GET /v1/batches/{id}/file": SUBMITTER,
    "HEAD /v1/batches/{id}/file": SUBMITTER,
    "POST /v1/batches/{id}/pause": SUBMITTER,
    "POST /v1/batches/{id}/resume": SUBMITTER,
    "POST /v1/batches/{id}/cancel": SUBMITTER,
    "GET /v1/batches/{id}/results": READS_DOCUMENTS,
    "GET /v1/batches/{id}/errors": READS_DOCUMENTS,
    # reviews
    "GET /v1/reviews": EVALUATOR,
    "GET /v1/reviews/next": REVIEWER,
    "POST /v1/reviews/take": REVIEWER,
    "POST /v1/reviews/renew": REVIEWER,
    "POST /v1/reviews/release": REVIEWER,
    "POST /v1/reviews/undo": REVIEWER,
    "GET /v1/reviews/queues": SEES_REVIEWS,
    "POST /v1/reviews/relabel": EVALUATOR,
    "GET /v1/reviews/{id}": SEES_REVIEWS,
    "POST /v1/reviews/{id}/verdict": REVIEWER,
    "POST /v1/reviews/{id}/take": REVIEWER,
    "GET /v1/reviews/{id}/history": SEES_REVIEWS,
    "POST /v1/reviews/{id}/release": REVIEWER,
    "POST /v1/reviews/{id}/renew": REVIEWER,
    "POST /v1/reviews/{id}/undo": REVIEWER,
    "POST /v1/reviews/{id}/flag": REVIEWER,
    # reviewers
    "GET /v1/flags": EVALUATOR,
    "POST /v1/flags/{id}/resolve": EVALUATOR,
    "GET /v1/reviewers": EVALUATOR,
    "PUT /v1/reviewers/{name}": EVALUATOR,
    # quality
    "POST /v1/certificates": EVALUATOR,
    "GET /v1/certificates": EVALUATOR,
    "GET /v1/certificates/{id}": EVALUATOR,
    "GET /v1/metrics/quality": EVALUATOR,
    "GET /v1/metrics/agreement": EVALUATOR,
    "GET /v1/metrics/costs": EVALUATOR,
    # guidelines
    "GET /v1/guidelines": EVERYBODY,
    "GET /v1/guidelines/{ref}": EVERYBODY,
    # webhooks
    "POST /v1/webhooks": ADMIN,
    "GET /v1/webhooks": ADMIN,
    "GET /v1/webhooks/{id}": ADMIN,
    "PATCH /v1/webhooks/{id}": ADMIN,
    "DELETE /v1/webhooks/{id}": ADMIN,
    "POST /v1/webhooks/{id}/secret": ADMIN,
    "POST /v1/webhooks/{id}/test": ADMIN,
    "GET /v1/webhooks/{id}/deliveries": ADMIN,
    "POST /v1/webhooks/{id}/replay": ADMIN,
    # access
    "POST /v1/keys": ADMIN,
    "GET /v1/keys": ADMIN,
    "GET /v1/keys/{id}": ADMIN,
    "DELETE /v1/keys/{id}": ADMIN,
    "GET /v1/session": EVERYBODY,
    "DELETE /v1/session": EVERYBODY,
    "GET /v1/audit-log": ADMIN,
    # health
    "GET /metrics": EVALUATOR,
}


def operation_of(scope: Mapping[str, Any]) -> str | None:
    """What is asked for, as it stands in `ROLES_OF`; None while no route is known to match."""
    # What an included router's route is called from outside is known to the framework only.
    context = scope.get("fastapi", {}).get("effective_route_context")
    for known in (context, scope.get("route")):
        template = getattr(known, "path_format", None)
        if isinstance(template, str):
            return f"{scope['method']} {template}"
    return None


async def permit(request: HTTPConnection) -> None:
    """Let nobody pass to a route whose roles they do not have.

    Raises:
        Unauthorized: Nobody said who asks.
        Forbidden: The key is not for this.
    """
    operation = operation_of(request.scope)
    if operation in PUBLIC:
        return
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        raise Unauthorized("This needs a key.")
    allowed = ROLES_OF.get(operation or "")
    if allowed is None:
        raise Forbidden(f"Nobody may use {operation}: llmlabel.api.permissions states no role.")
    if not principal.may(allowed):
        having = ", ".join(sorted(principal.roles))
        raise Forbidden(
            f"{operation} is for the roles {', '.join(allowed)}; this key has {having}. Ask an "
            "admin for one that may."
        )
