"""Spans of several labelers made one answer: kept or not by the evidence for each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmlabel.domain.answer import Span, SpansAnswer
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Source, Unit

NOTHING = "none"
"""The language model's word for a candidate that is no span."""
LLM_WEIGHT = 0.4
"""How much a language model's log-probability of a label counts beside the first labeler's.
Set with the 1.5B default on 240 training texts of UNER EWT and WikiGold: more than this gains
labels but makes the confidence worse than the first labeler's own."""
LLM_NOTHING = 0.3
"""By what the model's probability that a candidate is nothing is reduced; it tells little."""
ALTERNATIVE, NONE = 0.35, 0.4
"""How the doubt about a span is shared: its second label, and that it is no span at all."""
ALONE = 0.5
"""What is left of the probability of a span that only one of two labelers found."""
KEEP = 0.4
"""A span that only one of two labelers found is kept from this probability on."""
_LEAST = 1e-3


def merge_spans(
    guideline: Guideline, predictions: Sequence[Prediction], source: Source
) -> Prediction:
    """Pool the units of the labelers span by span.

    Where a later labeler judged a candidate (`verify`) the two distributions over labels are
    pooled. Where it looked for spans itself, agreement makes a span surer, and one that only
    one labeler has is kept by its evidence and lowers the confidence in the whole answer.
    """
    units = list(predictions[0].units)
    by = predictions[0].source.labeler
    for later in predictions[1:]:
        name = later.source.labeler
        if later.method == "verify":
            units = _judged(units, later, guideline.label_names)
        else:
            units = _agreed(units, later, by, name)
    units = _apart(units)
    first = predictions[0].evidence
    kept = [max(unit.probability or 0.0, _LEAST) for unit in units if unit.kept]
    log_units = sum(map(math.log, kept))
    rest = _unseen(predictions)
    lost = sum(each.evidence.get("unaligned", 0.0) for each in predictions)
    disputed = [unit for unit in units if unit.evidence.get("agreement") == 0.0]
    dropped = [max(1.0 - (u.probability or 0.0), _LEAST) for u in disputed if not u.kept]
    log = log_units + rest + sum(map(math.log, dropped)) + math.log(0.7) * min(lost, 3.0)
    return Prediction(
        answer=SpansAnswer(
            spans=tuple(Span(start=u.start, end=u.end, label=u.label) for u in units if u.kept)
        ),
        probability=min(1.0, math.exp(log)),
        method="agreement",
        evidence={
            **first,
            **{k: v for each in predictions[1:] for k, v in each.evidence.items()},
            "entities": float(len(kept)),
            "min_unit": min(kept, default=1.0),
            "log_units": log_units,
            "disputed": float(len(disputed)),
        },
        units=tuple(units),
        source=source,
        detail="; ".join(
            dict.fromkeys(each.detail for each in predictions if each.detail and not _idle(each))
        ),
    )


def _idle(prediction: Prediction) -> bool:
    return prediction.method == "verify" and not prediction.evidence.get("asked")


def _unseen(predictions: Sequence[Prediction]) -> float:
    """Log-probability that nothing was missed: what the first labeler's units leave unsaid."""
    first = predictions[0]
    own = sum(math.log(max(u.probability or 0.0, _LEAST)) for u in first.units if u.kept)
    return min(0.0, math.log(max(first.probability or 0.0, 1e-9)) - own)


def _judged(units: Sequence[Unit], later: Prediction, labels: Sequence[str]) -> list[Unit]:
    said = {
        (unit.start, unit.end): unit for unit in later.units if f"llm:{NOTHING}" in unit.evidence
    }
    return [
        _pooled(unit, said[unit.start, unit.end], labels)
        if (unit.start, unit.end) in said
        else unit
        for unit in units
    ]


