"""How far the reviewers of a guideline agree, from the panels that decided the same documents."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import Literal

from pydantic import Field

from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    Kind,
    Span,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.base import Value
from llmlabel.domain.guideline import Guideline
from llmlabel.review.agreement import (
    SpanKey,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pairwise_span_f1,
    token_agreement,
)
from llmlabel.store import Store
from llmlabel.store.seats import DecidedPanel, Seats

MOST_PAIRS = 200
"""Pairs of reviewers that are told of, those with most documents in common first."""

NO_ANSWER = "(no right answer)"
"""Stands for a rejection: it is an answer like any other, and may be agreed on."""

_WORD = re.compile(r"\w+|[^\w\s]")
_OUTSIDE = ""


class PairAgreement(Value):
    """Two reviewers on the documents that both decided."""

    reviewers: tuple[str, str]
    n: int = Field(description="Documents that both decided.")
    agreement: float = Field(description="Share of them to which both gave the same whole answer.")
    cohen: float | None = Field(description="Cohen's kappa; null where it is not defined.")


class Agreement(Value):
    """How far reviewers agree who decided the same documents without seeing each other's answers.

    Kappas and alpha are over whole answers of choices and transcripts, over tokens, and of spans
    over the words of the text, each with the labels of the spans that touch it: most words are
    in no span, so read `span_f1` first. They are null where `reasons` says why, by name.
    """

    guideline: str = Field(description="name@version")
    panels: int = Field(description="Whose members have all decided.")
    settled: int = Field(description="Of those, where the members agreed.")
    adjudicated: int = Field(description="Of those, where an adjudicator decided.")
    compared: Literal["documents", "tokens", "words"] = Field(
        description="What kappas and alpha count."
    )
    krippendorff: float | None
    fleiss: float | None
    span_f1: float | None = Field(description="Strict F1 over all pairs of members; of spans only.")
    token_agreement: float | None = Field(
        description="Share of tokens labeled the same, over all pairs of members; of tokens only."
    )
    pairs: tuple[PairAgreement, ...] = Field(description="Most documents in common first.")
    reasons: dict[str, str] = Field(description="Why a coefficient is null.")


def agreement_of(store: Store, guideline: Guideline) -> Agreement:
    """Measure what the panels of a guideline version say now; changes nothing.

    Args:
        store: Holds the panels.
        guideline: Exactly this version counts.
    """
    spans = guideline.kind == "spans"
    return measured(guideline, Seats(store.database).decided(guideline.ref, texts=spans))


def measured(guideline: Guideline, panels: Sequence[DecidedPanel]) -> Agreement:
    """The agreement of panels of one guideline."""
    by_panel = [_units(panel, guideline.kind) for panel in panels]
    units = [unit for some in by_panel for unit in some]
    found = {"krippendorff": krippendorff_alpha(units), "fleiss": fleiss_kappa(units)}
    marked = [[_keys(seat.answer) for seat in panel.seats] for panel in panels]
    if guideline.kind == "spans":
        found["span_f1"] = pairwise_span_f1(marked)
    if guideline.kind == "tokens":
        found["token_agreement"] = token_agreement(marked)
    compared: dict[Kind, Literal["documents", "tokens", "words"]] = {
        "tokens": "tokens",
        "spans": "words",
    }
    value = {name: each.value for name, each in found.items()}
    return Agreement(
        guideline=guideline.ref,
        panels=len(panels),
        settled=sum(panel.settled for panel in panels),
        adjudicated=sum(panel.adjudicated for panel in panels),
        compared=compared.get(guideline.kind, "documents"),
        krippendorff=value["krippendorff"],
        fleiss=value["fleiss"],
        span_f1=value.get("span_f1"),
        token_agreement=value.get("token_agreement"),
        pairs=tuple(_pairs(panels, by_panel)),
        reasons={name: each.reason for name, each in found.items() if each.reason},
    )


def _pairs(
    panels: Sequence[DecidedPanel], by_panel: Sequence[Sequence[Sequence[str]]]
) -> list[PairAgreement]:
    same: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    values: defaultdict[tuple[str, str], list[tuple[Hashable, Hashable]]] = defaultdict(list)
    for panel, units in zip(panels, by_panel, strict=True):
        names = [seat.reviewer for seat in panel.seats]
        for one, other in combinations(range(len(names)), 2):
            first, second = sorted((one, other), key=lambda place: names[place])
            pair = names[first], names[second]
            same[pair].append(_whole(panel, first) == _whole(panel, second))
            values[pair] += [(unit[first], unit[second]) for unit in units]
    busiest = sorted(same, key=lambda pair: (-len(same[pair]), pair))[:MOST_PAIRS]
    return [
        PairAgreement(
            reviewers=pair,
            n=len(same[pair]),
            agreement=sum(same[pair]) / len(same[pair]),
            cohen=cohen_kappa(
                [mine for mine, _ in values[pair]], [theirs for _, theirs in values[pair]]
            ).value,
        )
        for pair in busiest
    ]


def _units(panel: DecidedPanel, kind: Kind) -> list[list[str]]:
    """What each member said of each thing that is compared, in the order of the seats."""
    said = [seat.answer for seat in panel.seats]
    if kind == "tokens":
        places = sorted({(start, end) for answer in said for start, end, _ in _keys(answer)})
        columns = [_token_labels(answer, places) for answer in said]
    elif kind == "spans":
        columns = [_word_labels(answer, panel.text) for answer in said]
    else:
        return [[_value(answer) for answer in said]]
    return [list(row) for row in zip(*columns, strict=True)]


def _value(answer: Answer | None) -> str:
    match answer:
        case ChoiceAnswer(label=label):
            return label
        case TranscriptAnswer(text=text):
            return " ".join(text.split())
    return NO_ANSWER


def _token_labels(answer: Answer | None, places: Sequence[tuple[int, int]]) -> list[str]:
    if answer is None:
        return [NO_ANSWER] * len(places)
    labels = {(start, end): label for start, end, label in _keys(answer)}
    return [labels.get(place, _OUTSIDE) for place in places]


def _word_labels(answer: Answer | None, text: str) -> list[str]:
    words = [match.span() for match in _WORD.finditer(text)]
    if answer is None:
        return [NO_ANSWER] * len(words)
    spans = _keys(answer)
    return [
        " ".join(sorted({label for begin, stop, label in spans if begin < end and start < stop}))
        for start, end in words
    ]


def _whole(panel: DecidedPanel, seat: int) -> Hashable:
    # Spans are the same whatever their order.
    answer = panel.seats[seat].answer
    return frozenset(_keys(answer)) if isinstance(answer, SpansAnswer | TokensAnswer) else answer


def _keys(answer: Answer | None) -> list[SpanKey]:
    units: tuple[Span, ...] = ()
    if isinstance(answer, SpansAnswer):
        units = answer.spans
    elif isinstance(answer, TokensAnswer):
        units = answer.tokens
    return [(unit.start, unit.end, unit.label) for unit in units]
