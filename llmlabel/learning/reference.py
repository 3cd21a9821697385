"""What the certifying gold looked like to the pipeline, to compare every later day with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from llmlabel.domain.answer import Answer, ChoiceAnswer, SpansAnswer, TokensAnswer
from llmlabel.learning.speak import Spoken, similarity

Floats = NDArray[np.float64]

KEPT = 501
"""Values kept of a longer list: its quantiles, evenly spread, ends included."""

NONE = ""
"""Stands for documents without an answer, among the labels."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Confidences, labels and similarities of a sample.

    Attributes:
        n: Documents in it.
        confidences: Of those with an answer, rising; quantiles where there were many.
        labels: How often each label was given; `` counts documents without an answer.
        similarities: To the nearest text learned from, rising; empty where no labeler says.
    """

    n: int
    confidences: Floats
    labels: dict[str, int] = field(default_factory=dict)
    similarities: Floats = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, sample: dict[str, JsonValue]) -> Reference | None:
        """Read back what `reference_of` made; None where a certificate holds no such sample."""
        n, labels = sample.get("n"), sample.get("labels")
        if not isinstance(n, int) or not isinstance(labels, dict):
            return None
        return cls(
            n=n,
            confidences=_floats(sample.get("confidences")),
            labels={name: int(n) for name, n in labels.items() if isinstance(n, int | float)},
            similarities=_floats(sample.get("similarities")),
        )


def reference_of(spoken: Sequence[Spoken]) -> dict[str, JsonValue]:
    """The sample as JSON: short however many documents there were."""
    confidences = [each.confidence for each in spoken]
    labels: Counter[str] = Counter()
    for each in spoken:
        labels.update(names_of(each.judged.combined.answer))
    found = [similarity(each.opinions) for each in spoken]
    return {
        "n": len(spoken),
        "confidences": _kept([value for value in confidences if value is not None]),
        "labels": dict(labels.most_common()),
        "similarities": _kept([value for value in found if value is not None]),
    }


def names_of(answer: Answer | None) -> list[str]:
    """The labels that an answer gives, repeats included."""
    match answer:
        case None:
            return [NONE]
        case ChoiceAnswer():
            return [answer.label]
        case SpansAnswer():
            return [span.label for span in answer.spans]
        case TokensAnswer():
            return [token.label for token in answer.tokens]
    return []


def _kept(values: Sequence[float]) -> list[JsonValue]:
    if not values:
        return []
    ordered = np.sort(np.array(values, dtype=np.float64))
    if len(ordered) > KEPT:
        ordered = np.quantile(ordered, np.linspace(0, 1, KEPT), method="inverted_cdf")
    return [round(float(value), 6) for value in ordered]


def _floats(values: Any) -> Floats:
    kept = values if isinstance(values, list) else []
    return np.array([each for each in kept if isinstance(each, int | float)], dtype=np.float64)
