"""What a training found out, as it is stored and shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from llmlabel.confidence.unit_calibrator import scores_of
from llmlabel.domain.answer import Kind
from llmlabel.domain.base import Value

Floats = NDArray[np.float64]


class TrainingScores(Value):
    """How good answers and their confidences are, on documents not learned from.

    Weighted by how many documents each stands for; `auroc` and `aurc` are not.
    """

    n: int = Field(description="Documents with an answer.")
    accuracy: float
    ece: float = Field(description="Expected calibration error, 15 bins.")
    brier: float
    auroc: float | None = Field(description="None where all are right, or all are wrong.")
    aurc: float = Field(description="Area under the risk-coverage curve; lower is better.")

    @classmethod
    def of(cls, confidence: Floats, right: Floats, weight: Floats) -> TrainingScores | None:
        """Measure; None where nothing was answered.

        Args:
            confidence: NaN where there is no answer, shape (n,).
            right: 1 - loss of the answer, shape (n,).
            weight: How many documents each stands for, shape (n,).
        """
        given = np.isfinite(confidence)
        if not given.any():
            return None
        found = scores_of(confidence[given], right[given], weight[given])
        return cls.model_validate({**found, "n": int(given.sum())})


class TrainingReport(Value):
    """One training: what it learned from, what came of it, and why.

    `fit_texts` and `fit_confidences` are read when a certificate is made: the texts that nothing
    may be proved on, and the confidences from which thresholds to try are chosen.
    """

    id: str
    guideline: str = Field(description="name@version")
    guideline_sha256: str
    kind: Kind
    n: int = Field(description="Verified labels it learned from.")
    from_gold: int = Field(description="Of these, imported gold; the others are verdicts.")
    known: int = Field(description="Verified labels there were in all.")
    left_out: dict[str, int] = Field(description="How many were left out, by the reason.")
    before: TrainingScores | None = Field(
        description="The guideline's own labelers, uncalibrated; None where they gave no answer."
    )
    after: TrainingScores | None = Field(description="With what was learned, cross-fitted.")
    student: bool = Field(default=False, description="A student joined the labelers.")
    head: bool = Field(default=False, description="A head joined the labeler `spacy`.")
    why: str = Field(default="", description="Why a student or head joined or did not, in words.")
    paired_test: dict[str, JsonValue] | None = None
    units_before: dict[str, float | None] | None = Field(
        default=None, description="Of spans or tokens one by one, as spaCy gives them."
    )
    units_after: dict[str, float | None] | None = Field(
        default=None, description="The same of the answers with what was learned."
    )
    doubt: float | None = Field(
        default=None, description="Below this probability of the student the others are asked."
    )
    calls_saved: float = Field(
        default=0.0, description="Share of documents on which the others need not be asked."
    )
    examples: int = Field(default=0, description="Verified labels kept to show to a model.")
    details: dict[str, JsonValue] = Field(
        default_factory=dict, description="Numbers of the learners, as they gave them."
    )
    fit_texts: tuple[str, ...] = Field(description="SHA-256 of every text learned from.")
    fit_confidences: tuple[float | None, ...] = Field(
        description="Cross-fitted, of the random sample; None without an answer."
    )
    payload_bytes: int = 0
    seconds: float
    started_by: str = ""

    @property
    def joined(self) -> str:
        """What joined the labelers: `student`, `head`, or nothing."""
        return "student" if self.student else "head" if self.head else ""

    @property
    def summary(self) -> dict[str, JsonValue]:
        """The report without the long lists."""
        lists = {"fit_texts", "fit_confidences"}
        found: dict[str, JsonValue] = self.model_dump(mode="json", exclude=lists)
        return found


def plain(value: Any) -> JsonValue:
    """Any nested numbers as JSON holds them; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Sequence | np.ndarray):
        return [plain(each) for each in value]
    return str(value)


def confidences(values: Floats) -> tuple[float | None, ...]:
    """Confidences as JSON holds them, rounded to a millionth."""
    return tuple(round(float(each), 6) if math.isfinite(each) else None for each in values)
