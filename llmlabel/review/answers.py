"""What a reviewer's answer may be under a guideline."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

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


def check_answer(
    answer: Answer, guideline: Guideline, document: Document, proposed: Answer | None
) -> None:
    """Refuse an answer that the guideline or the text does not allow.

    Args:
        answer: The reviewer's.
        guideline: Says the kind and the labels.
        document: Offsets count the code points of its text.
        proposed: The proposal; the tokens of an answer must be its tokens, whose offsets
            reviewers of a blind item see as well (`token_offsets`).

    Raises:
        InvalidInput: Another kind, an unknown label, offsets outside the text, empty, unsorted
            or repeated spans, tokens that overlap or differ from the proposed ones.
    """
    if answer.kind != guideline.kind:
        raise InvalidInput(
            f"The answer is of kind `{answer.kind}`, but {guideline.ref} asks for "
            f"`{guideline.kind}`.",
            field="answer.kind",
        )
    match answer:
        case ChoiceAnswer(label=label):
            _check_label(label, guideline, "answer.label")
        case SpansAnswer(spans=spans):
            _check_spans(spans, guideline, document, "answer.spans")
        case TokensAnswer(tokens=tokens):
            _check_spans(tokens, guideline, document, "answer.tokens")
            _check_tokens(tokens, proposed)
        case TranscriptAnswer(text=text):
            check_storable(text, "answer.text")


def token_offsets(proposed: Answer | None) -> list[tuple[int, int]] | None:
    """Where the tokens of a proposal start and end (exclusive), without their labels.

    None of any other kind of answer. A blind item shows them: an answer must have the same
    tokens, and where a text is cut says nothing of the labels.
    """
    if not isinstance(proposed, TokensAnswer):
        return None
    return [(token.start, token.end) for token in proposed.tokens]


def _check_label(label: str, guideline: Guideline, field: str) -> None:
    if label not in guideline.label_names:
        raise InvalidInput(
            f"`{label[:80]}` is not a label of {guideline.ref}; choose one of: "
            f"{', '.join(guideline.label_names)}.",
            field=field,
        )


def _check_spans(
    spans: Sequence[Span], guideline: Guideline, document: Document, field: str
) -> None:
    before = (-1, -1)
    seen = set()
    for place, span in enumerate(spans):
        where = f"{field}.{place}"
        _check_label(span.label, guideline, f"{where}.label")
        if span.start >= span.end:
            raise InvalidInput(
                f"The span from {span.start} to {span.end} is empty; `end` is exclusive and "
                "must be greater than `start`.",
                field=where,
            )
        if span.end > len(document.text):
            raise InvalidInput(
                f"The span ends at {span.end}, but the text has {len(document.text)} code points.",
                field=f"{where}.end",
            )
        if (span.start, span.end) < before:
            raise InvalidInput(
                f"The span at {span.start} stands after one at {before[0]}; sort them by start, "
                "then end.",
                field=where,
            )
        if span in seen:
            raise InvalidInput(
                f"The span from {span.start} to {span.end} with the label {span.label} occurs "
                "twice; send it once.",
                field=where,
            )
        seen.add(span)
        before = (span.start, span.end)


def _check_tokens(tokens: Sequence[Span], proposed: Answer | None) -> None:
    offsets = [(token.start, token.end) for token in tokens]
    expected = token_offsets(proposed)
    if expected is not None:
        if offsets != expected:
            place = next(
                (
                    n
                    for n, pair in enumerate(zip(offsets, expected, strict=False))
                    if pair[0] != pair[1]
                ),
                min(len(offsets), len(expected)),
            )
            raise InvalidInput(
                f"The tokens differ from the proposed ones at number {place}; change labels only "
                f"and send all {len(expected)} tokens with their offsets.",
                field=f"answer.tokens.{place}",
            )
        return
    for place, (one, next_one) in enumerate(pairwise(offsets), start=1):
        if next_one[0] < one[1]:
            raise InvalidInput(
                f"The token at {next_one[0]} overlaps the one before it, which ends at {one[1]}.",
                field=f"answer.tokens.{place}",
            )


def check_storable(text: str, field: str) -> None:
    """Refuse what no database can carry.

    Raises:
        InvalidInput: The text holds NUL or a lone surrogate.
    """
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput(
            f"`{field}` holds a NUL character or a lone surrogate; remove it.", field=field
        )
