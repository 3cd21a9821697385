"""What can be said of a document: one label, spans, tokens or a transcript."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmlabel.domain.base import Value

Kind = Literal["choice", "spans", "tokens", "transcript"]


class Span(Value):
    """A labeled piece of the text; offsets count code points, `end` is exclusive."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    label: str


class ChoiceAnswer(Value):
    """One label for the whole document."""

    kind: Literal["choice"] = "choice"
    label: str


class SpansAnswer(Value):
    """Labeled spans, ordered by start; an empty tuple says that there are none."""

    kind: Literal["spans"] = "spans"
    spans: tuple[Span, ...] = ()


class TokensAnswer(Value):
    """A label for every token, ordered by start."""

    kind: Literal["tokens"] = "tokens"
    tokens: tuple[Span, ...] = ()


class TranscriptAnswer(Value):
    """What was said; an empty text says that nobody spoke."""

    kind: Literal["transcript"] = "transcript"
    text: str


Answer = Annotated[
    ChoiceAnswer | SpansAnswer | TokensAnswer | TranscriptAnswer, Field(discriminator="kind")
]
