"""Logistic regression with a prior, small enough to fit hundreds of times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 50


def fit_logistic(
    features: Floats, target: Floats, weight: Floats, prior: Floats, precision: Floats
) -> Floats:
    """Coefficients of the most probable logistic model under a normal prior, by Newton's method.

    Args:
        features: Shape (n, k); one column should be ones, for the intercept.
        target: Share of right answers, each in [0, 1], shape (n,).
        weight: How often each row counts, shape (n,).
        prior: Mean of the prior, shape (k,).
        precision: Inverse variance of the prior, positive, shape (k,).

    Returns:
        Shape (k,).
    """
    coefficients = prior.astype(np.float64).copy()
    value = _objective(coefficients, features, target, weight, prior, precision)
    for _ in range(_STEPS):
        chance = sigmoid(features @ coefficients)
        gradient = features.T @ (weight * (chance - target)) + precision * (coefficients - prior)
        curvature = (features * (weight * chance * (1 - chance))[:, None]).T @ features
        step = np.linalg.solve(curvature + np.diag(precision), gradient)
        size = 1.0
        while size > 1e-6:
            candidate = coefficients - size * step
            reached = _objective(candidate, features, target, weight, prior, precision)
            if reached <= value:
                break
            size /= 2
        else:
            break
        done = value - reached < 1e-10 * (1 + abs(value))
        coefficients, value = candidate, reached
        if done:
            break
    return coefficients


def sigmoid(values: Floats) -> Floats:
    """Probabilities of logits."""
    from scipy.special import expit  # noqa: PLC0415

    chance: Floats = expit(values)
    return chance


def _objective(
    coefficients: Floats,
    features: Floats,
    target: Floats,
    weight: Floats,
    prior: Floats,
    precision: Floats,
) -> float:
    logits = features @ coefficients
    loss = np.logaddexp(0, logits) - target * logits
    return float(weight @ loss + 0.5 * precision @ (coefficients - prior) ** 2)
