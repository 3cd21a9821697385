"""`/v1/certificates`: prove a promise, see what was proved. `/v1/metrics`: watch it."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from llmlabel.api.certificate_shapes import (
    CertificateOut,
    CertificatesOut,
    CertificationIn,
    CertificationOut,
    QualitiesOut,
    QualityOut,
    certificate_url,
)
from llmlabel.api.documents import GuidelineName
from llmlabel.api.preferences import WaitSeconds, until
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import Service, TheService
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.promise import CertificateStatus
from llmlabel.errors import NotFound
from llmlabel.jobs import LearnJob
from llmlabel.learning.certification import CERTIFY, Asked, refuse_unmeasured, stated_promise
from llmlabel.learning.quality import quality_of
from llmlabel.learning.quality_detail import QualityDetails
from llmlabel.review.live_agreement import Agreement, agreement_of

router = APIRouter(prefix="/v1", tags=["quality"], route_class=Route)


@router.post(
    "/certificates",
    status_code=202,
    summary="Certify a guideline",
    response_model=CertificationOut,
    responses={
        **documented(400, 404, 409, 413, 415),
        200: {"description": "Certified, or not, and why.", "model": CertificationOut},
        202: {
            "description": "Accepted and durable; its result comes later, at `Location`.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
    },
)
async def certify(
    body: CertificationIn, service: TheService, response: Response, wait: WaitSeconds
) -> CertificationOut:
    """Prove a promise on the gold that nothing was learned from.

    It runs in the background, one at a time with trainings. With `Prefer: wait=N` the answer is
    200 with the result, if it is there in time. A certificate that is `active` decides from then
    on what is accepted; every further look at the same gold must be surer.
    """
    job = await run_in_threadpool(_submit, service, body)
    response.headers["Location"] = certificate_url(job.id)
    learning = service.jobs.learning
    if await until(lambda: learning.get(job.id).status != "queued", wait):
        response.status_code = 200
    return await run_in_threadpool(_found, service, job.id)


@router.get("/certificates", summary="List certificates", responses=documented(404))
def list_(
    service: TheService,
    guideline: GuidelineName = None,
    status: Annotated[CertificateStatus | None, Query(description="Only with this one.")] = None,
) -> CertificatesOut:
    """List certificates, newest first, with those that proved nothing or are over."""
    if guideline is not None:
        service.guidelines.get(guideline)
    return CertificatesOut(
        certificates=[
            CertificateOut.of(each)
            for each in service.store.certificates.list(guideline)
            if status in (None, each.status)
        ]
    )


@router.get("/certificates/{id}", summary="One certificate", responses=documented(404))
def get(service: TheService, id: str) -> CertificationOut:
    """Give a certificate, or where the certification of that id stands."""
    return _found(service, id)


@router.get("/metrics/quality", summary="How good the labels are", responses=documented(404))
def quality(
    request: Request,
    service: TheService,
    guideline: GuidelineName = None,
    detail: Annotated[
        bool,
        Query(
            description="With reliability, risk and coverage, confusions, reviewers and queues, "
            "which takes up to a second or two where something has changed."
        ),
    ] = False,
) -> QualitiesOut:
    """Say what gates, certificates, audits and days tell of the labels, by guideline."""
    named = [service.guidelines.get(guideline)] if guideline else service.guidelines.list()
    details = _details(request) if detail else None
    return QualitiesOut(guidelines=[_quality(service, each, details) for each in named])


@router.get("/metrics/agreement", summary="How far reviewers agree", responses=documented(404))
def agreement(
    service: TheService,
    guideline: Annotated[
        str,
        Query(description="Of its panels: `sentiment` (the latest version) or `sentiment@1.0.0`."),
    ],
) -> Agreement:
    """Compare what several reviewers said of the same documents, unseen by each other."""
    return agreement_of(service.store, service.guidelines.get(guideline))


def _details(request: Request) -> QualityDetails:
    """Those of the service, kept as long as it runs."""
    state = request.app.state
    if not hasattr(state, "details"):
        state.details = QualityDetails()
    found: QualityDetails = state.details
    return found


def _quality(service: Service, guideline: Guideline, details: QualityDetails | None) -> QualityOut:
    found = quality_of(service.store, service.watch, guideline, service.promise_for(guideline))
    more = None
    if details:
        more = details(service.store, service.reviews, guideline, found.threshold)
    return QualityOut.of(found, guideline.title, more)


def _submit(service: Service, body: CertificationIn) -> LearnJob:
    guideline = service.guidelines.get(body.guideline)
    stated_promise(guideline, body.promise or service.promise_for(guideline))
    refuse_unmeasured(guideline, body.reviewer_error)
    asked = Asked(promise=body.promise, reviewer_error=body.reviewer_error)
    return service.jobs.learning.submit(
        CERTIFY, guideline.ref, asked.argument, id=f"c-{uuid.uuid4().hex}"
    )


def _found(service: Service, id: str) -> CertificationOut:
    try:
        job = service.jobs.learning.get(id)
    except NotFound:
        return CertificationOut.made(service.store.certificates.get(id))
    if job.what != CERTIFY:
        return CertificationOut.made(service.store.certificates.get(id))
    made = None if job.result is None else service.store.certificates.get(job.result)
    return CertificationOut.of(job, made)
