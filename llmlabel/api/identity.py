"""Who asks: by the key in the header, by the browser session in the cookie, or not at all."""

from __future__ import annotations

from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

import structlog
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from llmlabel.access import ANYBODY, Access, Principal
from llmlabel.access.secret import id_in
from llmlabel.access.sessions import csrf_of, token_hash
from llmlabel.domain.access import AccessKey
from llmlabel.errors import Forbidden, RateLimited, Unauthorized, WrongCsrfToken

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HASHES_AT_ONCE = 2
"""Keys checked against their hash at once; each takes 16 MiB and some 35 ms of a core."""

log = structlog.get_logger()


class Cookie(NamedTuple):
    """The cookie of browser sessions."""

    name: str
    secure: bool


class Doorkeeper:
    """Recognises who asks.

    Args:
        access: Keys and sessions.
        loopback: The service listens on this machine only, so that it may do without keys.
    """

    def __init__(self, access: Access, *, loopback: bool = True) -> None:
        self.access = access
        self._loopback = loopback
        self._hashing: CapacityLimiter | None = None

    async def principal(self, request: HTTPConnection, method: str) -> Principal:
        """Who asks.

        Raises:
            Unauthorized: Nobody that is known here.
            RateLimited: Too many keys from this address were none.
            Forbidden: A browser asks on behalf of another site.
        """
        await self._fresh()
        if not self.access.keys.exist:
            return self._anybody(request, method)
        header = request.headers.get("authorization")
        if header is not None:
            scheme, _, text = header.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthorized("Send the key as `Authorization: Bearer llml_…`.")
            return Principal.of(await self.key_of(text.strip(), request))
        token = request.cookies.get(cookie_of(request).name)
        if token is None:
            raise Unauthorized(
                "This service has keys, and the request has none; send yours as "
                "`Authorization: Bearer llml_…`."
            )
        return await self._by_cookie(request, method, token)

    async def key_of(self, text: str, request: HTTPConnection) -> AccessKey:
        """The key of a text.

        Raises:
            Unauthorized: It is none that counts.
            RateLimited: Too many from this address were none.
        """
        await self._fresh()
        known = self.access.keys.remembered(text)
        if known is not None:
            return known
        address = request.client.host if request.client else ""
        wait = self.access.attempts.wait(address)
        if wait > 0:
            raise RateLimited(
                f"More than {self.access.attempts.per_minute} keys that came from {address} in a "
                f"minute were none; wait {wait:.0f} seconds.",
                retry_after=wait,
            )
        if self._hashing is None:
            self._hashing = CapacityLimiter(HASHES_AT_ONCE)
        try:
            return await run_sync(self.access.keys.verify, text, limiter=self._hashing)
        except Unauthorized as refused:
            self.access.attempts.failed(address)
            # Never the key, nor what came in its place: only the part that is no secret.
            log.warning("key refused", address=address, key_id=id_in(text), why=refused.detail)
            raise

    async def _fresh(self) -> None:
        if not self.access.keys.is_fresh:
            await run_in_threadpool(self.access.keys.refresh)

    def _anybody(self, request: HTTPConnection, method: str) -> Principal:
        if not self._loopback:
            raise Unauthorized(
                "This service has no key yet, and without one it lets nobody in from elsewhere; "
                "make one with `llmlabel keys create`."
            )
        if method not in SAFE_METHODS and request.headers.get("sec-fetch-site") == "cross-site":
            raise Forbidden("A page of another site asks for this; nothing was done.")
        return ANYBODY

    async def _by_cookie(self, request: HTTPConnection, method: str, token: str) -> Principal:
        sessions, hashed = self.access.sessions, token_hash(token)
        row, known = sessions.remembered(hashed)
        if not known:
            row = await run_in_threadpool(sessions.find, hashed)
        key = None if row is None else self.access.keys.active(row.key_id)
        if key is None:
            raise Unauthorized("The browser session is over; sign in again.")
        if method not in SAFE_METHODS:
            refuse_foreign(request)
            if request.headers.get(CSRF_HEADER) != csrf_of(token):
                raise WrongCsrfToken(
                    f"A change by cookie needs the header {CSRF_HEADER} with the `csrf_token` of "
                    "this session, as GET /v1/session tells it.",
                    field=CSRF_HEADER,
                )
        return Principal.of(key, session=hashed)


def refuse_foreign(request: HTTPConnection) -> None:
    """Refuse what a browser says another site asks for.

    Raises:
        Forbidden: Another site asks.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        foreign = site != "same-origin"
    else:
        host = request.headers.get("host", "")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    if foreign:
        raise Forbidden("A page of another site asks for this; nothing was done.", field="Origin")


def cookie_of(request: HTTPConnection) -> Cookie:
    """The cookie as it is here: over https one that no other host and no http can set."""
    secure = request.scope.get("scheme") in ("https", "wss")
    return Cookie("__Host-llmlabel_session" if secure else "llmlabel_session", secure)


async def _principal(request: Request) -> Principal:
    found: Principal = request.state.principal
    return found


ThePrincipal = Annotated[Principal, Depends(_principal)]
"""A route's parameter of this type is who asks."""


async def _doorkeeper(request: Request) -> Doorkeeper:
    found: Doorkeeper = request.app.state.doorkeeper
    return found


TheDoorkeeper = Annotated[Doorkeeper, Depends(_doorkeeper)]
"""A route's parameter of this type recognises keys."""
