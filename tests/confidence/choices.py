"""Made-up opinions on made-up documents, with a known truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_evidence import ChoiceEvidence
from llmlabel.pooling import log_softmax


def opinions(
    n: int, *, labels: int = 4, seed: int = 0, sharpness: float = 2.0
) -> tuple[ChoiceEvidence, NDArray[np.intp]]:
    """Two labelers that see the right label through noise of their own."""
    random = np.random.default_rng(seed)
    gold = random.integers(0, labels, n)
    logs = {}
    for labeler, strength in (("student", sharpness), ("llm", sharpness * 1.3)):
        logits = random.normal(size=(n, labels))
        logits[np.arange(n), gold] += strength
        logs[labeler] = log_softmax(logits * 1.5)
    extras = {"log_length": random.normal(3, 1, n), "llm.agreement": random.random(n)}
    names = tuple(f"label-{i}" for i in range(labels))
    return ChoiceEvidence(names, logs, extras), gold
