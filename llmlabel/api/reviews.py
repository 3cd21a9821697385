"""`/v1/reviews`: take items, decide them, give them back, take a verdict back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from llmlabel.access import Principal
from llmlabel.api.documents import Cursor, GuidelineName, Limit
from llmlabel.api.identity import ThePrincipal
from llmlabel.api.permissions import REVIEWER
from llmlabel.api.problems import documented
from llmlabel.api.queue_shapes import (
    HistoryOut,
    LeasesIn,
    QueueOut,
    QueuesOut,
    ReleasedOut,
    RenewedOut,
    TakeIn,
    TakenOut,
    VerdictOut,
)
from llmlabel.api.review_shapes import LeaseIn, ReviewOut, ReviewsOut, VerdictIn
from llmlabel.api.route import Route
from llmlabel.api.service import Service, TheService
from llmlabel.domain.review import ReviewStatus
from llmlabel.errors import Forbidden, InvalidInput, LlmlabelError
from llmlabel.store import ReviewItem

router = APIRouter(prefix="/v1/reviews", tags=["reviews"], route_class=Route)

HEADER = "X-Reviewer"


async def _reviewer(
    principal: ThePrincipal,
    x_reviewer: Annotated[
        str | None,
        Header(
            max_length=200,
            description="Your name, if the service has no keys; with one it is the key's.",
        ),
    ] = None,
    reviewer: Annotated[
        str | None, Query(max_length=200, description="Instead of the header.")
    ] = None,
) -> str:
    name = _name(principal, x_reviewer or reviewer)
    if not name:
        raise InvalidInput(f"Say who you are in the header {HEADER}.", field=HEADER)
    return name


Reviewer = Annotated[str, Depends(_reviewer)]


async def _named(
    principal: ThePrincipal,
    x_reviewer: Annotated[
        str | None, Header(max_length=200, description="Only what this one may take.")
    ] = None,
) -> str | None:
    name = _name(principal, x_reviewer)
    return name if principal.may(REVIEWER) else None


def _name(principal: Principal, said: str | None) -> str | None:
    """The name of the key; without keys the one that is said."""
    name = (said or "").strip() or None
    if principal.name is None:
        return name
    if name not in (None, principal.name):
        raise Forbidden(
            f"The key is that of `{principal.name}`, and decides under no other name; leave "
            f"{HEADER} out.",
            field=HEADER,
        )
    return principal.name


MaybeReviewer = Annotated[str | None, Depends(_named)]

Session = Annotated[
    str | None,
    Header(
        alias="X-Session",
        max_length=200,
        description="Any string of a browser tab's own. It gets the items back that it holds, "
        "also after a reload, and takes its own verdicts back.",
    ),
]


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


@router.post("/take", summary="Take items", responses=documented(400, 415))
def take(
    service: TheService, reviewer: Reviewer, body: TakeIn, session: Session = None
) -> TakenOut:
    """Lease items to you until you hold `count`; an empty list when nothing waits.

    Nobody else gets them until their leases end; renew them while you work. Those that you
    skipped come last.
    """
    items = service.reviews.take(reviewer, body.count, body.where, session)
    return TakenOut(
        reviews=[_out(service, item) for item in items],
        waiting=service.reviews.waiting(reviewer, body.where),
    )


@router.post("/renew", summary="Keep items", responses=documented(400, 415))
def renew_all(service: TheService, reviewer: Reviewer, body: LeasesIn) -> RenewedOut:
    """Keep items you hold for another lease from now; says of each that is lost why."""
    return RenewedOut(leases=service.reviews.renew_all(body.pairs, reviewer))


@router.post("/release", summary="Give items back", responses=documented(400, 415))
def release_all(service: TheService, reviewer: Reviewer, body: LeasesIn) -> ReleasedOut:
    """Give items back undecided; those that you no longer hold are passed over."""
    return ReleasedOut(released=service.reviews.release_all(body.pairs, reviewer))


@router.post("/undo", summary="Take the newest verdict back", responses=documented(404, 409))
def undo_last(service: TheService, reviewer: Reviewer, session: Session = None) -> ReviewOut:
    """Take your newest verdict back, skips included; you hold the item again.

    Again, it takes the one before back. With X-Session only verdicts of that tab are meant.
    """
    return _out(service, service.reviews.undo_last(reviewer, session))


@router.get("/queues", summary="What waits", responses=documented())
def queues(service: TheService, reviewer: MaybeReviewer = None) -> QueuesOut:
    """Count what waits by guideline, kind and language, and tell how long it takes to clear."""
    return QueuesOut(
        queues=[
            QueueOut(**dict(each), title=_title(service, each.guideline))
            for each in service.reviews.queues(reviewer)
        ]
    )


@router.get("/{id}", summary="One item", responses=documented(404))
def get(service: TheService, principal: ThePrincipal, id: str) -> ReviewOut:
    """Give an item as it stands; nothing is leased.

    A reviewer gets the items that they took, and of a blind one never what was proposed.
    """
    return _out(service, _shown(service, principal, id), decided=principal.only_reviews)


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
    return _out(service, item, decided=True)


@router.post("/{id}/take", summary="Take a certain item", responses=documented(404, 409))
def take_one(
    service: TheService, reviewer: Reviewer, id: str, session: Session = None
) -> ReviewOut:
    """Lease this item to you, unless somebody holds it or it is not for you."""
    return _out(service, service.reviews.take_one(id, reviewer, session))


@router.get("/{id}/history", summary="What was said of an item", responses=documented(404))
def history(service: TheService, principal: ThePrincipal, id: str) -> HistoryOut:
    """List every verdict on an item; nothing is ever struck out."""
    item = _shown(service, principal, id)
    hidden = item.hidden or (item.blind and principal.only_reviews)
    found = service.reviews.history(id)
    return HistoryOut(verdicts=[VerdictOut.of(each, hidden=hidden) for each in found])


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
def undo(service: TheService, reviewer: Reviewer, id: str, session: Session = None) -> ReviewOut:
    """Take your verdict back, if it is your newest; you hold the item again under a new lease."""
    return _out(service, service.reviews.undo(id, reviewer, session))


def _shown(service: Service, principal: Principal, id: str) -> ReviewItem:
    item = service.reviews.get(id)
    if principal.only_reviews and item.leased_by != principal.name:
        raise Forbidden(
            f"A reviewer reads the items that they took; take `{id[:64]}` first, if it is free.",
            field="id",
        )
    return item


def _out(service: Service, item: ReviewItem, *, decided: bool = False) -> ReviewOut:
    return ReviewOut.of(item, service.guidelines.get(item.guideline), decided=decided)


def _title(service: Service, ref: str) -> str:
    try:
        return service.guidelines.get(ref).title
    except LlmlabelError:
        return ref  # its file is gone or broken; the queue is told all the same
