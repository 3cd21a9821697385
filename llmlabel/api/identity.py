"""Who asks: by the key in the header, by the browser session in the cookie, or not at all."""

from __future__ import annotations

import math
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

import structlog
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from llmlabel.access import ANYBODY, Access, Principal
from llmlabel.access.loopback import asks_loopback, is_loopback
from llmlabel.access.secret import id_in
from llmlabel.access.sessions import csrf_of, token_hash
from llmlabel.domain.access import AccessKey
from llmlabel.errors import Forbidden, RateLimited, Unauthorized, WrongCsrfToken

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TAKES = "/v1/reviews/next"
"""Changes something although it is asked for with GET: it leases an item."""
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

    async def principal(self, request: Request) -> Principal:
        """Who asks.

        Raises:
            Unauthorized: Nobody that is known here.
            RateLimited: Too many keys from this address were none.
            Forbidden: A browser asks on behalf of another site.
        """
        await self.fresh()
        if not self.access.keys.exist:
            return self._anybody(request)
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
        return await self._by_cookie(request, token)

    async def key_of(self, text: str, request: HTTPConnection) -> AccessKey:
        """The key of a text.

        Raises:
            Unauthorized: It is none that counts.
            RateLimited: Too many from this address were none.
        """
        await self.fresh()
        known = self.access.keys.remembered(text)
        if known is not None:
            return known
        address = _address(request)
        self._refuse_guesser(address)
        if self._hashing is None:
            self._hashing = CapacityLimiter(HASHES_AT_ONCE)
        return await run_sync(self._verified, text, address, limiter=self._hashing)

    def _verified(self, text: str, address: str) -> AccessKey:
        self._refuse_guesser(address)  # others that came together with this one failed meanwhile
        try:
            return self.access.keys.verify(text)
        except Unauthorized as refused:
            self.access.attempts.failed(address)
            # Never the key, nor what came in its place: only the part that is no secret.
            log.warning("key refused", address=address, key_id=id_in(text), why=refused.detail)
            raise

    def _refuse_guesser(self, address: str) -> None:
        wait = self.access.attempts.wait(address)
        if wait > 0:
            raise RateLimited(
                f"More than {self.access.attempts.per_minute} keys that came from {address} in a "
                f"minute were none; wait {math.ceil(wait)} seconds.",
                retry_after=wait,
            )

    async def fresh(self) -> None:
        """Know the keys as they were within the last second."""
        if not self.access.keys.is_fresh:
            await run_in_threadpool(self.access.keys.refresh)

    def _anybody(self, request: Request) -> Principal:
        # A proxy on this machine says who asked it; uvicorn takes that for the address.
        if not self._loopback or not is_loopback(_address(request)):
            raise Unauthorized(
                "This service has no key yet, and without one it lets nobody in from elsewhere; "
                "make one with `llmlabel keys create`."
            )
        host = request.headers.get("host", "")
        if not asks_loopback(host):
            raise Forbidden(
                f"Without keys this service answers to localhost and 127.0.0.1 only, not to "
                f"`{host[:80]}`; ask for it by these names, or make a key with "
                "`llmlabel keys create`.",
                field="Host",
            )
        if changes(request):
            refuse_foreign(request)
        return ANYBODY

    async def _by_cookie(self, request: Request, token: str) -> Principal:
        sessions, hashed = self.access.sessions, token_hash(token)
        row, known = sessions.remembered(hashed)
        if not known:
            row = await run_in_threadpool(sessions.find, hashed)
        key = None if row is None else self.access.keys.active(row.key_id)
        if key is None:
            raise Unauthorized("The browser session is over; sign in again.")
        if changes(request):
            refuse_foreign(request)
        said = request.headers.get(CSRF_HEADER)
        if request.method not in SAFE_METHODS and said != csrf_of(token):
            raise WrongCsrfToken(
                f"A change by cookie needs the header {CSRF_HEADER} with the `csrf_token` of this "
                "session, as GET /v1/session tells it.",
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
        foreign = site not in ("same-origin", "none")  # none: no page asks, but who types it
    else:
        foreign = origin is not None and _host_of(origin) != request.headers.get("host", "").lower()
    if foreign:
        raise Forbidden("A page of another site asks for this; nothing was done.", field="Origin")


def changes(request: Request) -> bool:
    """Whether this asks for a change."""
    return request.method not in SAFE_METHODS or request.scope["path"] == TAKES


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _address(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


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
