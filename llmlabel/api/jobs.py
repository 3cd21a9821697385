"""`/v1/jobs`: what waits and what failed, seen, retried, called off."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from llmlabel.api.document_shapes import Body, Ref
from llmlabel.api.documents import Cursor, GuidelineName, Limit
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.store.asked_work import Job, QueueName

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Route)

MOST = 10_000
"""Retried by one request."""

Code = Annotated[
    str | None,
    Query(max_length=100, description="Only those that failed for this reason: `error.code`."),
]


class JobsOut(BaseModel):
    """A page of jobs."""

    jobs: list[Job]
    next_cursor: str | None = Field(description="For the next page; null at the end.")


class RetryIn(Body):
    """Which of the failed labels and transcripts are asked for anew; all of them without more."""

    queue: Literal["text", "audio"] | None = Field(default=None, description="Only of this one.")
    guideline: Ref | None = Field(default=None, description="Only labels of this one.")
    code: str | None = Field(
        default=None, max_length=100, description="Only those that failed for this reason."
    )


class RetriedOut(BaseModel):
    """How many were asked for anew."""

    retried: int
    more: bool = Field(
        description=f"One request retries {MOST:,} at most; there may be more, ask again."
    )


@router.get("", summary="List jobs", responses=documented())
def page(
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[
        Literal["failed", "queued"],
        Query(description="What failed, or what waits or is under way."),
    ] = "failed",
    queue: Annotated[QueueName | None, Query(description="Only of this one.")] = None,
    guideline: GuidelineName = None,
    code: Code = None,
) -> JobsOut:
    """List what failed, with the reason of each, or what waits.

    A job is one label asked of one document, one transcript, one training or certification. They
    come by guideline and document, those of texts first, then recordings, then what is learned.
    """
    jobs, more = service.jobs.desk.page(
        status=status, queue=queue, guideline=guideline, code=code, limit=limit, cursor=cursor
    )
    return JobsOut(jobs=jobs, next_cursor=more)


@router.post("/retry", summary="Retry what failed", responses=documented(400, 415))
def retry_failed(service: TheService, body: RetryIn) -> RetriedOut:
    """Ask anew for failed labels and transcripts; what is asked of a recording comes with it."""
    retried = service.jobs.desk.retry_failed(
        queue=body.queue, guideline=body.guideline, code=body.code, limit=MOST
    )
    return RetriedOut(retried=retried, more=retried >= MOST)


@router.post("/{id:path}/retry", summary="Retry a job", responses=documented(400, 404, 409))
def retry(service: TheService, id: str) -> Job:
    """Ask anew for a job that failed. A training or certification is a new job then."""
    return service.jobs.desk.retry(id)


@router.post("/{id:path}/cancel", summary="Call off a job", responses=documented(400, 404, 409))
def cancel(service: TheService, id: str) -> Job:
    """Call off a job that waits or is under way; it fails as `cancelled` and can be retried.

    A label or transcript that is just being made is thrown away. A training or certification
    that has begun ends, and counts if it ends well.
    """
    return service.jobs.desk.cancel(id)


@router.get("/{id:path}", summary="One job", responses=documented(404))
def get(service: TheService, id: str) -> Job:
    """Give a job as it stands, with its error if it failed."""
    return service.jobs.desk.get(id)
