"""Every request is counted, traced and logged: by the template of its route, never by its body."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmlabel.api.permissions import operation_of
from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.telemetry import Span, Telemetry

UNMATCHED = "unmatched"
"""Stands for the paths that lead nowhere, of which there is no end."""

log = structlog.get_logger()


def plain_routes(app: FastAPI) -> Callable[[], Mapping[Any, str]]:
    """The templates of pages and the like, by their endpoints, as they are when it is called."""
    return lambda: {each.endpoint: each.path for each in app.routes if isinstance(each, Route)}


class Observed:
    """Tells the telemetry of every request.

    Args:
        app: What to observe.
        telemetry: Told.
        routes: Templates of routes that do not say theirs, by their endpoints.
    """

    def __init__(
        self, app: ASGIApp, telemetry: Telemetry, routes: Callable[[], Mapping[Any, str]]
    ) -> None:
        self.app, self.telemetry, self.routes = app, telemetry, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell of it when its last byte is sent."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500  # an error that nobody expected is answered above

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self.telemetry.request(scope["method"], Headers(scope=scope)) as span:
            try:
                await self.app(scope, receive, seen)
            finally:
                self._tell(scope, span, status, time.perf_counter() - begun)

    def _tell(self, scope: Scope, span: Span, status: int, seconds: float) -> None:
        method, route = scope["method"], self._template(scope)
        self.telemetry.meters.request(method, route, status, seconds)
        span.set("name", f"{method} {route}")
        span.set("http.route", route)
        span.set("http.response.status_code", status)
        if status >= 500:
            span.fail(str(status))
        path = scope.get("raw_path", b"").partition(b"?")[0].decode("ascii", "replace")
        project = scope.get("state", {}).get("project", DEFAULT_PROJECT)
        log.info(
            f"{method} {path or scope['path']}",
            status=status,
            route=route,
            seconds=round(seconds, 4),
            **({} if project == DEFAULT_PROJECT else {"project": project}),
        )

    def _template(self, scope: Scope) -> str:
        operation = operation_of(scope)
        if operation is not None:
            return operation.partition(" ")[2]
        return self.routes().get(scope.get("endpoint"), UNMATCHED)
