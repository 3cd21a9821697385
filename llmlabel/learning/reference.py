"""What the certifying gold looked like to the pipeline, to compare every later day with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from llmlabel.confidence.shift import Sample
from llmlabel.learning.speak import Spoken, similarity
from llmlabel.store.gold import label_names

Floats = NDArray[np.float64]

KEPT = 501
"""Values kept of a longer list: its quantiles, evenly spread, ends included."""


def reference_of(spoken: Sequence[Spoken]) -> dict[str, JsonValue]:
    """What drift is measured against, as JSON: short however many documents there were.

    `confidences` are rising, null where there was no answer; `labels` counts what was answered;
    `similarities` to the nearest text learned from are rising, and none where no labeler says.
    """
    labels: Counter[str] = Counter()
    for each in spoken:
        labels.update(label_names(each.judged.combined.answer))
    near = [similarity(each.opinions) for each in spoken]
    return {
        "n": len(spoken),
        "confidences": _kept([each.confidence for each in spoken]),
        "labels": dict(labels.most_common()),
        "similarities": _kept([value for value in near if value is not None]),
    }


def reference_in(sample: Mapping[str, JsonValue]) -> Sample | None:
    """Read back what `reference_of` made; None where a certificate holds no such thing."""
    confidences, labels = sample.get("confidences"), sample.get("labels")
    if not isinstance(confidences, list) or not isinstance(labels, dict):
        return None
    return sample_of(
        confidences,
        {name: int(n) for name, n in labels.items() if isinstance(n, int)},
        sample.get("similarities"),
    )


def sample_of(confidences: Sequence[Any], labels: Mapping[str, int], similarities: Any) -> Sample:
    """Documents as `confidence.shift` compares them; novelty is 1 - similarity."""
    return Sample(
        confidence=_floats(confidences),
        labels=dict(labels),
        distance=1.0 - _floats(similarities or []),
    )


def _kept(values: Sequence[float | None]) -> list[JsonValue]:
    # No answer sorts before every confidence, so that its share is kept as well.
    ordered = sorted(values, key=lambda value: -1.0 if value is None else value)
    if len(ordered) > KEPT:
        places = np.linspace(0, len(ordered) - 1, KEPT).round().astype(int)
        ordered = [ordered[place] for place in places]
    return [None if value is None else round(value, 6) for value in ordered]


def _floats(values: Sequence[Any]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
