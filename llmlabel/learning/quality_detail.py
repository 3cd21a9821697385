"""The numbers behind the dashboard of one guideline version, each with what it is of."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from llmlabel.confidence.weighted import Calibration, Point, calibration, point_at, risk_curve
from llmlabel.domain.base import Value
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.people import ReviewerScore
from llmlabel.domain.review import QueueState
from llmlabel.learning.confusion import Confusion, confusion_of
from llmlabel.learning.losses import loss_of
from llmlabel.review import ReviewQueue
from llmlabel.review.live_agreement import Agreement, agreement_of
from llmlabel.store import Store
from llmlabel.store.numbers import Numbers
from llmlabel.store.sampled import Checked, Sampled


class ReliabilityBin(Value):
    """Answers whose confidence lies in (low, high], the first bin with 0."""

    low: float
    high: float
    n: int = Field(description="Answers in it.")
    confidence: float = Field(description="Their mean confidence.")
    accuracy: float = Field(description="Share of them whose whole answer is right.")


class Reliability(Value):
    """Whether confidences mean what they say."""

    n: int
    ece: float | None = Field(description="Mean gap between confidence and accuracy, 15 bins.")
    brier: float | None = Field(description="Mean squared gap between confidence and being right.")
    auroc: float | None = Field(
        description="How often a right answer has a higher confidence than a wrong one; null "
        "where all are right, or all wrong."
    )
    bins: tuple[ReliabilityBin, ...]


class RiskPoint(Value):
    """What a threshold would accept."""

    threshold: float
    coverage: float = Field(description="Share of the documents.")
    risk: float = Field(description="Mean loss of what is accepted, as the policy counts it.")
    bound: float | None = Field(
        description="Upper 95% bound of the risk at this threshold alone; it certifies nothing. "
        "Null where documents were drawn at different rates."
    )


class Throughput(Value):
    """What one reviewer decided under this guideline version."""

    reviewer: str
    decided: int = Field(description="Verdicts that stand, skips left out.")
    median_seconds: float | None
    per_hour: float | None = Field(description="At the mean time; pauses count 5 minutes at most.")
    benchmarks: int = Field(description="Hidden items with a known answer that they decided.")
    wrong: float = Field(description="How many of those wrongly; parts of an answer count so.")
    error: float | None = Field(description="Share of those that are wrong.")
    error_high: float | None = Field(description="Its upper bound at 95%.")


class WaitingQueue(QueueState):
    """What waits, of one kind and language."""

    title: str = Field(description="Of the guideline.")


class Measured(Value):
    """What checked answers and panels say of a guideline version.

    `reliability`, `risk_coverage`, `active` and `confusion` are of answers that were checked
    because chance chose them, never because they were doubted: audits, documents reviewed while
    everything was, and imported gold that was labeled as a document before it was learned from.
    Each stands for as many documents as its chance says (inverse probability). Of those only
    the ones whose confidence was made like the newest label's count: `calibrator` names what
    made it, and `left_out` counts the others.
    """

    n: int = Field(description="Checked answers that count.")
    left_out: int = Field(description="Checked answers with a confidence made otherwise.")
    calibrator: str | None = Field(
        description="What makes the confidences now; null while they are the labelers' own."
    )
    threshold: float | None = Field(
        description="At or above it answers are accepted now; null where nothing is."
    )
    reliability: Reliability
    risk_coverage: tuple[RiskPoint, ...] = Field(description="Thresholds from high to low.")
    active: RiskPoint | None = Field(description="At the threshold; null where nothing passes.")
    confusion: Confusion | None = Field(description="Null for transcripts.")
    agreement: Agreement | None = Field(description="Null while no panel has decided.")


class QualityDetail(Measured):
    """What checked answers, reviewers and queues say of a guideline version."""

    throughput: tuple[Throughput, ...] = Field(description="Of everybody who decided here.")
    waiting: tuple[WaitingQueue, ...] = Field(description="What people have to decide.")


class QualityDetails:
    """The details of guideline versions; what is slow to measure is kept until something changes.

    Every open dashboard asks for them twice a minute.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[object, Measured]] = {}
        self._lock = threading.Lock()

    def __call__(
        self, store: Store, reviews: ReviewQueue, guideline: Guideline, threshold: float | None
    ) -> QualityDetail:
        """As `quality_detail`; many who ask at once wait for one measurement."""
        with self._lock:
            stand = (guideline.sha256, threshold, Numbers(store.database).stand())
            place = (store.database.project, guideline.ref)
            before, measured = self._kept.get(place, (None, None))
            if measured is None or before != stand:
                measured = measure(store, guideline, threshold)
                self._kept[place] = (stand, measured)
        return _with_people(measured, store, reviews, guideline)


