"""`/v1/reviewers`: who reviews, what they may review, and how they do."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from llmlabel.api.documents import GuidelineName
from llmlabel.api.people_shapes import ClearanceIn, ReviewerOut, ReviewersOut
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.review.people import MAX_NAME, clear

router = APIRouter(prefix="/v1/reviewers", tags=["reviewers"], route_class=Route)


@router.get("", summary="List reviewers", responses=documented(404))
def list_(service: TheService, guideline: GuidelineName = None) -> ReviewersOut:
    """List reviewers with their clearances and scores, by name.

    With a guideline the scores are of it alone, and only those who may review it are listed.
    """
    if guideline is not None:
        service.guidelines.get(guideline)
    people = service.store.people
    scores = {each.reviewer: each for each in people.scores(guideline)}
    return ReviewersOut(
        reviewers=[
            ReviewerOut.of(each, scores.get(each.name))
            for each in people.list()
            if guideline is None or each.may_review(guideline)
        ]
    )


@router.put("/{name}", summary="Clear a reviewer", responses=documented(400, 415))
def put(
    service: TheService,
    name: Annotated[str, Path(max_length=MAX_NAME)],
    body: ClearanceIn,
) -> ReviewerOut:
    """Say what a reviewer may review from now on, in the place of what was said before.

    Whoever was given no clearance may review everything.
    """
    known = [each.name for each in service.guidelines.list()]
    cleared = clear(
        service.store,
        name,
        known,
        guidelines=body.guidelines,
        adjudicates=body.adjudicates,
        note=body.note,
    )
    scores = {each.reviewer: each for each in service.store.people.scores()}
    return ReviewerOut.of(cleared, scores.get(cleared.name))
