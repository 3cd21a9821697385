"""What the audits say of a certificate now: an estimate, an interval, its last good moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmlabel.confidence.risk_control import default_delta
from llmlabel.confidence.sequences import RiskSequence
from llmlabel.domain.promise import Promise


@dataclass(frozen=True, slots=True)
class Seen:
    """An accepted answer that was drawn, or a run of `count` ones that were not.

    `loss` is None while a drawn one waits for its verdict, and where nothing was drawn. `seq`
    grows in the order of acceptance; `rate` is the probability of the draw, above 0.
    """

    seq: int
    rate: float
    drawn: bool
    loss: float | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class LiveRisk:
    """The risk that a promise is about, as the audits show it.

    For `accepted` it is the risk of answers that no person saw, for `delivered` that risk times
    the share of documents that were accepted.

    Attributes:
        accepted: Answers accepted so far.
        doubted: Documents that went to review.
        audits: Drawn answers that were decided.
        pending: Drawn answers that wait for their verdict.
        estimate: Weighted mean loss of the decided ones; None before the first.
        low: Lower end of an interval that holds at all times together.
        high: Upper end.
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


def live_risk(seen: Sequence[Seen], doubted: int, promise: Promise) -> LiveRisk:
    """Weigh the audits of one certificate.

    A verdict that is still to come is taken as right for the lower end and as wrong for the
    upper one, so that a slow reviewer neither hides a breach nor makes one up. Reviewed
    documents are delivered right, so for `delivered` they count as answers without a loss. Both
    ends hold at every moment, however often one looks, if the risk does not change; and one that
    never was above the promise is called broken with at most half of 1 - probability.

    Args:
        seen: In the order of acceptance.
        doubted: Documents under the same certificate that went to review.
        promise: What the certificate promises.

    Raises:
        ValueError: A rate or loss is out of its range.

    Source: the confidence sequence of `confidence.sequences`; its capitals only fall (bets on a
    higher risk) or rise (on a lower one) when a loss is replaced by a smaller one, or when
    answers without a loss are moved to the front (or the end); so neither costs validity. The
    estimate is the ratio form of Horvitz and Thompson's (Hájek 1971).
    """
    accepted = sum(each.count for each in seen)
    decided = [each for each in seen if each.drawn and each.loss is not None]
    beside = doubted if promise.kind == "delivered" else 0
    share = accepted / (accepted + beside) if accepted else 0.0
    wrong = weight = 0.0
    estimate, good_until = None, 0
    for each in decided:
        wrong += (each.loss or 0.0) / each.rate
        weight += 1 / each.rate
        estimate = share * wrong / weight
        if estimate <= promise.error:
            good_until = each.seq
    low = _end(seen, beside, promise, pending=0.0, doubted_first=True)[0]
    high = _end(seen, beside, promise, pending=1.0, doubted_first=False)[1]
    return LiveRisk(
        accepted=accepted,
        doubted=doubted,
        audits=len(decided),
        pending=sum(each.drawn and each.loss is None for each in seen),
        estimate=estimate,
        low=low,
        high=high,
        good_until=good_until,
        broken=low >= promise.error,
    )


def _end(
    seen: Iterable[Seen], doubted: int, promise: Promise, *, pending: float, doubted_first: bool
) -> tuple[float, float]:
    steps = list(seen)
    rates = [each.rate for each in steps]
    sequence = RiskSequence(min(rates, default=1.0), default_delta(promise), (promise.error,))
    # At the highest rate: a bet on a reviewed document may be bolder, but never shyer, than on
    # an accepted one, or the game would favour the gambler.
    rate = max(rates, default=1.0)
    if doubted_first:
        sequence.skip(doubted, rate)
    for each in steps:
        if not each.drawn:
            sequence.skip(each.count, each.rate)
        else:
            sequence.audit(pending if each.loss is None else each.loss, each.rate)
    if not doubted_first:
        sequence.skip(doubted, rate)
    found = sequence.interval()
    return found.low, found.high
