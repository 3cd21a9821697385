"""Whether a certificate is worth asking for now, seen from labels that do not certify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmlabel.confidence.bounds import binomial_p_value, smallest_sample
from llmlabel.confidence.risk_control import default_delta, spend
from llmlabel.domain.promise import Promise
from llmlabel.learning.simulate.stream import Bools, Floats

CAUTION = 0.5
"""By how many standard errors the errors to come are taken to exceed those expected."""

FEWEST_REFERENCE = 20
"""Cross-fitted labels without which nothing is forecast."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a certificate would accept, by the number of gold labels that certify it.

    Attributes:
        coverage: Share accepted by the number of answers accepted, the surest first, shape (m,).
        errors: Share of all documents that is accepted and wrong, shape (m,).
        promise: What is to be certified.
    """

    coverage: Floats
    errors: Floats
    promise: Promise

    @classmethod
    def of(cls, confidence: Floats, right: Bools, promise: Promise) -> Forecast:
        """Count what cross-fitted answers to labels that do not certify would have done.

        Args:
            confidence: NaN without an answer, shape (k,).
            right: Whether the answers were right, shape (k,).
            promise: What is to be certified.
        """
        answered = np.flatnonzero(~np.isnan(confidence))
        order = answered[np.argsort(-confidence[answered], kind="stable")]
        k = max(len(confidence), 1)
        return cls(
            coverage=np.arange(1, len(order) + 1) / k,
            errors=np.cumsum(~right[order]) / k,
            promise=promise,
        )

    def accepted(self, n: int, delta: float) -> float:
        """The largest share that n certifying labels would probably let through."""
        if self.promise.kind == "delivered" and n < smallest_sample(self.promise.error, delta):
            return 0.0
        best = 0.0
        # A few thresholds tell the shape; each costs one evaluation of a beta function.
        steps = np.unique(np.linspace(0, len(self.coverage) - 1, 60).astype(int))
        for index in steps if len(self.coverage) else ():
            share, wrong = float(self.coverage[index]), float(self.errors[index])
            sample = n if self.promise.kind == "delivered" else int(n * share)
            expected = n * wrong
            expected += CAUTION * np.sqrt(n * wrong * (1 - wrong))
            if (
                sample
                and binomial_p_value(min(expected, sample), sample, self.promise.error) <= delta
            ):
                best = share
        return best


def worth_it(
    forecast: Forecast,
    *,
    gold: int,
    seen: int,
    left: int,
    attempt: int,
    audit: float,
    held: float = 0.0,
    gain: float = 0.05,
    waits: Sequence[float] = (1.25, 1.5, 2.0, 3.0),
) -> bool:
    """Whether to spend an attempt now rather than gather more gold first.

    Until there is a certificate every document that arrives is reviewed and becomes gold; after
    it hardly any does. So the first certificate is weighed against a later and larger one over
    the documents still to come. One that follows must accept clearly more than the one held.

    Args:
        forecast: From the labels that do not certify.
        gold: Labels that certify.
        seen: Documents reviewed at random so far.
        left: Documents still to come.
        attempt: The number this attempt would have.
        audit: Share of accepted answers that is reviewed all the same.
        held: Share accepted under the present certificate.
        gain: By how much more a new one has to accept.
        waits: Sizes of gold to wait for, as multiples of the present one.
    """
    delta = spend(default_delta(forecast.promise), attempt)
    now = forecast.accepted(gold, delta)
    if held:
        return now >= held + gain
    if now <= gain:
        return False
    spent = left * (1 - (1 - audit) * now)
    for factor in waits:
        more = seen * (factor - 1)
        if more >= left:
            break
        later = forecast.accepted(int(gold * factor), delta)
        if more + (left - more) * (1 - (1 - audit) * later) < spent:
            return False
    return True
