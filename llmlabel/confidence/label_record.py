"""What is known of each label: how often it was verified, and how often answers of it are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

SMOOTHING = 4.0
"""A label's share of right answers is drawn to that of all labels as by so many answers of it."""

_PARTS = 5
_NAMES = ("label.verified", "label.rival_verified", "label.precision")


@dataclass(frozen=True)
class LabelRecord:
    """Counts by label; all of shape (labels,).

    A student that saw a label twice knows it less well than one it saw fifty times, however
    sure it is; and labels differ in how often those who choose them are right.

    Attributes:
        verified: How often it is the verified label.
        answered: How often it is the answer.
        right: How often that is right.
    """

    verified: tuple[float, ...]
    answered: tuple[float, ...]
    right: tuple[float, ...]

    @classmethod
    def of(cls, answer: Ints, gold: Ints, weight: Floats, labels: int) -> LabelRecord:
        """Counted over verified documents.

        Args:
            answer: Their answers by index, shape (n,).
            gold: The right labels, -1 where none is right, shape (n,).
            weight: How often each document counts, shape (n,).
            labels: How many there are.
        """
        known, hit = gold >= 0, answer == gold
        counts = (
            np.bincount(gold[known], weights=weight[known], minlength=labels),
            np.bincount(answer, weights=weight, minlength=labels),
            np.bincount(answer[hit], weights=weight[hit], minlength=labels),
        )
        return cls(*(tuple(map(float, each)) for each in counts))

    def evidence(self, answer: Ints, rival: Ints) -> dict[str, Floats]:
        """What it says of answers to further documents.

        Args:
            answer: By index, shape (n,).
            rival: The second best label of each, shape (n,).
        """
        verified = np.array(self.verified)
        return {
            "label.verified": np.log1p(verified[answer]),
            "label.rival_verified": np.log1p(verified[rival]),
            "label.precision": self._precision()[answer],
        }

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "verified": list(self.verified),
            "answered": list(self.answered),
            "right": list(self.right),
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> LabelRecord:
        """The record that `to_dict` wrote."""
        return cls(tuple(given["verified"]), tuple(given["answered"]), tuple(given["right"]))

    def _precision(self) -> Floats:
        right, answered = np.array(self.right), np.array(self.answered)
        overall = (right.sum() + 1) / (answered.sum() + 2)
        share = (right + SMOOTHING * overall) / (answered + SMOOTHING)
        odds: Floats = np.log(share) - np.log1p(-share)
        return odds


def own_evidence(
    answer: Ints, rival: Ints, gold: Ints, weight: Floats, labels: int
) -> dict[str, Floats]:
    """The same evidence on the documents that are counted, by the counts of the others.

    In parts, not one by one: leaving out only itself would make the count of a label lower for
    those who rightly have it than for those who wrongly do.

    Args: as of `LabelRecord.of` and `LabelRecord.evidence`.

    Source: out-of-fold target statistics, as in Micci-Barreca 2001, "A preprocessing scheme for
    high-cardinality categorical attributes".
    """
    part = np.arange(len(answer)) % _PARTS
    made = {name: np.zeros(len(answer)) for name in _NAMES}
    for each in range(_PARTS):
        inside = part == each
        others = LabelRecord.of(answer[~inside], gold[~inside], weight[~inside], labels)
        # Counts as large as those of all: what is fitted here is applied to those.
        whole = LabelRecord(
            *(
                tuple(count * _PARTS / (_PARTS - 1) for count in counts)
                for counts in (others.verified, others.answered, others.right)
            )
        )
        for name, values in whole.evidence(answer[inside], rival[inside]).items():
            made[name][inside] = values
    return made
