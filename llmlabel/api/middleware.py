"""What happens to every request before a route sees it: an id, and a limit on its body."""

from __future__ import annotations

import re
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
_KEY = "llmlabel.request_id"
_ACCEPTABLE = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)


class RequestId:
    """Gives every request an id (the client's `X-Request-ID`, if it sent one) and returns it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its id."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        id = given if _ACCEPTABLE.fullmatch(given) else uuid.uuid4().hex
        scope[_KEY] = id

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=id):
            await self.app(scope, receive, with_id)


def request_id_of(request: Request) -> str:
    """The id that `RequestId` gave."""
    return str(request.scope.get(_KEY, ""))


class BodyLimit:
    """Refuses a body larger than its path allows, as soon as that is known.

    Args:
        app: What to protect.
        default: Bytes any body may have.
        paths: Bytes for the paths that may have others; `*` stands for one step of a path.
    """

    def __init__(self, app: ASGIApp, default: int, paths: dict[str, int]) -> None:
        self.app, self.default = app, default
        self.paths = [
            (re.compile(re.escape(path).replace(r"\*", "[^/]+")), limit)
            for path, limit in paths.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        matching = (limit for pattern, limit in self.paths if pattern.fullmatch(path))
        limit = next(matching, self.default)
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            if declared.isdigit() and int(declared) > limit:
                if "expect" not in headers:  # else the client waits to hear whether to send it
                    await _drain(receive, limit)
                raise _too_large(limit)
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                await _drain(receive, limit)
                raise _too_large(limit)
            return message

        await self.app(scope, counted, send)


async def _drain(receive: Receive, most: int) -> None:
    """Read on a while and throw it away: a client that is still sending hears no answer."""
    seen = 0
    while seen < most:
        message = await receive()
        seen += len(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _too_large(limit: int) -> HTTPException:
    return HTTPException(
        413, f"The body has more than {limit:,} bytes; send less at once.", {"Connection": "close"}
    )
