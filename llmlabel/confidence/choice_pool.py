"""How much each labeler's opinion counts in the pool, learned from verified labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_evidence import LEAST_LOG, ChoiceEvidence
from llmlabel.pooling import log_pool, log_softmax

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

PRIOR_WEIGHT, WEIGHT_PRECISION = 0.8, 4.0
"""Before anything is known an opinion counts a little less than in full, give or take 0.5."""
PRIOR_FLOOR, FLOOR_PRECISION = -6.0, 0.1
"""Before anything is known a label that was not offered counts as one of probability 0.002."""
MOST_ROWS = 3000
"""A pool has few parameters; more documents than this do not make it better."""


@dataclass(frozen=True)
class Pool:
    """A logarithmic opinion pool of some labelers.

    Attributes:
        labelers: In the order of the parameters.
        weights: The exponent of each labeler's probabilities, shape (labelers,).
        floors: What a label counts that the labeler was not offered, in place of its weighted
            log-probability, shape (labelers,).
    """

    labelers: tuple[str, ...]
    weights: tuple[float, ...]
    floors: tuple[float, ...]

    def logs(self, evidence: ChoiceEvidence) -> list[Floats]:
        """The weighted opinion of each labeler, floors in place, each of shape (n, labels)."""
        made = []
        for name, weight, floor in zip(self.labelers, self.weights, self.floors, strict=True):
            log = evidence.logs[name]
            made.append(np.where(np.isneginf(log), floor, weight * np.maximum(log, LEAST_LOG)))
        return made

    def probabilities(self, evidence: ChoiceEvidence) -> Floats:
        """The pooled probability of every label, shape (n, labels)."""
        return log_pool(self.logs(evidence), [1.0] * len(self.labelers))


def prior_pool(labelers: tuple[str, ...]) -> Pool:
    """The pool where nothing was verified yet: all count alike."""
    share = 1.0 / len(labelers)
    return Pool(labelers, (share,) * len(labelers), (PRIOR_FLOOR,) * len(labelers))


def fit_pool(
    evidence: ChoiceEvidence, labelers: tuple[str, ...], gold: Ints, weight: Floats
) -> Pool:
    """The pool under which the verified labels are most probable.

    The log-likelihood of a pool is concave in its weights and floors; a normal prior keeps
    both sensible where few labels are verified.

    Args:
        evidence: Answered by all of the labelers, n documents.
        labelers: The ones to pool.
        gold: The right label of each by index, -1 where none is right, shape (n,).
        weight: How often each document counts, shape (n,).

    Source: Heskes 1998, "Selecting weighting factors in logarithmic opinion pools".
    """
    from scipy.optimize import minimize  # noqa: PLC0415

    chosen = np.flatnonzero(gold >= 0)
    if len(chosen) > MOST_ROWS:
        chosen = chosen[np.linspace(0, len(chosen) - 1, MOST_ROWS).astype(np.intp)]
    count = len(labelers)
    mean = np.array([PRIOR_WEIGHT] * count + [PRIOR_FLOOR] * count)
    precision = np.array([WEIGHT_PRECISION] * count + [FLOOR_PRECISION] * count)
    right, mass = gold[chosen], weight[chosen]
    offered, said = [], []
    for name in labelers:
        log = evidence.logs[name][chosen]
        missing = np.isneginf(log)
        offered.append(missing)
        said.append(np.where(missing, 0.0, np.maximum(log, LEAST_LOG)))
    rows = np.arange(len(chosen))

    def objective(at: Floats) -> tuple[float, Floats]:
        logits = sum(at[k] * said[k] + at[count + k] * offered[k] for k in range(count))
        log = log_softmax(np.asarray(logits, dtype=np.float64))
        chance = np.exp(log) * mass[:, None]
        loss = -float(mass @ log[rows, right]) + 0.5 * float(precision @ (at - mean) ** 2)
        slope = precision * (at - mean)
        for k in range(count):
            slope[k] += float((chance * said[k]).sum() - mass @ said[k][rows, right])
            slope[count + k] += float(
                (chance * offered[k]).sum() - mass @ offered[k][rows, right].astype(np.float64)
            )
        return loss, slope

    bounds = [(0.0, 10.0)] * count + [(2 * LEAST_LOG, 0.0)] * count
    found = minimize(objective, mean, jac=True, method="L-BFGS-B", bounds=bounds).x
    return Pool(labelers, tuple(map(float, found[:count])), tuple(map(float, found[count:])))
