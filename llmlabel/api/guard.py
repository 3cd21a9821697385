"""What stands before every route: who asks, how often they may, the log of what they changed."""

from __future__ import annotations

import math
from typing import Any

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmlabel.access import Principal
from llmlabel.access.limits import Standing
from llmlabel.access.naming import target_of
from llmlabel.api.identity import TAKES, Doorkeeper, changes
from llmlabel.api.middleware import request_id_of
from llmlabel.api.permissions import PUBLIC, ROLES_OF, operation_of
from llmlabel.api.problems import problem_of
from llmlabel.domain.access import AccessEntry
from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.errors import InvalidInput, LlmlabelError, RateLimited
from llmlabel.telemetry import told

OPEN_PATHS = frozenset({"/healthz", "/review", "/review/", "/review/icon.svg"})
ASSETS = "/review/assets/"
SIGN_IN = ("POST", "/v1/session")
READY = "/readyz"
"""Anybody may ask; who may not know more is told yes or no."""

JOB = "/v1/jobs/{id}"
DELETES_DOCUMENT = "DELETE /v1/documents/{id}"

log = structlog.get_logger()


class Guard:
    """Lets a request pass once it is known who asks, within the limits of their key.

    `request.state.principal` is who asks, `request.state.project` the project they see.
    """

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper) -> None:
        self.app, self.doorkeeper = app, doorkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        request.state.principal = None
        request.state.project = DEFAULT_PROJECT
        standing: Standing | None = None
        try:
            principal = await self._recognised(request)
            if principal is not None:
                request.state.principal = principal
                request.state.project = principal.project
                standing = self._counted(principal)
        except LlmlabelError as refused:
            await problem_of(request, refused)(scope, receive, send)
            return
        watched = Watched(self.doorkeeper, request, standing, send)
        try:
            await self.app(scope, receive, watched)
        except Exception:
            await watched.noted(500)
            raise

    async def _recognised(self, request: Request) -> Principal | None:
        path = request.scope["path"]
        if path in OPEN_PATHS or path.startswith(ASSETS) or (request.method, path) == SIGN_IN:
            return None
        try:
            return await self.doorkeeper.principal(request)
        except LlmlabelError:
            if path == READY:
                return None
            raise

    def _counted(self, principal: Principal) -> Standing | None:
        if principal.key is None:
            return None
        standing = self.doorkeeper.access.limits.take(principal.key, "requests")
        _refuse_more("requests", standing)
        return standing


class Watched:
    """Sends an answer on, with the key's standing, once the log knows what was done."""

    def __init__(
        self, doorkeeper: Doorkeeper, request: Request, standing: Standing | None, send: Send
    ) -> None:
        self._access = doorkeeper.access
        self._request = request
        self._standing = standing
        self._send = send
        self._is_noted = False

    async def __call__(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start":
            await self.noted(message["status"])
            if self._standing is not None:
                headers = MutableHeaders(scope=message)
                for name, value in rate_headers(self._standing).items():
                    headers.setdefault(name, value)
        await self._send(message)

    async def noted(self, status: int) -> None:
        """Write down what was done, once."""
        request = self._request
        operation = operation_of(request.scope)
        stated = operation in ROLES_OF or operation in PUBLIC
        if self._is_noted or not changes(request) or operation is None or not stated:
            return
        if operation == f"GET {TAKES}" and status == 204:
            return  # nothing waited: who polls would fill the log
        self._is_noted = True
        principal: Principal | None = request.state.principal
        if principal is None or (principal.key is None and not self._access.keys.exist):
            return  # nobody signed in, or there is nobody to tell apart
        entry = AccessEntry(
            at=self._access.clock(),
            key_id=principal.id or None,
            name=principal.name or "(no key)",
            project=principal.project,
            method=request.method,
            route=operation.partition(" ")[2],
            target=_target(operation, request.scope.get("path_params", {})),
            status=status,
            request_id=request_id_of(request),
        )
        try:
            await run_in_threadpool(self._access.log.append, entry)
        except LlmlabelError as error:
            # It is done already; then the log of the process is what tells of it.
            log.error("change not in the audit log", **entry.model_dump(mode="json"), **told(error))


def charge_documents(request: HTTPConnection, n: int) -> None:
    """Count submitted documents against the key's limit.

    Raises:
        RateLimited: So many are too many now; `retry_after` seconds make room.
        InvalidInput: So many are too many for any minute.
    """
    principal: Principal | None = request.state.principal
    if principal is None or principal.key is None:
        return
    limits = request.app.state.doorkeeper.access.limits
    limit = limits.limit(principal.key, "documents")
    if limit and n > limit:
        raise InvalidInput(
            f"The list has {n:,} documents, and this key may submit {limit:,} in a minute; send "
            "shorter lists, or ask an admin for a key that may more.",
            field="documents",
        )
    _refuse_more("documents", limits.take(principal.key, "documents", n))


def rate_headers(standing: Standing) -> dict[str, str]:
    """How many requests are left.

    Source: draft-ietf-httpapi-ratelimit-headers-10.
    """
    return {
        "RateLimit-Policy": f'"requests";q={standing.limit};w=60',
        "RateLimit": f'"requests";r={standing.left};t={standing.full_in}',
    }


def _refuse_more(what: str, standing: Standing | None) -> None:
    if standing is None or standing.wait <= 0:
        return
    raise RateLimited(
        f"This key may send {standing.limit:,} {what} in a minute, and has; the next ones in "
        f"{math.ceil(standing.wait)} seconds.",
        retry_after=standing.wait,
    )


def _target(operation: str, params: dict[str, Any]) -> str:
    target = "/".join(str(value) for value in params.values())
    route = operation.partition(" ")[2]
    kind = "documents" if operation == DELETES_DOCUMENT else "jobs" if route.startswith(JOB) else ""
    return target_of(kind, target)
