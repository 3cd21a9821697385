"""What the audits say of a certificate now: an estimate, an interval, its last good moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from llmlabel.confidence.risk_control import default_delta
from llmlabel.confidence.sequences import Accepted, Interval, risk_of_record
from llmlabel.domain.promise import Promise


@dataclass(frozen=True, slots=True)
class Seen:
    """A document under a certificate, or a run of `count` of them.

    `seq` grows in the order of labeling; `rate` is the probability of the draw, above 0. `loss`
    is None where an accepted answer was not drawn, or was drawn and waits for its verdict. A
    document that was not `accepted` went to a person.
    """

    seq: int
    rate: float
    drawn: bool = False
    loss: float | None = None
    count: int = 1
    accepted: bool = True


@dataclass(frozen=True, slots=True)
class LiveRisk:
    """The risk that a promise is about, as the audits show it.

    For `accepted` it is the risk of answers that no person saw, for `delivered` that risk times
    the share of documents that were accepted.

    Attributes:
        accepted: Answers accepted so far, each text once.
        doubted: Documents that went to review, likewise.
        audits: Drawn answers that were decided.
        pending: Drawn answers that wait for their verdict.
        estimate: Weighted mean loss of the decided ones; None before the first.
        low: Lower end of an interval that holds at all times together.
        high: Upper end; never below the other, not even when the risk rose meanwhile.
        good_until: Number of the last audited answer after which the estimate still kept the
            promise; 0 where it never did.
        broken: The lower end has reached the promised error.
    """

    accepted: int
    doubted: int
    audits: int
    pending: int
    estimate: float | None
    low: float
    high: float
    good_until: int
    broken: bool


def live_risk(documents: Iterable[Seen], promise: Promise) -> LiveRisk:
    """Weigh the audits of one certificate.

    What a person reviewed is delivered right, so for `delivered` those documents count as
    answers without a loss, each in its place. A verdict that is still to come is taken as right
    for the lower end and as wrong for the upper one: a slow reviewer neither hides a breach nor
    makes one up.

    Both ends hold at every moment, however often one looks, if the risk does not change and if
    when a verdict comes does not depend on what it says. A risk that never was above the promise
    is called broken with at most half of 1 - probability.

    Args:
        documents: Under the certificate, in any order.
        promise: What the certificate promises.

    Raises:
        ValueError: A rate or loss is out of its range.

    Source: the confidence sequence of `confidence.sequences`. The estimate is the ratio form of
    Horvitz and Thompson's (Hájek 1971): weights are inverse probabilities, scaled to their sum.
    """
    delivered = promise.kind == "delivered"
    seen = sorted(documents, key=lambda each: each.seq)
    accepted = sum(each.count for each in seen if each.accepted)
    doubted = sum(each.count for each in seen if not each.accepted)
    steps = [each for each in seen if each.accepted or delivered]
    share = accepted / sum(each.count for each in steps) if accepted else 0.0
    audits, wrong, weight = 0, 0.0, 0.0
    estimate, good_until = None, 0
    for each in steps:
        if not each.accepted or each.loss is None:
            continue
        audits += 1
        wrong += each.loss / each.rate
        weight += 1 / each.rate
        estimate = share * wrong / weight
        if estimate <= promise.error:
            good_until = each.seq
    low = _interval(steps, promise, pending=0.0).low
    return LiveRisk(
        accepted=accepted,
        doubted=doubted,
        audits=audits,
        pending=sum(_is_pending(each) for each in steps),
        estimate=estimate,
        low=low,
        high=max(low, _interval(steps, promise, pending=1.0).high),
        good_until=good_until,
        broken=low >= promise.error,
    )


def _interval(steps: Iterable[Seen], promise: Promise, *, pending: float) -> Interval:
    record = [
        Accepted(
            rate=each.rate,
            loss=pending if _is_pending(each) else each.loss if each.accepted else None,
            count=each.count,
        )
        for each in steps
    ]
    return risk_of_record(record, delta=default_delta(promise), limits=(promise.error,))


def _is_pending(each: Seen) -> bool:
    return each.accepted and each.drawn and each.loss is None