def _pooled(unit: Unit, other: Unit, labels: Sequence[str]) -> Unit:
    """The logarithmic opinion pool of both distributions over the labels and none."""
    told = {
        key.removeprefix("llm:"): p for key, p in other.evidence.items() if key.startswith("llm:")
    }
    told[NOTHING] = LLM_NOTHING * told.get(NOTHING, 0.0)
    prior = _prior(unit, labels)
    spare = max(0.0, 1.0 - sum(told.values())) / max(1, len(prior) - len(told))
    logs = {
        label: math.log(max(p, _LEAST)) + LLM_WEIGHT * math.log(max(told.get(label, spare), _LEAST))
        for label, p in prior.items()
    }
    total = sum(map(math.exp, logs.values()))
    ranked = sorted(logs, key=lambda label: -logs[label])
    kept = ranked[0] != NOTHING
    named = [label for label in ranked if label != NOTHING]
    agreed = kept and other.kept and named[0] == unit.label == other.label
    return unit.model_copy(
        update={
            "label": named[0],
            "probability": math.exp(logs[named[0]]) / total,
            "evidence": {
                **unit.evidence,
                **other.evidence,
                "agreement": float(agreed or not (kept or other.kept)),
            },
            "kept": kept,
            "by": (*(unit.by if named[0] == unit.label else ()), *_by(other, named[0])),
            "alternative": named[1] if len(named) > 1 else None,
        }
    )


def _by(other: Unit, label: str) -> tuple[str, ...]:
    return other.by if other.kept and other.label == label else ()


def _prior(unit: Unit, labels: Sequence[str]) -> dict[str, float]:
    own = unit.probability or 0.0
    if not unit.kept:  # a near miss: its probability is a raw softmax
        own *= 0.5
    doubt = 1.0 - own
    prior = dict.fromkeys(labels, 0.0)
    prior[NOTHING] = NONE * doubt if unit.kept else doubt
    prior[unit.label] = own
    if unit.kept:
        others = [label for label in labels if label != unit.label]
        share = (1.0 - NONE) * doubt
        if unit.alternative in others:
            prior[unit.alternative] += ALTERNATIVE * share
            share *= 1.0 - ALTERNATIVE
        for label in others:
            prior[label] += share / len(others)
    return prior


def _agreed(units: Sequence[Unit], later: Prediction, first: str, name: str) -> list[Unit]:
    mine = {(unit.start, unit.end): unit for unit in units}
    theirs = {(unit.start, unit.end): unit for unit in later.units if name in unit.by}
    made: list[Unit] = []
    for spot in sorted({*mine, *theirs}):
        ours, other = mine.get(spot), theirs.get(spot)
        if ours is not None and other is not None and other.kept and not ours.note:
            made.append(_both(ours, other, name))
        elif ours is not None and other is None and ours.kept:
            made.append(_only(ours, f"only {first} found it"))
        elif ours is not None:
            made.append(ours)
        elif other is not None:
            made.append(_only(other, f"only {name} found it"))
    return made


def _both(ours: Unit, other: Unit, name: str) -> Unit:
    a, b = ours.probability or 0.5, other.probability or 0.5
    evidence = {**ours.evidence, **{f"{name}:{key}": v for key, v in other.evidence.items()}}
    if ours.label == other.label:
        sure = a * b / (a * b + (1 - a) * (1 - b)) if 0 < a < 1 and 0 < b < 1 else max(a, b)
        return ours.model_copy(
            update={
                "probability": max(a, sure),
                "kept": True,
                "by": (*ours.by, name),
                "evidence": {**evidence, "agreement": 1.0},
            }
        )
    best, second = (ours, other) if ours.kept and a >= ALONE * b else (other, ours)
    return best.model_copy(
        update={
            "probability": ALONE * (best.probability or 0.5),
            "kept": True,
            "alternative": second.label,
            "evidence": {**evidence, "agreement": 0.0},
        }
    )


def _only(unit: Unit, note: str) -> Unit:
    p = ALONE * (unit.probability if unit.probability is not None else 0.5)
    return unit.model_copy(
        update={
            "probability": p,
            "kept": unit.kept and p >= KEEP,
            "note": unit.note or note,
            "evidence": {**unit.evidence, "agreement": 0.0},
        }
    )


def _apart(units: Sequence[Unit]) -> list[Unit]:
    """Of spans that overlap the surest one is kept; the others are shown to the reviewer."""
    kept: list[Unit] = []
    made: list[Unit] = []
    for unit in sorted(units, key=lambda each: (not each.kept, -(each.probability or 0.0))):
        clash = unit.kept and any(k.start < unit.end and unit.start < k.end for k in kept)
        if clash:
            made.append(unit.model_copy(update={"kept": False, "note": "overlaps a surer span"}))
            continue
        if unit.kept:
            kept.append(unit)
        made.append(unit)
    return sorted(made, key=lambda each: (each.start, each.end))
