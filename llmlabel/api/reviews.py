"""`/v1/reviews`: take an item, decide it, or give it back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from llmlabel.api.documents import Cursor, GuidelineName, Limit
from llmlabel.api.problems import documented
from llmlabel.api.review_shapes import LeaseIn, ReviewOut, ReviewsOut, VerdictIn
from llmlabel.api.route import Route
from llmlabel.api.service import Service, TheService
from llmlabel.domain.review import ReviewStatus
from llmlabel.errors import InvalidInput
from llmlabel.store import ReviewItem

router = APIRouter(prefix="/v1/reviews", tags=["reviews"], route_class=Route)

HEADER = "X-Reviewer"


def _reviewer(
    x_reviewer: Annotated[
        str | None, Header(max_length=200, description="Your name; the lease is under it.")
    ] = None,
    reviewer: Annotated[
        str | None, Query(max_length=200, description="Instead of the header.")
    ] = None,
) -> str:
    name = (x_reviewer or reviewer or "").strip()
    if not name:
        raise InvalidInput(f"Say who you are in the header {HEADER}.", field=HEADER)
    return name


Reviewer = Annotated[str, Depends(_reviewer)]


@router.get("", summary="List reviews", responses=documented())
def page(
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[ReviewStatus | None, Query(description="Only with this one.")] = None,
    guideline: GuidelineName = None,
) -> ReviewsOut:
    """List the queue, newest first, with its length; nothing is leased."""
    found = service.reviews.page(limit=limit, cursor=cursor, status=status, guideline=guideline)
    return ReviewsOut.of(found, service.store.counts())


@router.get(
    "/next",
    summary="Take the next item",
    response_model=ReviewOut,
    responses={**documented(), 204: {"description": "Nothing waits."}},
)
def next_(
    service: TheService, reviewer: Reviewer, response: Response, guideline: GuidelineName = None
) -> ReviewOut | Response:
    """Lease the most important free item to you, or answer 204 when nothing waits.

    The lease ends by itself at `lease.expires_at`; `lease.token` must come with the verdict.
    """
    item = service.reviews.next(reviewer, guideline)
    if item is None:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    response.headers["Cache-Control"] = "no-store"
    return _out(service, item)


@router.get("/{id}", summary="One item", responses=documented(404))
def get(service: TheService, id: str) -> ReviewOut:
    """Give an item as it stands; nothing is leased."""
    return _out(service, service.reviews.get(id))


@router.post("/{id}/verdict", summary="Decide an item", responses=documented(400, 404, 409, 415))
def verdict(service: TheService, reviewer: Reviewer, id: str, body: VerdictIn) -> ReviewOut:
    """Decide an item you hold. The first verdict wins: a late one gets 409 with the `winner`."""
    item = service.reviews.verdict(
        id,
        token=body.token,
        kind=body.kind,
        reviewer=reviewer,
        answer=body.answer,
        comment=body.comment,
        seconds=body.seconds,
    )
    return _out(service, item)


@router.post(
    "/{id}/release",
    status_code=204,
    summary="Give an item back",
    responses=documented(400, 404, 409, 415),
)
def release(service: TheService, reviewer: Reviewer, id: str, body: LeaseIn) -> None:
    """Give an item back undecided; the next one who asks gets it."""
    service.reviews.release(id, body.token, reviewer)


@router.post("/{id}/renew", summary="Keep an item", responses=documented(400, 404, 409, 415))
def renew(service: TheService, reviewer: Reviewer, id: str, body: LeaseIn) -> ReviewOut:
    """Keep an item you hold for another lease from now."""
    return _out(service, service.reviews.renew(id, body.token, reviewer))


@router.post("/{id}/undo", summary="Take a verdict back", responses=documented(404, 409))
def undo(service: TheService, reviewer: Reviewer, id: str) -> ReviewOut:
    """Take your own last verdict back; you hold the item again under a new lease."""
    return _out(service, service.reviews.undo(id, reviewer))


def _out(service: Service, item: ReviewItem) -> ReviewOut:
    return ReviewOut.of(item, service.guidelines.get(item.guideline))
