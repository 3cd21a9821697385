"""One answer from what several labelers say of a document.

A labeler that failed takes nothing away from the others' answer: its failure is kept as
evidence and lowers the confidence. Only when all failed is the outcome a failure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from llmlabel.domain.answer import ChoiceAnswer, SpansAnswer, TokensAnswer, TranscriptAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.labelers.merge_spans import merge_spans
from llmlabel.labelers.merge_tokens import merge_tokens
from llmlabel.labelers.spoken import spoken
from llmlabel.pooling import log_pool

FAILED = 0.85
"""What a labeler's failure leaves of the confidence: its opinion was wanted, and is missing."""
DISAGREEMENT = 0.5
"""What is left of the confidence in a choice where the labelers' own choices differ."""
_LEAST = 1e-6


def combine(
    document: Document,
    guideline: Guideline,
    predictions: Sequence[Prediction],
    weights: Mapping[str, float] | None = None,
) -> Prediction:
    """Combine the labelers' predictions of one document.

    Args:
        document: The document; where it has a transcript, doubtful words lower the probability
            of the spans that stand on them, and units say when they were spoken.
        guideline: The task.
        predictions: In the order of the cascade, one or more.
        weights: How much the opinion of each labeler, by name, counts in a choice; a labeler
            that is not named counts 1. By default all count alike and their weights sum to one.

    Returns:
        An answer with every unit any labeler proposed, or the failure when all failed.

    Raises:
        ValueError: There is no prediction to combine.
    """
    if not predictions:
        raise ValueError("there is no prediction to combine")
    answered = [each for each in predictions if each.outcome is Outcome.ANSWERED]
    failed = [each for each in predictions if each.outcome is not Outcome.ANSWERED]
    if not answered:
        return _all_failed(failed)
    last = answered[-1].answer
    if len(answered) == 1:
        made = answered[0]
    elif isinstance(last, SpansAnswer):
        made = merge_spans(guideline, answered, _source(answered))
    elif isinstance(last, TokensAnswer):
        made = merge_tokens(answered, _source(answered))
    elif isinstance(last, ChoiceAnswer):
        made = _merge_choices(answered, _source(answered), weights)
    else:
        made = answered[-1]
    if document.transcript is not None and not isinstance(made.answer, TranscriptAnswer):
        made = spoken(made, document.transcript)
    return _with_failures(made, failed) if failed else made


def _all_failed(failed: Sequence[Prediction]) -> Prediction:
    if len(failed) == 1:
        return failed[0]
    return Prediction(
        outcome=failed[-1].outcome,
        source=_source(failed),
        evidence={"failed": float(len(failed))},
        detail="; ".join(_failure(each) for each in failed),
    )


def _with_failures(made: Prediction, failed: Sequence[Prediction]) -> Prediction:
    details = [made.detail, *(_failure(each) for each in failed)]
    return made.model_copy(
        update={
            "probability": (made.probability or 0.0) * FAILED ** len(failed),
            "evidence": {**made.evidence, "failed": float(len(failed))},
            "detail": "; ".join(detail for detail in details if detail),
        }
    )


def _failure(prediction: Prediction) -> str:
    why = f" ({prediction.detail})" if prediction.detail else ""
    return f"{prediction.source.labeler}: {prediction.outcome.value}{why}"


def _source(predictions: Sequence[Prediction]) -> Source:
    """The ensemble as a maker; its parts keep their own provenance in the label's opinions."""
    sources = [each.source for each in predictions]
    costs = [source.cost_usd for source in sources]
    prompted = [source for source in sources if source.prompt is not None]
    return Source(
        labeler="ensemble",
        model="+".join(dict.fromkeys(source.model for source in sources)),
        prompt=prompted[-1].prompt if prompted else None,
        prompt_sha256=prompted[-1].prompt_sha256 if prompted else None,
        examples=prompted[-1].examples if prompted else (),
        seconds=sum(source.seconds for source in sources),
        prompt_tokens=sum(source.prompt_tokens for source in sources),
        completion_tokens=sum(source.completion_tokens for source in sources),
        cost_usd=None if None in costs else sum(cost or 0.0 for cost in costs),
        cached=all(source.cached for source in sources),
    )


def _merge_choices(
    predictions: Sequence[Prediction], source: Source, weights: Mapping[str, float] | None
) -> Prediction:
    """The logarithmic opinion pool of the labelers' probabilities (Genest and Zidek 1986)."""
    labels = list(dict.fromkeys(label for each in predictions for label in _scores(each)))
    logs = [
        np.array([[math.log(max(_scores(each).get(label, 0.0), _LEAST)) for label in labels]])
        for each in predictions
    ]
    counts = [
        1.0 / len(predictions) if weights is None else weights.get(each.source.labeler, 1.0)
        for each in predictions
    ]
    shares = log_pool(logs, counts)[0]
    pooled = {label: float(share) for label, share in zip(labels, shares, strict=True)}
    ranked = sorted(pooled, key=lambda label: -pooled[label])
    chosen = {each.answer.label for each in predictions if isinstance(each.answer, ChoiceAnswer)}
    agree = len(chosen) == 1
    return Prediction(
        answer=ChoiceAnswer(label=ranked[0]),
        probability=min(1.0, pooled[ranked[0]] * (1.0 if agree else DISAGREEMENT)),
        method="agreement",
        evidence={
            "agreement": float(agree),
            "top_probability": pooled[ranked[0]],
            "margin": pooled[ranked[0]] - (pooled[ranked[1]] if len(ranked) > 1 else 0.0),
        },
        scores={label: pooled[label] for label in ranked},
        source=source,
        detail="" if agree else f"the labelers disagree: {', '.join(sorted(chosen))}",
    )


def _scores(prediction: Prediction) -> dict[str, float]:
    if prediction.scores:
        return prediction.scores
    assert isinstance(prediction.answer, ChoiceAnswer)
    return {prediction.answer.label: prediction.probability or _LEAST}
