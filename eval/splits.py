"""Draw gold from a population, prove a promise on it, and look whether the others keep it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.bounds import smallest_sample
from llmlabel.confidence.risk_control import (
    candidate_thresholds,
    default_delta,
    select_threshold,
    spend,
)
from llmlabel.domain.promise import Promise

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_TOLERANCE = 1e-12  # means carry rounding errors; a promise that is just met is kept


@dataclass(frozen=True)
class Population:
    """Answers of one pipeline to documents that it never learned from.

    Attributes:
        confidence: NaN where there is no answer, shape (N,).
        loss: In [0, 1], shape (N,).
        reference: Cross-fitted confidences of the documents it learned from, shape (k,).
    """

    confidence: Floats
    loss: Floats
    reference: Floats

    def __len__(self) -> int:
        return len(self.loss)


@dataclass(frozen=True)
class Split:
    """What one draw of gold led to.

    Attributes:
        threshold: None where nothing could be proved (all goes to people, nothing is broken).
        coverage: Share accepted of the documents that the promise is about.
        risk: Of these documents, as the promise counts it; 0 where none is accepted.
        broken: The risk is above what was promised.
    """

    threshold: float | None
    coverage: float = 0.0
    risk: float = 0.0
    broken: bool = False


@dataclass(frozen=True)
class Tally:
    """All splits of one kind.

    Attributes:
        splits: How many.
        feasible: Share of them in which something could be proved.
        broken: Share of all splits in which the promise was broken.
        limit: What `broken` may be: 1 - probability, and two standard errors of a binomial.
        coverage: Mean of the feasible splits; NaN where there is none.
        risk: Mean of the feasible splits; NaN where there is none.
    """

    splits: int
    feasible: float
    broken: float
    limit: float
    coverage: float
    risk: float

    @property
    def passed(self) -> bool:
        return self.broken <= self.limit

    @classmethod
    def of(cls, splits: Sequence[Split], promise: Promise) -> Tally:
        """Count them; there must be at least one."""
        proved = [split for split in splits if split.threshold is not None]
        n, delta = len(splits), default_delta(promise)
        return cls(
            splits=n,
            feasible=len(proved) / n,
            broken=sum(split.broken for split in splits) / n,
            limit=delta + 2 * math.sqrt(delta * (1 - delta) / n),
            coverage=float(np.mean([s.coverage for s in proved])) if proved else math.nan,
            risk=float(np.mean([s.risk for s in proved])) if proved else math.nan,
        )


def on_the_rest(
    population: Population, promise: Promise, gold: int, random: np.random.Generator
) -> Split:
    """Gold is taken out of the population, and the promise is about the documents that stay.

    The fewer stay, the more does their own chance blur what is counted.
    """
    order = random.permutation(len(population))
    return judged(population, promise, order[:gold], order[gold:])


def on_the_whole(
    population: Population, promise: Promise, gold: int, random: np.random.Generator
) -> Split:
    """Gold is drawn with replacement, and the promise is about the whole population.

    This is the statement that was proved, word for word, with no chance but that of the draw.
    """
    everything = np.arange(len(population))
    return judged(population, promise, random.choice(everything, gold), everything)


def judged(population: Population, promise: Promise, gold: Ints, others: Ints) -> Split:
    """Prove what can be proved on the gold, as a first `certify` does, and look at the others.

    Args:
        population: Answers and their losses, N documents.
        promise: To be proved.
        gold: Rows that certify.
        others: Rows that the promise is about.
    """
    delta = spend(default_delta(promise), 1)
    if len(gold) < smallest_sample(promise.error, delta):
        return Split(None)
    found = select_threshold(
        population.confidence[gold],
        population.loss[gold],
        candidate_thresholds(population.reference, promise, len(gold), delta),
        promise,
        delta=delta,
    )
    if found.threshold is None or found.accepted == 0:
        return Split(None)
    accepted = population.confidence[others] >= found.threshold  # NaN never is
    lost = float(population.loss[others][accepted].sum())
    among = len(others) if promise.kind == "delivered" else int(accepted.sum())
    risk = lost / among if among else 0.0
    return Split(
        found.threshold, float(accepted.mean()), risk, broken=risk > promise.error + _TOLERANCE
    )
