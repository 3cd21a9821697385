"""How good spans and tokens are, one by one: to compare two ways of making them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from llmlabel.confidence.reliability import auroc, expected_calibration_error
from llmlabel.domain.answer import Answer, Span, SpansAnswer, TokensAnswer
from llmlabel.domain.prediction import Prediction
from llmlabel.evaluation.metrics import SpanKey


def opinion_loss(prediction: Prediction, gold: Answer | None) -> float:
    """Squared error of what a prediction says of every unit of one document.

    Of spans: the sum, over those that are right or proposed, of the squared gap between the
    probability stated (0 where none is) and being right (1 or 0). Of tokens: the mean of the
    same. A unit that is right but missing from the answer counts as wholly missed, and one
    that is proposed but not in the answer as believed by as much as was said.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    truth = _truth(gold)
    if isinstance(gold, TokensAnswer):
        said = {(u.start, u.end, u.label): u.probability or 0.0 for u in prediction.units}
        # A token is right or not; what is not said of the right label is split evenly.
        losses = [
            (1.0 - chance) ** 2 if key in truth else 1.0 + chance**2 for key, chance in said.items()
        ]
        return float(np.mean(losses)) if losses else 0.0
    stated: dict[SpanKey, float] = {}
    for unit in prediction.units:
        key = (unit.start, unit.end, unit.label)
        stated[key] = max(stated.get(key, 0.0), unit.probability or 0.0)
    return sum((stated.get(key, 0.0) - (key in truth)) ** 2 for key in {*stated, *truth})


def unit_scores(
    predictions: Sequence[Prediction], gold: Sequence[Answer | None]
) -> dict[str, float | None]:
    """Of the units in the answers: accuracy, auroc (None where undefined), ece; span F1 of spans.

    `accuracy` is the share of the units in the answers that are right, `recall` of the right
    ones that are in the answers, `f1` of both.
    """
    chances: list[float] = []
    right: list[bool] = []
    total = 0
    for prediction, answer in zip(predictions, gold, strict=True):
        truth = _truth(answer)
        total += len(truth)
        for unit in prediction.units:
            if unit.kept and unit.probability is not None and answer is not None:
                chances.append(unit.probability)
                right.append((unit.start, unit.end, unit.label) in truth)
    if not chances:
        return {"n": 0.0}
    stated, found = np.array(chances), np.array(right)
    ranked = auroc(stated, found)
    return {
        "n": float(len(stated)),
        "accuracy": float(found.mean()),
        "recall": float(found.sum() / total) if total else None,
        "f1": float(2 * found.sum() / (len(found) + total)),
        "auroc": None if np.isnan(ranked) else ranked,
        "ece": expected_calibration_error(stated, found),
    }


def _truth(gold: Answer | None) -> set[SpanKey]:
    units: tuple[Span, ...] = ()
    if isinstance(gold, SpansAnswer):
        units = gold.spans
    elif isinstance(gold, TokensAnswer):
        units = gold.tokens
    return {(unit.start, unit.end, unit.label) for unit in units}
