"""The numbers a calibrator of choices looks at, beside the pooled probability itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_evidence import ChoiceEvidence
from llmlabel.confidence.choice_pool import Pool
from llmlabel.pooling import softmax

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_TINY = 1e-9


def pooled_logit(probabilities: Floats, answer: Ints) -> Floats:
    """Log-odds of the pooled probability of the answer, shape (n,)."""
    return _logit(probabilities[np.arange(len(answer)), answer])


def features(
    evidence: ChoiceEvidence, pool: Pool, probabilities: Floats, answer: Ints
) -> dict[str, Floats]:
    """All evidence on whether the pooled answer is right, by name, each of shape (n,).

    Args:
        evidence: Answered by all labelers of the pool, n documents.
        pool: The pool.
        probabilities: What it makes of the evidence, shape (n, labels).
        answer: The most probable label of each, shape (n,).
    """
    rows = np.arange(len(answer))
    made = {"pooled.logit": pooled_logit(probabilities, answer)}
    made["pooled.margin"] = _margin(probabilities, answer)
    made["pooled.entropy"] = _entropy(probabilities)
    several = len(pool.labelers) > 1
    for name, weighted in zip(pool.labelers, pool.logs(evidence), strict=True):
        if several:
            own = softmax(weighted)
            made[f"{name}.answer"] = np.log(own[rows, answer] + _TINY)
            made[f"{name}.margin"] = _margin(own, own.argmax(axis=1))
            made[f"{name}.agrees"] = (own.argmax(axis=1) == answer).astype(np.float64)
        made |= _extras(evidence, name)
    made |= {n: v for n, v in evidence.extras.items() if "." not in n}
    return made


def _extras(evidence: ChoiceEvidence, labeler: str) -> dict[str, Floats]:
    return {
        name: _logit(values) if name.endswith("probability") else values
        for name, values in evidence.extras.items()
        if name.startswith(f"{labeler}.")
    }


def _margin(probabilities: Floats, answer: Ints) -> Floats:
    """Log-ratio of the answer to the best other label."""
    rows = np.arange(len(answer))
    others = probabilities.copy()
    others[rows, answer] = -1.0
    best = np.maximum(others.max(axis=1), 0.0)
    ratio: Floats = np.log(probabilities[rows, answer] + _TINY) - np.log(best + _TINY)
    return ratio


def _entropy(probabilities: Floats) -> Floats:
    found: Floats = -(probabilities * np.log(probabilities + _TINY)).sum(axis=1)
    return found


def _logit(probability: Floats) -> Floats:
    kept = np.clip(probability, _TINY, 1 - _TINY)
    odds: Floats = np.log(kept) - np.log1p(-kept)
    return odds
