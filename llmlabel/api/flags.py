"""`/v1/flags`: what reviewers remark on guidelines, and what was done about it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from llmlabel.api.documents import GuidelineName
from llmlabel.api.people_shapes import FlagIn, FlagsOut, ResolutionIn
from llmlabel.api.problems import documented
from llmlabel.api.reviews import Reviewer
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.domain.people import Flag
from llmlabel.review import people

router = APIRouter(prefix="/v1", tags=["reviewers"], route_class=Route)


@router.post(
    "/reviews/{id}/flag", summary="Flag the guideline", responses=documented(400, 404, 409, 415)
)
def flag(service: TheService, reviewer: Reviewer, id: str, body: FlagIn) -> Flag:
    """Tell evaluators what is unclear or wrong in the guideline of an item.

    The item stays as it is: whoever holds it goes on and decides it.
    """
    item = service.reviews.get(id)
    return people.flag(
        service.store,
        item,
        service.guidelines.get(item.guideline),
        reviewer=reviewer,
        comment=body.comment,
        clause=body.clause,
    )


@router.get("/flags", summary="List flags", responses=documented())
def list_flags(
    service: TheService,
    guideline: GuidelineName = None,
    open: Annotated[
        bool | None, Query(description="Only those nobody answered, or only the others.")
    ] = None,
) -> FlagsOut:
    """List flags, newest first."""
    return FlagsOut(flags=list(service.store.flags.list(guideline, open=open)))


@router.post(
    "/flags/{id}/resolve", summary="Answer a flag", responses=documented(400, 404, 409, 415)
)
def resolve(service: TheService, reviewer: Reviewer, id: str, body: ResolutionIn) -> Flag:
    """Say what was done about a flag, or why nothing is; it is open no more."""
    return people.resolve(service.store, id, by=reviewer, resolution=body.resolution)
