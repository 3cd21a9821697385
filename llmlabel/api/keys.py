"""`/v1/keys`: who may come in, and what they may do."""

from __future__ import annotations

from fastapi import APIRouter, Response

from llmlabel.api.access_shapes import KeyIn, KeyMade, KeyOut, KeysOut
from llmlabel.api.identity import TheDoorkeeper, ThePrincipal
from llmlabel.api.problems import documented
from llmlabel.api.route import OnceOnly
from llmlabel.errors import InvalidInput

router = APIRouter(prefix="/v1/keys", tags=["access"], route_class=OnceOnly)


@router.post("", status_code=201, summary="Make a key", responses=documented(400, 404, 415))
def create(
    door: TheDoorkeeper, principal: ThePrincipal, body: KeyIn, response: Response
) -> KeyMade:
    """Make a key for this project.

    The secret is in this answer and in no other. The first key closes the service to everybody
    without one, so it has to be an admin's.
    """
    if principal.key is None and "admin" not in body.roles:
        raise InvalidInput(
            "The first key closes the service to everybody without one; give it the role admin, "
            "so that there is somebody who can make more.",
            field="roles",
        )
    key, secret = door.access.keys.create(
        body.name,
        body.roles,
        principal.project,
        by=principal.name or "(no key)",
        expires_at=body.expires_at,
        requests_per_minute=body.requests_per_minute,
        documents_per_minute=body.documents_per_minute,
    )
    response.headers["Location"] = f"/v1/keys/{key.id}"
    response.headers["Cache-Control"] = "no-store"
    return KeyMade(key=KeyOut.of(key, door.access.clock()), secret=secret)


@router.get("", summary="List keys", responses=documented())
def list_(door: TheDoorkeeper, principal: ThePrincipal) -> KeysOut:
    """List the keys of this project, oldest first, those that ended included."""
    when = door.access.clock()
    return KeysOut(keys=[KeyOut.of(key, when) for key in door.access.keys.list(principal.project)])


@router.get("/{id}", summary="One key", responses=documented(404))
def get(door: TheDoorkeeper, principal: ThePrincipal, id: str) -> KeyOut:
    """Give a key of this project, without its secret."""
    return KeyOut.of(door.access.keys.get(id, principal.project), door.access.clock())


@router.delete("/{id}", summary="Revoke a key", responses=documented(404))
def revoke(door: TheDoorkeeper, principal: ThePrincipal, id: str) -> KeyOut:
    """End a key with its browser sessions: within a second, in whatever process.

    It stays listed. Once there was a key the service lets nobody in without one, even when all
    of them are revoked; then `llmlabel keys create` makes another.
    """
    return KeyOut.of(door.access.keys.revoke(id, principal.project), door.access.clock())
