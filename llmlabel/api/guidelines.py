"""`/v1/guidelines`: the tasks, as people and models read them."""

from __future__ import annotations

from fastapi import APIRouter

from llmlabel.api.guideline_shapes import GuidelinesOut, GuidelineSummary
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.domain.guideline import Guideline

router = APIRouter(prefix="/v1/guidelines", tags=["guidelines"], route_class=Route)


@router.get("", summary="List guidelines", responses=documented())
def list_(service: TheService) -> GuidelinesOut:
    """List every guideline that can be read, and what keeps the others from it."""
    return GuidelinesOut(
        guidelines=[GuidelineSummary.of(each) for each in service.guidelines.list()],
        broken=[str(problem) for problem in service.guidelines.broken()],
    )


@router.get("/{ref}", summary="One guideline", responses=documented(404))
def get(service: TheService, ref: str) -> Guideline:
    """Give a guideline whole: `name` (its latest version) or `name@version`."""
    return service.guidelines.get(ref)
