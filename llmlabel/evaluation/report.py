"""What an evaluation found, as one value that can be stored and compared."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import Field

from llmlabel.domain.answer import Kind
from llmlabel.domain.base import Value


class LabelScore(Value):
    """Precision, recall and F1 of one label; null where undefined."""

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    gold: int
    predicted: int


class Confusion(Value):
    """How often each gold label (row) got each answer (column).

    The last column counts missing answers and labels that the data does not have.
    """

    labels: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]


class ClauseScore(Value):
    """The cases that test one clause of the guideline."""

    id: str
    n: int
    right: int


class WrongCase(Value):
    """A wrong answer; the most confident ones come first."""

    id: str
    text: str
    gold: str
    answer: str | None
    confidence: float | None
    accepted: bool
    reason: str
    clauses: tuple[str, ...] = ()


class ModelUse(Value):
    """A labeler that was asked, how often, and what it took."""

    labeler: str
    model: str
    prompt: str | None = None
    prompt_sha256: str | None = None
    answers: int
    failures: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None = Field(description="Null where a price is not known.")
    seconds: float


class Interval(Value):
    """Bootstrap confidence interval of the headline metric, over documents."""

    metric: str
    low: float
    high: float
    level: float = 0.95


class Throughput(Value):
    """Work done per second of wall time, loading of the models excluded."""

    documents_per_second: float
    audio_seconds_per_second: float | None = None


class Threshold(Value):
    """An operating point: what it accepts, and how much of that is right."""

    threshold: float
    coverage: float
    accuracy: float
    lower: float = Field(description="Lower 95% bound of the accuracy (Clopper-Pearson).")
    n: int
    target: float | None = None


class ReliabilityBin(Value):
    """Mean confidence against accuracy in one bin."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


class Curve(Value):
    """Points for a plot, thinned to a few hundred."""

    threshold: tuple[float, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]


class Curves(Value):
    """What the plots of a report show; null where there is nothing to draw."""

    reliability: tuple[ReliabilityBin, ...] = ()
    risk_coverage: Curve | None = Field(default=None, description="x coverage, y risk")
    precision_recall: Curve | None = Field(default=None, description="x recall, y precision")


class BaselineMiss(Value):
    """A metric that is worse than the accepted score."""

    metric: str
    value: float | None
    limit: float

    def __str__(self) -> str:
        """A sentence with the metric, its value and its limit."""
        said = "is not defined" if self.value is None else f"is {self.value:.4f}"
        return f"{self.metric} {said}, the baseline asks for {self.limit:.4f}"


class Report(Value):
    """Scores of one guideline on one set of cases, with all that is needed to repeat them."""

    suite: str
    split: str
    files: tuple[Path, ...] = ()
    guideline: str
    guideline_sha256: str
    kind: Kind
    threshold: float
    n: int
    failures: int = Field(description="Cases without an answer; they count as wrong.")
    unscored: int = Field(description="Cases left out because they have no gold answer.")
    options: dict[str, str] = Field(default_factory=dict, description="How it was run.")
    created_at: datetime
    seconds: float
    metrics: dict[str, float | None]
    interval: Interval | None = None
    throughput: Throughput
    suggested_threshold: Threshold | None = None
    notes: tuple[str, ...] = ()
    per_label: tuple[LabelScore, ...] = ()
    confusion: Confusion | None = None
    clauses: tuple[ClauseScore, ...] = ()
    clauses_untested: tuple[str, ...] = ()
    models: tuple[ModelUse, ...] = ()
    cost_usd: float | None = 0.0
    curves: Curves = Curves()
    wrong: tuple[WrongCase, ...] = ()
    wrong_total: int = 0
