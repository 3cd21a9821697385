"""What one labeler says of one document, and on what evidence."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from llmlabel.domain.answer import Answer
from llmlabel.domain.base import Value


class Outcome(StrEnum):
    """How asking a labeler ended. Only `answered` carries an answer; no other becomes a label."""

    ANSWERED = "answered"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"


class Source(Value):
    """Who made a prediction, in enough detail to make it again."""

    labeler: str = Field(description="llm, spacy, whisper, ensemble, …")
    model: str = Field(description="The model's name and, where known, the hash of its weights.")
    fallback_for: str | None = Field(
        default=None,
        description="The model that was asked first and could not be reached; `model` answered "
        "in its place.",
    )
    prompt: str | None = Field(default=None, description="prompt@version")
    prompt_sha256: str | None = None
    examples: tuple[str, ...] = Field(default=(), description="Ids of the examples shown.")
    seconds: float = Field(default=0.0, description="Time spent, shared evenly over its batch.")
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = Field(default=0.0, description="None where the price is not known.")
    cached: bool = Field(default=False, description="True when the reply came from the cache.")
    redacted: dict[str, int] | None = Field(
        default=None,
        description="The model saw the text masked: how many of each kind were. None where it "
        "saw it as it is.",
    )


class Unit(Value):
    """A part of an answer (span or token) with its own evidence.

    A unit that is not in the answer (`kept` false) is one a labeler proposed and the
    ensemble left out; the reviewer sees it.
    """

    start: int
    end: int
    label: str
    probability: float | None = Field(default=None, ge=0, le=1)
    evidence: dict[str, float] = Field(default_factory=dict)
    kept: bool = True
    by: tuple[str, ...] = Field(default=(), description="The labelers that proposed it.")
    alternative: str | None = Field(default=None, description="The next best label, if known.")
    begin_seconds: float | None = Field(default=None, description="Where a recording says it.")
    end_seconds: float | None = None
    note: str | None = Field(default=None, description="What is doubtful about it, in words.")


class Prediction(Value):
    """One labeler's answer, or the reason why there is none.

    `probability` is the labeler's own, uncalibrated estimate that the whole answer is right.
    `evidence` names every number a calibrator may use (method.md, "Evidence").
    `scores` holds the probability of every candidate label of a choice; they sum to one.
    """

    outcome: Outcome = Outcome.ANSWERED
    answer: Answer | None = None
    probability: float | None = Field(default=None, ge=0, le=1)
    method: str = Field(default="", description="How `probability` was got, e.g. label_path.")
    evidence: dict[str, float] = Field(default_factory=dict)
    scores: dict[str, float] = Field(default_factory=dict)
    units: tuple[Unit, ...] = ()
    source: Source
    detail: str = Field(default="", description="For people: why there is no answer, or a doubt.")

    @model_validator(mode="after")
    def _answer_goes_with_outcome(self) -> Self:
        if (self.outcome is Outcome.ANSWERED) != (self.answer is not None):
            raise ValueError("a prediction has an answer exactly when its outcome is `answered`")
        if self.outcome is Outcome.ANSWERED and self.probability is None:
            raise ValueError("an answered prediction states its probability")
        return self
