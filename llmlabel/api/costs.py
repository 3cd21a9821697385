"""`/v1/metrics/costs`: what labels cost, and what is left of the budget."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from llmlabel.api.documents import GuidelineName
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.api.times import Day
from llmlabel.llm.budget import Spent
from llmlabel.store import By, LabelCost

router = APIRouter(prefix="/v1", tags=["health"], route_class=Route)


class CostOut(BaseModel):
    """What some labels cost, in US dollars.

    It is the cost of the model calls behind their opinions; a reply from the cache costs nothing,
    nor does a model on this machine. The mean is over all labels, cached ones included.
    """

    key: str = Field(description="The guideline, the model or the day; empty for the sum.")
    labels: int
    cached: int = Field(description="Labels with a reply that came from the cache.")
    unknown: int = Field(
        description="Labels of which not every price is known; then the mean is null."
    )
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float = Field(description="As far as prices are known.")
    usd_per_label: float | None
    usd_per_1000_labels: float | None


class CostsOut(BaseModel):
    """What labels cost, and what was spent on remote models altogether.

    `spent` counts every call: also those of trainings and of labels that were never saved, and
    what is set aside for calls under way.
    """

    by: By
    costs: list[CostOut] = Field(
        description="Dearest first, days in their order. A label of several models counts under "
        "each of them."
    )
    total: CostOut
    spent: list[Spent]


@router.get("/metrics/costs", summary="What labels cost", responses=documented(404))
def costs(
    service: TheService,
    by: Annotated[By, Query(description="What to sum by.")] = "guideline",
    guideline: Annotated[
        GuidelineName | None, Query(description="Only of this one; a name covers all versions.")
    ] = None,
    since: Annotated[Day | None, Query(description="First day (UTC).")] = None,
    until: Annotated[Day | None, Query(description="Last day (UTC).")] = None,
) -> CostsOut:
    """Sum what labels cost by guideline, model or day, with the mean of one and of 1,000."""
    if guideline is not None:
        service.guidelines.get(guideline)
    read = service.store.costs
    return CostsOut(
        by=by,
        costs=[_out(each) for each in read.read(by, guideline=guideline, since=since, until=until)],
        total=_out(read.total(guideline=guideline, since=since, until=until)),
        spent=service.spent(),
    )


def _out(cost: LabelCost) -> CostOut:
    per_label = cost.per_label_usd
    return CostOut(
        **cost.model_dump(),
        usd_per_label=per_label,
        usd_per_1000_labels=None if per_label is None else per_label * 1000,
    )
