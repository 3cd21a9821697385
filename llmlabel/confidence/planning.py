"""How much gold a promise takes, before any is labeled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from llmlabel.confidence.bounds import binomial_p_value, smallest_sample
from llmlabel.confidence.risk_control import default_delta, spend
from llmlabel.domain.promise import Promise


@dataclass(frozen=True, slots=True)
class Needed:
    """What an attempt to certify a promise takes, where answers are right or wrong.

    Attributes:
        promise: To be proved.
        attempt: Which attempt on the same gold; later ones must be surer.
        flawless: Answers that suffice if all of them are right. For `delivered` these are the
            gold labels that certify; for `accepted` those of them that reach the threshold.
        allowed: How many may be wrong of so many such answers, by how many there are; None
            where not even a flawless record suffices.
    """

    promise: Promise
    attempt: int
    flawless: int
    allowed: dict[int, int | None]


def needed_for(promise: Promise, sizes: Sequence[int] = (), *, attempt: int = 1) -> Needed:
    """Look at a promise before there is gold.

    Args:
        promise: To be proved.
        sizes: Numbers of answers to say for how many may be wrong.
        attempt: From 1.

    Raises:
        ValueError: `attempt` is below 1, or a size below 0.
    """
    delta = spend(default_delta(promise), attempt)
    return Needed(
        promise=promise,
        attempt=attempt,
        flawless=smallest_sample(promise.error, delta),
        allowed={n: most_errors(n, promise.error, delta) for n in sizes},
    )


def most_errors(n: int, risk: float, delta: float) -> int | None:
    """How many of n answers may be wrong and still show that at most `risk` are; None: none may.

    None is not 0: of so few, not even a flawless record shows it.

    Raises:
        ValueError: An argument is out of its range; the message names it.

    Source: the exact binomial test, as `bounds.binomial_p_value`.
    """
    if binomial_p_value(0, n, risk) > delta:
        return None
    errors = max(int(special.bdtrik(delta, n, risk)), 0)
    # The inverse may be off by one where it falls on a whole number.
    while errors > 0 and binomial_p_value(errors, n, risk) > delta:
        errors -= 1
    while binomial_p_value(errors + 1, n, risk) <= delta:
        errors += 1
    return errors
