"""`/v1/reviews/relabel`: labels that people are to look at again."""

from __future__ import annotations

from fastapi import APIRouter

from llmlabel.api.people_shapes import RelabelIn
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.learning.relabel import Relabeled

router = APIRouter(prefix="/v1/reviews", tags=["reviewers"], route_class=Route)


@router.post("/relabel", summary="Queue labels again", responses=documented(400, 404, 415))
async def relabel(service: TheService, body: RelabelIn) -> Relabeled:
    """Have people look again at labels chosen by what is known of them.

    The labels stand until somebody decides otherwise, and every earlier one stays in the
    history. Sent twice, nothing is queued twice.
    """
    return await service.relabel(
        body.guideline, body.wanted, reason=body.reason, dry_run=body.dry_run
    )
