"""What an answer of many units says about itself as a whole, as named numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmlabel.domain.answer import TranscriptAnswer
from llmlabel.domain.prediction import Prediction

TINY = 1e-5

RAW = "raw"
"""The labelers' own probability of the whole answer, as a logit."""


def unit_evidence(prediction: Prediction) -> dict[str, float]:
    """The evidence for and against a whole answer of spans, tokens or words.

    Probabilities become logits, counts and lengths logarithms, so that a linear model of them
    makes sense. What a labeler did not say is absent.

    Raises:
        ValueError: The prediction carries no answer.
    """
    if prediction.answer is None or prediction.probability is None:
        raise ValueError("a prediction without an answer has no evidence")
    found = {RAW: logit(prediction.probability), **_units(prediction)}
    told = prediction.evidence
    if isinstance(prediction.answer, TranscriptAnswer):
        found |= _of(told, logit, "word_probability_min", "word_probability_mean")
        found |= _of(told, logit, "language_probability", "no_speech_probability", "speech_share")
        found |= _of(told, float, "warnings", "compression_ratio")
        found |= _of(told, math.log1p, "words")
        return found
    found |= _of(told, logit, "min_outside", "head_min_outside", "missed", "min_word_probability")
    found |= _of(told, _few, "log_outside", "head_log_outside")
    found |= _of(told, math.log1p, "disputed", "asked", "changed", "unaligned", "tokens")
    return found | _of(told, float, "failed")


def _units(prediction: Prediction) -> dict[str, float]:
    kept = [unit.probability or 0.0 for unit in prediction.units if unit.kept]
    left = [unit.probability or 0.0 for unit in prediction.units if not unit.kept]
    agreed = [
        unit.evidence["agreement"] for unit in prediction.units if "agreement" in unit.evidence
    ]
    return {
        "log_units": _few(_logs(kept)),
        "min_unit": logit(min(kept, default=1.0)),
        "expected_errors": math.log1p(math.fsum(1.0 - each for each in kept)),
        "units": math.log1p(len(kept)),
        "no_units": float(not kept),
        "left_out": math.log1p(math.fsum(left)),
        "disagreements": math.log1p(sum(each < 0.5 for each in agreed)),
    }


def _logs(chances: Sequence[float]) -> float:
    return math.fsum(math.log(max(each, TINY)) for each in chances)


def _few(log: float) -> float:
    """A log-probability as a logit: what is nearly sure is told apart as finely as the rest."""
    return logit(math.exp(min(log, 0.0)))


def _of(told: dict[str, float], change: object, *names: str) -> dict[str, float]:
    assert callable(change)
    return {name: float(change(told[name])) for name in names if name in told}


def logit(p: float) -> float:
    """Log-odds, of probabilities kept off 0 and 1."""
    p = min(max(p, TINY), 1.0 - TINY)
    return math.log(p / (1.0 - p))
