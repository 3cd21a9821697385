"""How wrong an answer is, as a whole and by its units."""

from __future__ import annotations

from typing import Literal

import pytest

from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    Span,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.learning.losses import loss_of


def spans(*units: tuple[int, int, str]) -> SpansAnswer:
    return SpansAnswer(spans=tuple(Span(start=s, end=e, label=name) for s, e, name in units))


def tokens(*units: tuple[int, int, str]) -> TokensAnswer:
    return TokensAnswer(tokens=tuple(Span(start=s, end=e, label=name) for s, e, name in units))


A, B, C = (0, 3, "A"), (4, 7, "B"), (8, 11, "C")
CASES: list[tuple[Answer | None, Answer | None, float, float]] = [
    (ChoiceAnswer(label="x"), ChoiceAnswer(label="x"), 0, 0),
    (ChoiceAnswer(label="x"), ChoiceAnswer(label="y"), 1, 1),
    (ChoiceAnswer(label="x"), None, 1, 1),
    (None, ChoiceAnswer(label="x"), 1, 1),
    (spans(A, B), spans(A, B), 0, 0),
    (spans(A), spans(A, B), 1, 1 - 2 / 3),
    (spans(A, C), spans(A, B), 1, 0.5),
    (spans(), spans(), 0, 0),
    (spans(A), spans(), 1, 1),
    (spans(), spans(A), 1, 1),
    (tokens(A, B), tokens(A, B), 0, 0),
    (tokens(A, (4, 7, "C")), tokens(A, B), 1, 0.5),
    (tokens(A, (4, 5, "B"), (5, 7, "B")), tokens(A, B), 1, 1.0),
    (tokens(A, B, C), tokens(A, B), 1, 0.5),
    (TranscriptAnswer(text="Hello, world"), TranscriptAnswer(text="hello world"), 0, 0),
    (TranscriptAnswer(text="hello there"), TranscriptAnswer(text="hello world"), 1, 0.5),
    (TranscriptAnswer(text="a b c d e"), TranscriptAnswer(text="z"), 1, 1),
    (TranscriptAnswer(text=""), TranscriptAnswer(text=""), 0, 0),
    (ChoiceAnswer(label="x"), spans(), 1, 1),
]


@pytest.mark.parametrize(("said", "right", "exact", "units"), CASES)
def test_losses_are_counted_as_a_whole_or_by_units(
    said: Answer | None, right: Answer | None, exact: float, units: float
) -> None:
    kinds: tuple[Literal["exact"], Literal["units"]] = ("exact", "units")
    assert loss_of(said, right, kinds[0]) == exact
    assert loss_of(said, right, kinds[1]) == pytest.approx(units)
