"""The risk of accepted answers as audits come in, with an interval that holds at every moment.

Accepted answers arrive in order. Answer i is audited with a probability r_i known beforehand;
its weighted loss W_i = (audited) * loss / r_i has the risk R as its mean, whatever the rates.
The interval holds the risks that no gambler has made implausible: against each risk m bets are
placed on W_i > m and on W_i < m, fair if the risk is m, and a capital that has grown 2/delta
fold refutes m. That may be looked at after every answer, and acted on, without paying for it.

Source: Waudby-Smith and Ramdas 2023, "Estimating means of bounded random variables by betting",
the hedged capital process (sec. 4.4) with the capital spread over many constant relative bets
(the diversified Kelly bets of its appendix) in place of one plug-in bet. Such bets never look
at the losses, so that all answers between two losses enter at once; and where losses are right
or wrong, each wagers on one alternative as a likelihood ratio would. A reserve that is wagered
little by little keeps the alarm awake, as restarted tests do in Shin, Ramdas and Rinaldo 2023,
"E-detectors".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

_GRID = 400
# Capital not yet wagered on a higher risk, and the share of it that is after each loss (less
# from the twentieth on, so that it never runs out). A system that was good for long and then
# turns bad meets bets that its good times have not eaten up; half costs log 2 of evidence.
_RESERVE = 0.5
_RELEASE = 0.05
# Bets that the risk is higher by so much than the one refuted.
_EXCESSES = np.geomspace(0.002, 0.95, 16)
# Bets that the risk is lower by such a share of the one refuted.
_RELIEFS = np.concatenate([np.geomspace(0.02, 0.5, 7), [0.65, 0.8, 0.9, 0.97, 1.0]])


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the risk of accepted answers lies; the ends hold at all moments together.

    `estimate` is the inverse-probability-weighted mean loss, at most 1, and None before any
    answer was accepted. `audits` were looked at, among `accepted`. Where `low` is above `high`
    the risk has moved: it was above `low` at one time and below `high` at another.
    """

    low: float
    high: float
    estimate: float | None
    audits: int
    accepted: int

    def exceeds(self, risk: float) -> bool:
        """Whether it is proved that more than `risk` of the accepted answers are wrong."""
        return self.low >= risk


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted answer, or a run of `count` answers that were not drawn.

    `loss` is None where the draw left the answer alone. `rate` is the probability with which
    it could have been drawn.
    """

    rate: float
    loss: float | None = None
    count: int = 1


class RiskSequence:
    """A confidence sequence of the risk of accepted answers.

    With probability at least 1 - delta the interval holds the true risk at every moment, if the
    risk is constant. Each end also stands alone, with delta / 2, for a risk that moves: a risk
    that never exceeded m lets the lower end pass m with at most delta / 2.

    Args:
        lowest_rate: No answer may have been audited with a lower probability.
        delta: Probability that the interval ever misses the risk.
        limits: Risks of interest, such as the promised error; the ends are exact there and
            rounded outward to a grid elsewhere (by .001 near .05).

    Raises:
        ValueError: An argument is out of its range; the message names it.
    """

    def __init__(
        self, lowest_rate: float, delta: float = 0.05, limits: Iterable[float] = ()
    ) -> None:
        if not 0 < lowest_rate <= 1:
            raise ValueError(f"lowest_rate must be above 0 and at most 1, not {lowest_rate}")
        if not 0 < delta < 1:
            raise ValueError(f"delta must be above 0 and below 1, not {delta}")
        points = [*(np.arange(1, _GRID) / _GRID) ** 2, *limits]
        if not all(0 < point < 1 for point in points):
            raise ValueError("limits must be above 0 and below 1")
        self._lowest_rate = lowest_rate
        self._enough = math.log(2 / delta)
        self._risks: Floats = np.unique(np.array(points, dtype=np.float64))
        # Log capital of each bet (column) against each risk (row), all starting at 1.
        begun = math.log((1 - _RESERVE) / len(_EXCESSES))
        self._above: Floats = np.full((len(self._risks), len(_EXCESSES)), begun)
        self._below: Floats = np.full((len(self._risks), len(_RELIEFS)), -math.log(len(_RELIEFS)))
        self._reserve = _RESERVE
        self._losses = 0
        self._low, self._high = 0.0, 1.0
        self._lossless: defaultdict[float, int] = defaultdict(int)
        self._weighted = 0.0
        self._audits = self._accepted = 0

    def skip(self, count: int, rate: float) -> None:
        """Count accepted answers that were not drawn, each at this probability.

        Raises:
            ValueError: The rate is below the lowest or above 1, or the count negative.
        """
        self._check(rate)
        if count < 0:
            raise ValueError(f"count must be at least 0, not {count}")
        self._accepted += count
        self._lossless[rate] += count

    def audit(self, loss: float, rate: float) -> None:
        """Count an accepted answer that was drawn with this probability, and its loss.

        Raises:
            ValueError: The rate is below the lowest or above 1, or the loss not in [0, 1].
        """
        self._check(rate)
        if not 0 <= loss <= 1:
            raise ValueError(f"loss must be from 0 to 1, not {loss}")
        self._accepted += 1
        self._audits += 1
        if loss == 0:  # the same as an answer that was not drawn: its weighted loss is 0
            self._lossless[rate] += 1
            return
        self._settle()
        self._weighted += loss / rate
        above, below = self._growth(loss, rate)
        self._above += above
        self._below += below
        # The capital of bets on a higher risk peaks here, that of the others just before.
        capital = np.logaddexp(special.logsumexp(self._above, axis=1), math.log(self._reserve))
        refuted = np.flatnonzero(capital >= self._enough)
        if len(refuted):
            self._low = max(self._low, float(self._risks[refuted[-1]]))
        self._losses += 1
        released = min(_RELEASE, 1 / self._losses) * self._reserve
        self._reserve -= released
        np.logaddexp(self._above, math.log(released / len(_EXCESSES)), out=self._above)

    def interval(self) -> Interval:
        """The interval as of now, within all earlier ones."""
        self._settle()
        estimate = min(self._weighted / self._accepted, 1.0) if self._accepted else None
        return Interval(self._low, self._high, estimate, self._audits, self._accepted)

    def _settle(self) -> None:
        """Let the answers without a loss count; their order among themselves is no matter."""
        if not self._lossless:
            return
        for rate, count in self._lossless.items():
            above, below = self._growth(0.0, rate)
            self._above += count * above
            self._below += count * below
        self._lossless.clear()
        refuted = np.flatnonzero(special.logsumexp(self._below, axis=1) >= self._enough)
        if len(refuted):
            self._high = min(self._high, float(self._risks[refuted[0]]))

    def _growth(self, loss: float, rate: float) -> tuple[Floats, Floats]:
        """What one answer adds to the log capitals.

        Each term falls (above) or rises (below) with the risk bet against. So a refuted risk
        refutes all beyond it, and those between two points of the grid need no test.
        """
        risk = self._risks[:, None]
        # 1 + rate * excess * (W / m - 1); the alternative m + excess, and never bankrupt.
        above = np.log1p(rate * _EXCESSES * (loss / (rate * risk) - 1))
        # 1 - bet * (W - m) with bet = relief * rate / (1 - rate m), the most that can be lost
        # at relief 1; written so that a loss of 1 at relief 1 is exactly bankrupt.
        share = rate * risk
        with np.errstate(divide="ignore"):
            below = np.log(1 - _RELIEFS * ((loss - share) / (1 - share)))
        return above, below

    def _check(self, rate: float) -> None:
        if not self._lowest_rate <= rate <= 1:
            raise ValueError(
                f"rate must be from the lowest rate ({self._lowest_rate}) to 1, not {rate}"
            )


def risk_of_record(
    record: Iterable[Accepted], *, delta: float = 0.05, limits: Iterable[float] = ()
) -> Interval:
    """The interval after a whole record of accepted answers, in the order of acceptance.

    An audit that nobody has decided yet must not be left out while the answers around it stay
    in: they would count as right. End the record before the first of them.

    Raises:
        ValueError: A rate, loss or count is out of its range; the message names it.
    """
    steps = list(record)
    lowest = min((step.rate for step in steps), default=1.0)
    sequence = RiskSequence(lowest, delta, limits)
    for step in steps:
        if step.loss is None:
            sequence.skip(step.count, step.rate)
        elif step.count != 1:
            raise ValueError(f"count must be 1 for an audited answer, not {step.count}")
        else:
            sequence.audit(step.loss, step.rate)
    return sequence.interval()