def quality_detail(
    store: Store, reviews: ReviewQueue, guideline: Guideline, threshold: float | None
) -> QualityDetail:
    """Measure a guideline version, and look at its reviewers and queues; changes nothing.

    Args:
        store: Holds everything.
        reviews: The queue of the same store.
        guideline: The one.
        threshold: At or above it answers are accepted now; None where nothing is.
    """
    return _with_people(measure(store, guideline, threshold), store, reviews, guideline)


def measure(store: Store, guideline: Guideline, threshold: float | None) -> Measured:
    """What checked answers and panels say; see `quality_detail`."""
    sampled = Sampled(store.database)
    every = sampled(guideline.ref)
    calibrator = sampled.calibrator(guideline.ref)
    checked = [each for each in every if _made_by(each, calibrator)]
    agreement = agreement_of(store, guideline)
    return Measured(
        n=len(checked),
        left_out=len(every) - len(checked),
        calibrator=calibrator,
        threshold=threshold,
        **_measured(checked, guideline, threshold),
        confusion=confusion_of(checked, guideline),
        agreement=agreement if agreement.panels else None,
    )


def _with_people(
    measured: Measured, store: Store, reviews: ReviewQueue, guideline: Guideline
) -> QualityDetail:
    waiting = (
        WaitingQueue(title=guideline.title, **each.model_dump())
        for each in reviews.queues()
        if each.guideline == guideline.ref
    )
    return QualityDetail(
        **dict(measured),
        throughput=tuple(_throughput(each) for each in store.people.scores(guideline.ref)),
        waiting=tuple(waiting),
    )


def _made_by(each: Checked, calibrator: str | None) -> bool:
    # Where no labeler gave an answer there is no confidence, whatever would have made it.
    return each.confidence is None or each.calibrator == calibrator


def _measured(
    checked: Sequence[Checked], guideline: Guideline, threshold: float | None
) -> dict[str, object]:
    exact = _losses(checked, guideline, exact=True)
    loss = exact if guideline.policy.loss == "exact" else _losses(checked, guideline, exact=False)
    weight = np.array([each.weight for each in checked], dtype=np.float64)
    confidence = np.array(
        [math.nan if each.confidence is None else each.confidence for each in checked],
        dtype=np.float64,
    )
    said = ~np.isnan(confidence)
    found = calibration(confidence[said], exact[said] == 0, weight[said])
    at = None
    if threshold is not None and len(checked):
        at = point_at(confidence, loss, weight, threshold)
    return {
        "reliability": _reliability(found),
        "risk_coverage": tuple(_point(each) for each in risk_curve(confidence, loss, weight)),
        "active": None if at is None else _point(at),
    }


def _losses(
    checked: Sequence[Checked], guideline: Guideline, *, exact: bool
) -> NDArray[np.float64]:
    how = "exact" if exact else guideline.policy.loss
    return np.array(
        [0.0 if each.agrees else loss_of(*each.answers(), how, each.language) for each in checked],
        dtype=np.float64,
    )


def _throughput(score: ReviewerScore) -> Throughput:
    figures = score.model_dump(exclude={"items_per_hour"})
    return Throughput(per_hour=score.items_per_hour, **figures)


def _reliability(found: Calibration) -> Reliability:
    return Reliability(
        n=found.n,
        ece=found.ece,
        brier=found.brier,
        auroc=found.auroc,
        bins=tuple(
            ReliabilityBin(
                low=each.low,
                high=each.high,
                n=each.n,
                confidence=each.confidence,
                accuracy=each.accuracy,
            )
            for each in found.bins
        ),
    )


def _point(point: Point) -> RiskPoint:
    return RiskPoint(
        threshold=point.threshold, coverage=point.coverage, risk=point.risk, bound=point.bound
    )
