"""Which doubtful document a person sees first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from llmlabel.domain.label import Label

Order = Literal["uncertainty", "diverse", "fifo"]

DAY_SECONDS = 86_400.0
"""After so long an item of no value comes before a new one of the highest."""


def priorities(
    labels: Sequence[Label], order: Order, vectors: NDArray[Any] | None = None
) -> list[float]:
    """Priorities of new reviews; the queue gives out the highest first.

    A priority is the value of a verdict on the document, from 0 to 1, minus the moment the label
    was made in days. It never changes while an item waits, and yet older items gain on newer
    ones: after a day, a document of no value comes before one of the highest that comes then. So
    nothing waits for ever, and no row is written to let it age.

    `uncertainty`: the value is the doubt, 1 - confidence; 1 where there is no answer.
    `diverse`: the doubt times the distance to what is chosen before it from the same batch, so
    that one of many like texts is seen early and its likes later.
    `fifo`: all values are the same.

    Args:
        labels: As the pipeline made them, those that will be accepted included or not.
        order: `policy.order` of their guideline.
        vectors: Unit-length sentence vectors of the documents, shape (n, d), in the same order;
            for `diverse` only. Without them it orders by doubt alone.

    Returns:
        One per label, in order.

    Raises:
        ValueError: There is not one vector per label.

    Source: the farthest-first traversal of Gonzalez 1985, weighted by doubt; uncertainty
    sampling of Lewis and Gale 1994.
    """
    doubt = np.array([_doubt(label) for label in labels], dtype=np.float64)
    if order == "fifo":
        value = np.zeros(len(labels))
    elif order == "diverse" and vectors is not None:
        value = doubt * spread(vectors, doubt)
    else:
        value = doubt
    ages = [_days(label.created_at) for label in labels]
    return [float(v - days) for v, days in zip(value, ages, strict=True)]


def spread(vectors: NDArray[Any], doubt: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each document lies from those chosen before it, from 0 (a copy) to 1.

    The most doubtful comes first; then, again and again, the one with the largest product of
    doubt and distance to the nearest chosen one. Distance is (1 - cosine) / 2.

    Args:
        vectors: Unit length, shape (n, d).
        doubt: In [0, 1], shape (n,).

    Returns:
        Shape (n,).

    Raises:
        ValueError: The shapes do not agree.
    """
    points = np.asarray(vectors, dtype=np.float64)
    if points.ndim != 2 or len(points) != len(doubt):
        raise ValueError(f"{len(doubt)} labels need as many vectors, not shape {points.shape}")
    nearest = np.ones(len(points))
    found = np.ones(len(points))
    waiting = np.ones(len(points), dtype=bool)
    for _ in range(len(points)):
        chosen = int(np.argmax(np.where(waiting, doubt * nearest, -1.0)))
        found[chosen] = nearest[chosen]
        waiting[chosen] = False
        distance = np.clip((1.0 - points @ points[chosen]) / 2, 0.0, 1.0)
        nearest = np.minimum(nearest, distance)
    return found


def _doubt(label: Label) -> float:
    return 1.0 if label.confidence is None else 1.0 - label.confidence.value


def _days(moment: datetime) -> float:
    return moment.timestamp() / DAY_SECONDS
