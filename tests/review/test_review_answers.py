from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    Span,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.errors import InvalidInput
from llmlabel.review import check_answer

TEXT = Document.of_text("Zoë likes 🙂 Rome")
TOKENS = TokensAnswer(
    tokens=(Span(start=0, end=3, label="NOUN"), Span(start=4, end=9, label="VERB"))
)


def _span(start: int, end: int, label: str = "PERSON") -> Span:
    return Span(start=start, end=end, label=label)


@pytest.mark.parametrize(
    ("ref", "answer"),
    [
        ("sentiment", ChoiceAnswer(label="negative")),
        ("ner", SpansAnswer()),
        ("ner", SpansAnswer(spans=(_span(0, 3), _span(0, 9, "PLACE"), _span(12, 16)))),
        ("ner", SpansAnswer(spans=(_span(0, 3), _span(0, 3, "PLACE")))),
        ("pos", TOKENS.model_copy(update={"tokens": (_span(0, 3, "VERB"), _span(4, 9, "NOUN"))})),
        ("transcription", TranscriptAnswer(text="")),
    ],
)
def test_an_answer_that_the_guideline_allows_passes(
    guideline: Callable[[str], Guideline], ref: str, answer: Answer
) -> None:
    check_answer(answer, guideline(ref), TEXT, TOKENS if ref == "pos" else None)


@pytest.mark.parametrize(
    ("ref", "answer", "field"),
    [
        ("sentiment", SpansAnswer(), "answer.kind"),
        ("sentiment", ChoiceAnswer(label="Positive"), "answer.label"),
        ("ner", SpansAnswer(spans=(_span(0, 3, "NOUN"),)), "answer.spans.0.label"),
        ("ner", SpansAnswer(spans=(_span(3, 3),)), "answer.spans.0"),
        ("ner", SpansAnswer(spans=(_span(3, 2),)), "answer.spans.0"),
        ("ner", SpansAnswer(spans=(_span(12, 17),)), "answer.spans.0.end"),
        ("ner", SpansAnswer(spans=(_span(4, 9), _span(0, 3))), "answer.spans.1"),
        ("ner", SpansAnswer(spans=(_span(0, 3), _span(0, 3))), "answer.spans.1"),
        ("pos", TokensAnswer(tokens=TOKENS.tokens[:1]), "answer.tokens.1"),
        ("pos", TokensAnswer(tokens=(_span(0, 4, "NOUN"),)), "answer.tokens.0"),
        ("pos", TokensAnswer(), "answer.tokens.0"),
        ("transcription", TranscriptAnswer(text="\x00"), "answer.text"),
    ],
)
def test_an_answer_that_breaks_a_rule_names_the_field(
    guideline: Callable[[str], Guideline], ref: str, answer: Answer, field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_answer(answer, guideline(ref), TEXT, TOKENS if ref == "pos" else None)
    assert caught.value.field == field


def test_tokens_without_a_proposal_must_not_overlap(
    guideline: Callable[[str], Guideline],
) -> None:
    check_answer(TOKENS, guideline("pos"), TEXT, None)
    with pytest.raises(InvalidInput, match="overlaps"):
        tokens = TokensAnswer(tokens=(_span(0, 3, "NOUN"), _span(2, 9, "VERB")))
        check_answer(tokens, guideline("pos"), TEXT, None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20))))
def test_spans_pass_exactly_when_they_are_sorted_within_the_text_and_not_empty(
    guideline: Callable[[str], Guideline], spans: list[tuple[int, int]]
) -> None:
    answer = SpansAnswer(spans=tuple(_span(start, end) for start, end in spans))
    good = all(start < end <= len(TEXT.text) for start, end in spans) and (
        spans == sorted(set(spans))
    )
    try:
        check_answer(answer, guideline("ner"), TEXT, None)
    except InvalidInput:
        assert not good
    else:
        assert good
