"""How good the labels of a guideline are now, as far as anybody can know."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.learning.drift import DriftDay
from llmlabel.learning.live import LiveRisk
from llmlabel.learning.watch import Watch
from llmlabel.store import Gate, Store
from llmlabel.store.numbers import Numbers, RouteCounts

State = Literal["certified", "closed", "unproved", "threshold"]


class AuditQuality(Value):
    """What the blind checks of accepted answers show.

    `estimate`, `low` and `high` are of the risk that the promise is about; without a promise, of
    the share of accepted answers that are wrong. The interval holds at all times together.
    """

    accepted: int = Field(description="Answers accepted, under the certificate if there is one.")
    done: int = Field(description="Audits that were decided.")
    pending: int = Field(description="Audits that wait for a reviewer.")
    estimate: float | None = Field(description="Share that is wrong; null before the first audit.")
    low: float
    high: float

    @classmethod
    def of(cls, live: LiveRisk) -> Self:
        """The figures of a certificate."""
        return cls(
            accepted=live.accepted,
            done=live.audits,
            pending=live.pending,
            estimate=live.estimate,
            low=live.low,
            high=live.high,
        )


class DriftQuality(Value):
    """One day (UTC) compared with the gold that certified; an index above 0.2 is a large shift."""

    day: date
    documents: int
    drifted: bool
    signs: tuple[str, ...] = Field(description="confidence, labels, novelty")
    confidence_index: float | None = Field(description="Population stability index.")
    label_index: float | None = Field(description="Population stability index.")
    novel_share: float | None = Field(description="Documents unlike those learned from.")
    words: str

    @classmethod
    def of(cls, day: DriftDay) -> Self:
        """The figures of a day."""
        shift = day.shift
        return cls(
            day=day.day,
            documents=shift.documents,
            drifted=shift.drifted,
            signs=shift.signs,
            confidence_index=shift.confidence_index,
            label_index=shift.label_index,
            novel_share=shift.novel_share,
            words=shift.words,
        )


class Quality(Value):
    """Everything known of the labels of one guideline version."""

    guideline: str = Field(description="name@version")
    state: State = Field(
        description="certified: a certificate decides what is accepted; closed: the gate is "
        "closed; unproved: something is promised and nothing proves it, so everything goes to "
        "review; threshold: nothing is promised, a bare threshold decides."
    )
    promise: Promise | None
    threshold: float | None = Field(
        description="Answers at or above it are accepted now; null where none is."
    )
    gate: Gate
    audit_rate: float = Field(description="With which probability a document is drawn.")
    certificate: Certificate | None = Field(description="The active one.")
    last: Certificate | None = Field(description="The newest, whatever became of it.")
    audits: AuditQuality
    drift: tuple[DriftQuality, ...] = Field(description="The last days, oldest first.")
    counts: RouteCounts


def quality_of(
    store: Store, watch: Watch, guideline: Guideline, promise: Promise | None
) -> Quality:
    """Look at a guideline; changes nothing.

    Args:
        store: Holds everything.
        watch: Of the same store.
        guideline: The one.
        promise: What is promised of it, if anything.
    """
    certificates = store.certificates.list(guideline.ref)
    active = next((each for each in certificates if each.status == "active"), None)
    gate = store.gates.get(guideline.ref)
    stated = active.promise if active else promise
    state: State = "threshold"
    threshold: float | None = guideline.policy.threshold
    if not gate.open:
        state, threshold = "closed", None
    elif active:
        state, threshold = "certified", active.threshold
    elif stated:
        state, threshold = "unproved", None
    return Quality(
        guideline=guideline.ref,
        state=state,
        promise=stated,
        threshold=threshold,
        gate=gate,
        audit_rate=max(guideline.policy.audit, gate.audit_rate or 0.0),
        certificate=active,
        last=certificates[0] if certificates else None,
        audits=AuditQuality.of(watch.live(active) if active else watch.uncertified(guideline)),
        drift=tuple(DriftQuality.of(each) for each in watch.days(guideline.ref)),
        counts=Numbers(store.database).routes(guideline.ref),
    )
