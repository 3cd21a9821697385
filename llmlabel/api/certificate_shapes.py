"""Certificates and what is known of labels, as clients get them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, Field, JsonValue, StrictBool

from llmlabel.api.document_shapes import Body, Ref
from llmlabel.domain.promise import Certificate, CertificateStatus, Loss, Promise
from llmlabel.jobs import LearnJob
from llmlabel.learning.quality import AuditQuality, DriftQuality, Quality
from llmlabel.learning.quality_detail import QualityDetail
from llmlabel.store import Failure, Gate
from llmlabel.store.numbers import RouteCounts


class CertificationIn(Body):
    """A guideline to certify."""

    guideline: Ref
    promise: Promise | None = Field(
        default=None, description="What is to be proved; without it what the guideline promises."
    )
    reviewer_error: StrictBool | None = Field(
        default=None,
        description="Take what reviewers' mistakes may hide, by their answers to hidden gold, off "
        "the promised error. Null: as the last time, at first not.",
    )


class CertificateOut(BaseModel):
    """What was proved of one pipeline under one guideline version, or why nothing could be.

    Only the `active` one of a guideline decides what is accepted.
    """

    id: str
    guideline: str = Field(description="name@version")
    status: CertificateStatus
    reason: str = Field(description="What was found, or why it ended, as a sentence.")
    promise: Promise
    loss: Loss
    n: int = Field(description="Gold labels that certified.")
    attempt: int = Field(description="Which attempt on this gold; later ones must be surer.")
    threshold: float | None = Field(description="Answers at or above it are accepted.")
    observed_risk: float | None = Field(description="Of the gold, at the threshold.")
    bound: float | None = Field(description="Upper confidence bound of the risk.")
    reviewer_error: float | None = Field(
        description="What mistakes of reviewers may hide at most, which is part of the bound; "
        "null where verdicts are taken as right."
    )
    coverage: float = Field(description="Share of documents expected to be accepted.")
    floor: float = Field(
        description="Share of documents that people must see however much gold there is; "
        "1 while there is too little to tell."
    )
    further_gold: int | None = Field(
        description="More gold for the next lower threshold; null where no gold would do."
    )
    gold_since: datetime | None = Field(description="Older gold was left out.")
    assumptions: list[str]
    pipeline: dict[str, JsonValue] = Field(description="What the answers depend on.")
    pipeline_sha256: str
    guideline_sha256: str
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, certificate: Certificate) -> Self:
        """A stored certificate as clients get it, without its sample."""
        return cls.model_validate(certificate.model_dump(exclude={"sample"}))


class CertificationOut(BaseModel):
    """A certification that was asked for, and what became of it."""

    id: str
    url: str
    guideline: str = Field(description="name@version")
    status: Literal["queued", "failed", "done"]
    failure: Failure | None = Field(description="Why it could not be done.")
    certificate: CertificateOut | None = Field(
        description="The result; one that proves nothing has the status `infeasible`. Where "
        "nothing had changed since an earlier one, it is that one."
    )

    @classmethod
    def of(cls, job: LearnJob, certificate: Certificate | None) -> Self:
        """A job as clients get it."""
        return cls(
            id=job.id,
            url=certificate_url(job.id),
            guideline=job.guideline,
            status=job.status,
            failure=job.failure,
            certificate=None if certificate is None else CertificateOut.of(certificate),
        )

    @classmethod
    def made(cls, certificate: Certificate) -> Self:
        """A certificate that was made without being asked for here."""
        return cls(
            id=certificate.id,
            url=certificate_url(certificate.id),
            guideline=certificate.guideline,
            status="done",
            failure=None,
            certificate=CertificateOut.of(certificate),
        )


class CertificatesOut(BaseModel):
    """Certificates, newest first."""

    certificates: list[CertificateOut]


class QualityOut(BaseModel):
    """Everything known of the labels of one guideline version."""

    guideline: str = Field(description="name@version")
    title: str = Field(description="Of the guideline.")
    state: Literal["certified", "closed", "unproved", "threshold"] = Field(
        description="`certified`: the certificate decides what is accepted. `closed`: a promise "
        "was found broken, everything goes to review. `unproved`: something is promised and "
        "nothing proves it yet, everything goes to review. `threshold`: nothing is promised."
    )
    promise: Promise | None
    threshold: float | None = Field(
        description="Answers at or above it are accepted now; null where none is."
    )
    gate: Gate
    audit_rate: float = Field(description="With which probability a document is drawn.")
    certificate: CertificateOut | None = Field(description="The active one.")
    last: CertificateOut | None = Field(description="The newest, whatever became of it.")
    audits: AuditQuality
    drift: list[DriftQuality] = Field(description="The last days, oldest first.")
    counts: RouteCounts
    detail: QualityDetail | None = Field(default=None, description="With `detail=true`.")

    @classmethod
    def of(cls, quality: Quality, title: str, detail: QualityDetail | None = None) -> Self:
        """What is known as clients get it."""
        active, last = quality.certificate, quality.last
        return cls(
            guideline=quality.guideline,
            title=title,
            state=quality.state,
            promise=quality.promise,
            threshold=quality.threshold,
            gate=quality.gate,
            audit_rate=quality.audit_rate,
            certificate=None if active is None else CertificateOut.of(active),
            last=None if last is None else CertificateOut.of(last),
            audits=quality.audits,
            drift=list(quality.drift),
            counts=quality.counts,
            detail=detail,
        )


class QualitiesOut(BaseModel):
    """What is known of the labels, by guideline."""

    guidelines: list[QualityOut]


def certificate_url(id: str) -> str:
    """Where a certification is found."""
    return f"/v1/certificates/{quote(id, safe='')}"
