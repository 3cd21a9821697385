"""`/v1/session`: a key is exchanged for a browser's cookie; who asks; signing out."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from llmlabel.access import Principal
from llmlabel.access.sessions import csrf_of, token_hash
from llmlabel.api.access_shapes import SessionOut, SignIn
from llmlabel.api.identity import TheDoorkeeper, ThePrincipal, cookie_of, refuse_foreign
from llmlabel.api.problems import documented
from llmlabel.api.route import OnceOnly
from llmlabel.errors import Conflict

router = APIRouter(prefix="/v1/session", tags=["access"], route_class=OnceOnly)


@router.post("", summary="Sign in", responses=documented(400, 401, 403, 409, 415, 429))
async def sign_in(
    request: Request, door: TheDoorkeeper, body: SignIn, response: Response
) -> SessionOut:
    """Exchange a key for a cookie that scripts cannot read and other sites cannot send.

    It ends by itself, with the key, and when somebody signs out. Changes by cookie need the
    `csrf_token` of this answer as `X-CSRF-Token`.
    """
    refuse_foreign(request)
    await door.fresh()
    if not door.access.keys.exist:
        raise Conflict(NO_KEYS)
    key = await door.key_of(body.key.strip(), request)
    name, secure = cookie_of(request)
    before = request.cookies.get(name)
    if before is not None:  # the browser forgets it now, and nobody else is to go on with it
        await run_in_threadpool(door.access.sessions.end, token_hash(before))
    session = await run_in_threadpool(door.access.sessions.begin, key)
    request.state.principal = principal = Principal.of(key, session="new")
    request.state.project = key.project
    response.set_cookie(
        name,
        session.token,
        max_age=int((session.expires_at - datetime.now(UTC)).total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    response.headers["Cache-Control"] = "no-store"
    return SessionOut.of(principal, session.csrf, session.expires_at)


@router.get("", summary="Who am I?", responses=documented())
async def who(request: Request, door: TheDoorkeeper, principal: ThePrincipal) -> SessionOut:
    """Say who asks, and what they may do."""
    if principal.session is None:
        return SessionOut.of(principal)
    row = await run_in_threadpool(door.access.sessions.find, principal.session)
    token = request.cookies[cookie_of(request).name]
    return SessionOut.of(principal, csrf_of(token), row.expires_at if row else None)


@router.delete(
    "",
    status_code=204,
    summary="Sign out",
    responses={**documented(), 204: {"description": "The cookie counts no more."}},
)
async def sign_out(
    request: Request, door: TheDoorkeeper, principal: ThePrincipal, response: Response
) -> None:
    """End the browser session, for every tab of the browser; a key in a header stays."""
    if principal.session is not None:
        await run_in_threadpool(door.access.sessions.end, principal.session)
    name, secure = cookie_of(request)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")
    response.headers["Clear-Site-Data"] = '"cache"'  # recordings that the browser kept


NO_KEYS = "This service has no keys yet, so there is nothing to sign in to."
