"""Several opinions on the same labels as one: the logarithmic opinion pool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def log_pool(logs: Sequence[Floats], weights: Sequence[float]) -> Floats:
    """The weighted geometric mean of the opinions, made to sum to one.

    Args:
        logs: Log-probabilities of every opinion, each of shape (n, labels) and finite; they
            need not be normalised.
        weights: How much each opinion counts, shape (opinions,). They need not sum to one: a
            larger sum makes the pool more certain.

    Returns:
        Probabilities, shape (n, labels); each row sums to one.

    Raises:
        ValueError: There is no opinion, or the numbers of opinions and weights differ.

    Source: Genest and Zidek 1986, "Combining probability distributions", section 3.3.
    """
    if not logs or len(logs) != len(weights):
        raise ValueError(f"{len(logs)} opinions and {len(weights)} weights cannot be pooled")
    total = weights[0] * np.asarray(logs[0], dtype=np.float64)
    for log, weight in zip(logs[1:], weights[1:], strict=True):
        total = total + weight * log
    return softmax(total)


def softmax(logits: Floats) -> Floats:
    """Probabilities of logits of shape (n, labels), row by row."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares


def log_softmax(logits: Floats) -> Floats:
    """Log-probabilities of logits of shape (n, labels), row by row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    normal: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return normal
