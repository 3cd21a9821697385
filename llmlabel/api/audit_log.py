"""`/v1/audit-log`: who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from llmlabel.api.access_shapes import AuditLogOut, UtcMoment
from llmlabel.api.documents import Cursor, Limit
from llmlabel.api.identity import TheDoorkeeper, ThePrincipal
from llmlabel.api.problems import documented
from llmlabel.api.route import Route

router = APIRouter(prefix="/v1/audit-log", tags=["access"], route_class=Route)


@router.get("", summary="Who did what", responses=documented())
def page(
    door: TheDoorkeeper,
    principal: ThePrincipal,
    limit: Limit = 50,
    cursor: Cursor = None,
    key_id: Annotated[str | None, Query(max_length=16, description="Only with this key.")] = None,
    name: Annotated[str | None, Query(max_length=200, description="Only under this name.")] = None,
    method: Annotated[str | None, Query(max_length=16, description="`POST`, `DELETE`, …")] = None,
    route: Annotated[
        str | None, Query(max_length=200, description="`/v1/reviews/{id}/verdict` and the like.")
    ] = None,
    target: Annotated[str | None, Query(max_length=300, description="Only on this id.")] = None,
    since: Annotated[UtcMoment | None, Query(description="Not before this moment.")] = None,
    until: Annotated[UtcMoment | None, Query(description="Before this moment.")] = None,
) -> AuditLogOut:
    """List what was asked for in this project that changes something, newest first.

    Refused requests are told with their status; what a request contained is told nowhere.
    """
    entries, more = door.access.log.page(
        project=principal.project,
        key_id=key_id,
        name=name,
        method=method,
        route=route,
        target=target,
        since=since,
        until=until,
        limit=limit,
        cursor=cursor,
    )
    return AuditLogOut(entries=entries, next_cursor=more)
