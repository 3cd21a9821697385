"""A frozen head over spans: how probable it is that a span is exactly right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from llmlabel.domain.answer import Span, SpansAnswer
from llmlabel.domain.prediction import Prediction, Unit
from llmlabel.labelers.doubt import OUTSIDE_WEIGHT
from llmlabel.labelers.spacy_features import FloatArray, TokenFeatures
from llmlabel.labelers.spacy_spans import span_doubts
from llmlabel.labelers.token_head import NO_UNIT, Arrays, TokenHead

_TINY = 1e-4
FIRST, INNER = "B-", "I-"
"""The classes of tokens (Ramshaw and Marcus 1995): first and further tokens of a span; `NO_UNIT`
is outside."""


@dataclass(frozen=True, eq=False)
class SpanHead:
    """A head over tokens says what each token is; a logistic model weighs it with the evidence.

    Attributes:
        tokens: The head over tokens; its classes are `NO_UNIT`, `B-label` and `I-label`.
        names: The evidence it reads, shape (k,).
        mean: Of the evidence in training, shape (k,).
        scale: Its spread, shape (k,).
        weights: Shape (k,).
        bias: The intercept.
        keep: A span at least this probable belongs to the answer, whoever proposed it; None
            leaves the choice of spans to spaCy.
    """

    tokens: TokenHead
    names: tuple[str, ...]
    mean: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    bias: float
    keep: float | None = None

    def apply(self, text: str, prediction: Prediction, features: TokenFeatures) -> Prediction:
        """SpaCy's prediction with the head's probabilities, and with its choice of spans."""
        if not len(features):
            return prediction
        chances = self.tokens.probabilities(features)
        units = list(prediction.units)
        if self.keep is not None:
            units += proposed(self.tokens, chances, features, units)
        rows = span_evidence(text, units, self.tokens, chances, features)
        scores = self.score(rows)
        made = [
            unit.model_copy(
                update={
                    "probability": float(score),
                    "kept": _kept(unit, float(score), self.keep),
                    "evidence": {**unit.evidence, "head": math.exp(row["head"])},
                }
            )
            for unit, row, score in zip(units, rows, scores, strict=True)
        ]
        if self.keep is not None:
            made = _apart(made)
        return _prediction(text, prediction, made, self.tokens, chances, features)

    def score(self, rows: Sequence[Mapping[str, float]]) -> npt.NDArray[np.float64]:
        """Probability that each span is right, shape (n,)."""
        if not rows:
            return np.zeros(0)
        table = evidence_table(rows, self.names)
        logits = ((table - self.mean) / self.scale) @ self.weights + self.bias
        result: npt.NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(logits, -30, 30)))
        return result

    def arrays(self) -> Arrays:
        """All of it as arrays that a NumPy file holds without pickling."""
        own: Arrays = {
            "span_names": np.array(self.names, dtype=np.str_),
            "span_mean": self.mean,
            "span_scale": self.scale,
            "span_weights": self.weights,
            "span_bias": np.array(self.bias),
            "span_keep": np.array(math.nan if self.keep is None else self.keep),
        }
        return {**self.tokens.arrays(), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        keep = float(arrays["span_keep"])
        return cls(
            tokens=TokenHead.from_arrays(arrays),
            names=tuple(str(each) for each in arrays["span_names"]),
            mean=arrays["span_mean"].astype(np.float64),
            scale=arrays["span_scale"].astype(np.float64),
            weights=arrays["span_weights"].astype(np.float64),
            bias=float(arrays["span_bias"]),
            keep=None if math.isnan(keep) else keep,
        )


def evidence_table(
    rows: Sequence[Mapping[str, float]], names: Sequence[str]
) -> npt.NDArray[np.float64]:
    """The named evidence of each span, 0 where it says nothing, shape (n, k)."""
    return np.array([[row.get(name, 0.0) for name in names] for row in rows], dtype=np.float64)


def span_evidence(
    text: str,
    units: Sequence[Unit],
    head: TokenHead,
    chances: FloatArray,
    features: TokenFeatures,
) -> list[dict[str, float]]:
    """What speaks for and against each span, by name.

    Args:
        text: The document's text.
        units: The spans.
        head: Names the columns of `chances`.
        chances: Of each class of each token, shape (tokens, classes).
        features: Of the same tokens.
    """
    column = {name: index for index, name in enumerate(head.classes)}
    outside = chances[:, column[NO_UNIT]] if NO_UNIT in column else np.zeros(len(chances))
    kept = sum(unit.kept for unit in units)
    rows = []
    for unit in units:
        first, last = _place(unit, features)
        surface = text[unit.start : unit.end]
        begin = _chance(chances, first, column.get(FIRST + unit.label))
        inner = [
            _chance(chances, token, column.get(INNER + unit.label))
            for token in range(first + 1, last + 1)
        ]
        beyond = (
            _chance(chances, last + 1, column.get(INNER + unit.label))
            if last + 1 < len(features)
            else 0.0
        )
        label = sum(
            _chance(chances, first, column.get(prefix + unit.label)) for prefix in (FIRST, INNER)
        )
        logs = [math.log(max(each, _TINY)) for each in (begin, *inner)]
        steps = np.log(np.maximum(features.step[first : last + 1], 1e-5))
        words = surface.split()
        rows.append(
            {
                "transitions": _logit(unit.evidence.get("transitions", 0.0)),
                "opening": _logit(unit.evidence.get("opening", 0.0)),
                "mean_step": _logit(float(np.exp(steps.mean()))),
                "head": sum(logs) + math.log(max(1.0 - beyond, _TINY)),
                "head_min": min(logs),
                "head_label": _logit(label),
                "head_outside": _logit(float(outside[first : last + 1].max())),
                "head_beyond": _logit(beyond),
                "head_before": _logit(1.0 - float(outside[first - 1])) if first else -7.0,
                "tokens": math.log(last - first + 1),
                "capitals": float(surface.isupper()),
                "title": float(all(word[:1].isupper() for word in words)),
                "small": float(surface.islower()),
                "digits": float(any(char.isdigit() for char in surface)),
                "short": float(len(surface) <= 2),
                "opens": float(first == 0),
                "length": math.log1p(len(features)),
                "entities": math.log1p(kept),
                "second": float(unit.alternative is not None),
                "odd": float(any(not (c.isalnum() or c in " .-'&") for c in surface)),
                "spacy": float("spacy" in unit.by),
                f"label:{unit.label}": 1.0,
            }
        )
    return rows


def proposed(
    head: TokenHead, chances: FloatArray, features: TokenFeatures, units: Sequence[Unit]
) -> list[Unit]:
    """Spans that the head over tokens reads where no unit is yet."""
    there = {(unit.start, unit.end, unit.label) for unit in units}
    best = [head.classes[index] for index in chances.argmax(axis=1)]
    found: list[tuple[int, int, str]] = []
    for token, name in enumerate(best):
        label = name[len(FIRST) :]
        start, end = int(features.start[token]), int(features.end[token])
        if name.startswith(INNER) and found and found[-1][2] == label and best[token - 1]:
            found[-1] = (found[-1][0], end, label)
        elif name != NO_UNIT:
            found.append((start, end, label))
    return [
        Unit(start=start, end=end, label=label, probability=None, kept=False, by=())
        for start, end, label in found
        if (start, end, label) not in there
    ]


def _place(unit: Unit, features: TokenFeatures) -> tuple[int, int]:
    """The first and the last token that a span shares a character with."""
    under = np.flatnonzero((features.start < unit.end) & (features.end > unit.start))
    return (int(under[0]), int(under[-1])) if len(under) else (0, 0)


def _chance(chances: FloatArray, token: int, column: int | None) -> float:
    return 0.0 if column is None else float(chances[token, column])


def _logit(p: float) -> float:
    p = min(max(p, 1e-5), 1 - 1e-5)
    return math.log(p / (1 - p))


def _kept(unit: Unit, score: float, keep: float | None) -> bool:
    if keep is None or (unit.note and not unit.kept):
        return unit.kept
    return score >= keep


def _apart(units: Sequence[Unit]) -> list[Unit]:
    """Of spans that overlap, the most probable is kept."""
    kept: list[Unit] = []
    made: list[Unit] = []
    for unit in sorted(units, key=lambda each: (not each.kept, -(each.probability or 0.0))):
        clash = unit.kept and any(k.start < unit.end and unit.start < k.end for k in kept)
        said = unit.model_copy(update={"kept": False}) if clash else unit
        if said.kept:
            kept.append(said)
        made.append(said)
    return sorted(made, key=lambda each: (each.start, each.end))


def _prediction(
    text: str,
    prediction: Prediction,
    units: Sequence[Unit],
    head: TokenHead,
    chances: FloatArray,
    features: TokenFeatures,
) -> Prediction:
    kept = [unit for unit in units if unit.kept]
    free = np.ones(len(features), bool)
    for unit in kept:
        free &= ~((features.start < unit.end) & (features.end > unit.start))
    column = head.classes.index(NO_UNIT) if NO_UNIT in head.classes else None
    outside = chances[free, column] if column is not None else np.zeros(int(free.sum()))
    logs = sum(math.log(max(unit.probability or 0.0, _TINY)) for unit in kept)
    rest = float(np.log(np.maximum(outside, _TINY)).sum())
    stale = set(span_doubts(text, prediction.units))
    other = [each for each in prediction.detail.split("; ") if each and each not in stale]
    missed = [unit.probability or 0.0 for unit in units if not unit.kept and not unit.note]
    return prediction.model_copy(
        update={
            "answer": SpansAnswer(
                spans=tuple(Span(start=u.start, end=u.end, label=u.label) for u in kept)
            ),
            "units": tuple(units),
            "probability": min(1.0, math.exp(logs + OUTSIDE_WEIGHT * rest)),
            "method": "span_head",
            "detail": "; ".join([*other, *span_doubts(text, units)]),
            "evidence": {
                **prediction.evidence,
                "entities": float(len(kept)),
                "min_unit": min((unit.probability or 0.0 for unit in kept), default=1.0),
                "log_units": logs,
                "head_min_outside": float(outside.min()) if len(outside) else 1.0,
                "head_log_outside": rest,
                "missed": max(missed, default=0.0),
            },
        }
    )
