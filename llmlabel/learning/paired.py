"""Whether one way to answer is better than another, on the same documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LEVEL = 0.05
"""How often a change that does not help may pass the test."""
_EQUAL = 1e-12


@dataclass(frozen=True)
class PairedTest:
    """The result of a one-sided paired test.

    Attributes:
        before: Mean loss without the change.
        after: Mean loss with it.
        p_value: Probability of so large a gain were there none.
        texts: Different texts compared.
        helps: Whether the p-value is at most the level.
    """

    before: float
    after: float
    p_value: float
    texts: int
    helps: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def answer_loss(answer: Ints, confidence: Floats, probabilities: Floats, gold: Ints) -> Floats:
    """The Brier score of the final opinion on each document, in [0, 2], shape (n,).

    The answer has the calibrated confidence, the other labels share the rest as the pooled
    probabilities have it. Where no labeler answered, all labels are equally probable. Unlike
    the loss of the confidence alone it does not favour sure knowledge of being wrong.

    Args:
        answer: By index, -1 where there is none, shape (n,).
        confidence: NaN where there is no answer, shape (n,).
        probabilities: Pooled, shape (n, labels).
        gold: By index, -1 where no label is right, shape (n,).

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    n, labels = probabilities.shape
    rows = np.arange(n)
    silent = answer < 0
    chosen = np.where(silent, 0, answer)
    others = probabilities.copy()
    others[rows, chosen] = 0.0
    total = others.sum(axis=1, keepdims=True)
    even = np.full((n, labels), 1.0 / max(labels - 1, 1))
    even[rows, chosen] = 0.0
    shares = np.where(total > 1e-12, others / np.maximum(total, 1e-12), even)
    sure = np.where(silent, 0.0, confidence)
    opinion = shares * (1 - sure)[:, None]
    opinion[rows, chosen] = sure
    opinion[silent] = 1.0 / labels
    loss: Floats = (opinion**2).sum(axis=1)
    known = gold >= 0
    loss[known] += 1 - 2 * opinion[rows[known], gold[known]]
    return loss


def paired_test(
    before: Floats, after: Floats, weight: Floats | None, texts: Sequence[str]
) -> PairedTest:
    """Test whether the mean loss falls, by Student's t on the gains per text.

    With few texts the t distribution asks for a larger gain. Where all gains are equal it has no
    scale to go by, and their signs decide: were there none, each would as probably be a loss.
    Cross-fitted losses share training data, so the level holds approximately.

    Args:
        before: Loss without the change, shape (n,).
        after: Loss with it, shape (n,).
        weight: How many documents each stands for, shape (n,).
        texts: What identifies each text; rows of one text count as one observation.

    Source: Dietterich 1998, "Approximate statistical tests for comparing supervised
    classification learning algorithms"; the variance is that of a weighted mean of clusters
    (Cochran 1977, "Sampling techniques", section 6.4). Of equal gains: the sign test (Conover 1999,
    "Practical Nonparametric Statistics", section 3.4).
    """
    from scipy.stats import t  # noqa: PLC0415

    mass = np.ones(len(before)) if weight is None else np.asarray(weight, dtype=np.float64)
    share = mass / mass.sum()
    gain = before - after
    mean = float(share @ gain)
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    clusters = np.zeros(len(place))
    np.add.at(clusters, [place[text] for text in texts], share * (gain - mean))
    count = len(clusters)
    error = float(np.sqrt((clusters**2).sum() * count / max(count - 1, 1)))
    if error > _EQUAL and count > 1:
        p_value = float(t.sf(mean / error, count - 1))
    else:
        p_value = 0.5**count if mean > _EQUAL else 1.0
    return PairedTest(
        before=float(share @ before),
        after=float(share @ after),
        p_value=p_value,
        texts=count,
        helps=p_value <= LEVEL,
    )
