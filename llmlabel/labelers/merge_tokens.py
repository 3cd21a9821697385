"""Tokens of several labelers made one: the tags pooled, token by token."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmlabel.domain.answer import Span, TokensAnswer
from llmlabel.domain.prediction import Prediction, Source, Unit

LLM_WEIGHT = 0.5
"""How much a language model's log-probability of a tag counts beside the tagger's."""
_LEAST = 1e-3


def merge_tokens(predictions: Sequence[Prediction], source: Source) -> Prediction:
    """The first labeler's tokens, with the tag on which the labelers' evidence agrees best.

    A later labeler speaks of a token where its unit says so (`by`); the tokens it was not
    asked about stay as they were.
    """
    base = predictions[0]
    said: dict[tuple[int, int], list[Unit]] = {}
    for prediction in predictions[1:]:
        names = {prediction.source.labeler}
        for unit in prediction.units:
            if names & set(unit.by) and not set(unit.by) & {base.source.labeler}:
                said.setdefault((unit.start, unit.end), []).append(unit)
    units = [_merge(unit, said.get((unit.start, unit.end), [])) for unit in base.units]
    log = sum(math.log(max(unit.probability or 0.0, _LEAST)) for unit in units)
    changed = [new for old, new in zip(base.units, units, strict=True) if new.label != old.label]
    return Prediction(
        answer=TokensAnswer(
            tokens=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units)
        ),
        probability=min(1.0, math.exp(log)),
        method="agreement",
        evidence={
            **base.evidence,
            "log_units": log,
            "min_unit": min((unit.probability or 0.0 for unit in units), default=1.0),
            "asked": float(len(said)),
            "changed": float(len(changed)),
        },
        units=tuple(units),
        source=source,
        detail=base.detail,
    )


def _merge(unit: Unit, others: Sequence[Unit]) -> Unit:
    for other in others:
        unit = _pooled(unit, other)
    return unit


def _pooled(unit: Unit, other: Unit) -> Unit:
    offered = {
        key.removeprefix("llm:"): value
        for key, value in other.evidence.items()
        if key.startswith("llm:")
    } or {other.label: other.probability or 0.5}
    own = unit.probability or _LEAST
    rest = {
        key.removeprefix("label:"): value
        for key, value in unit.evidence.items()
        if key.startswith("label:") and key != f"label:{unit.label}"
    }
    share = sum(rest.values())
    prior = {label: (1 - own) * value / share for label, value in rest.items()} | {unit.label: own}
    logs = {
        label: math.log(max(prior.get(label, 0.0), _LEAST))
        + LLM_WEIGHT * math.log(max(offered.get(label, 0.0), _LEAST))
        for label in dict.fromkeys([*prior, *offered])
    }
    top = max(logs.values())
    total = sum(math.exp(value - top) for value in logs.values())
    ranked = sorted(logs, key=lambda label: -logs[label])
    best = ranked[0]
    return unit.model_copy(
        update={
            "label": best,
            "probability": math.exp(logs[best] - top) / total,
            "evidence": {**unit.evidence, **other.evidence},
            "by": (unit.by if unit.label == best else ())
            + (other.by if other.label == best else ()),
            "alternative": ranked[1] if len(ranked) > 1 else None,
        }
    )
