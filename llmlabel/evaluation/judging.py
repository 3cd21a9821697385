"""One label against its case: right or not, as a whole and unit by unit."""

from __future__ import annotations

from dataclasses import dataclass

from llmlabel.domain.answer import ChoiceAnswer, SpansAnswer, TokensAnswer, TranscriptAnswer
from llmlabel.domain.label import Label, Route
from llmlabel.evaluation.cases import Case
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.evaluation.metrics import SpanKey
from llmlabel.evaluation.speech import WordErrors, word_errors


@dataclass(frozen=True, slots=True)
class Judged:
    """A case, the label it got, and what of it is right.

    `gold` and `said` are in the data's label names. A label without an answer is wrong; `said`
    is then None, and so is `confidence`. `units` are the probability and rightness of each
    span or token of the answer that has a probability.
    """

    case: Case
    label: Label | None
    right: bool
    confidence: float | None
    accepted: bool
    gold: str | tuple[SpanKey, ...]
    said: str | tuple[SpanKey, ...] | None
    units: tuple[tuple[float, bool], ...] = ()
    words: WordErrors | None = None
    problem: str = ""


def judge(case: Case, label: Label | None, names: LabelMap, problem: str = "") -> Judged | None:
    """Compare; None where the case's gold label is not scored.

    Args:
        case: The gold.
        label: What the system said; None when it raised an error on this document.
        names: From the guideline's labels to the data's.
        problem: That error, in words.
    """
    gold, said = _gold(case, names), _said(case, label, names)
    if gold is None:
        return None
    words = None
    if isinstance(case.gold, TranscriptAnswer):
        words = word_errors(case.gold.text, said if isinstance(said, str) else "", case.language)
        right = said is not None and words.errors == 0
    elif isinstance(gold, tuple):
        right = isinstance(said, tuple) and set(gold) == set(said)
    else:
        right = gold == said
    answered = label is not None and label.answer is not None
    return Judged(
        case=case,
        label=label,
        right=right,
        confidence=label.confidence.value if answered and label and label.confidence else None,
        accepted=answered and label is not None and label.route is Route.ACCEPTED,
        gold=gold,
        said=said,
        units=_units(case, label, names, gold) if isinstance(gold, tuple) else (),
        words=words,
        problem=problem or (label.reason if label is not None and not answered else ""),
    )


def _gold(case: Case, names: LabelMap) -> str | tuple[SpanKey, ...] | None:
    answer = case.gold
    if isinstance(answer, ChoiceAnswer):
        return names.gold(answer.label)
    if isinstance(answer, TranscriptAnswer):
        return answer.text
    units = answer.spans if isinstance(answer, SpansAnswer) else answer.tokens
    return tuple(
        (unit.start, unit.end, unit.label) for unit in units if names.gold(unit.label) is not None
    )


def _said(case: Case, label: Label | None, names: LabelMap) -> str | tuple[SpanKey, ...] | None:
    answer = label.answer if label is not None else None
    if answer is None or answer.kind != case.gold.kind:
        return None
    if isinstance(answer, ChoiceAnswer):
        return names.predicted(answer.label) or answer.label
    if isinstance(answer, TranscriptAnswer):
        return answer.text
    units = answer.spans if isinstance(answer, SpansAnswer) else answer.tokens
    skipped = _unscored_places(case, names)
    found = ((unit.start, unit.end, names.predicted(unit.label)) for unit in units)
    return tuple(
        (start, end, name)
        for start, end, name in found
        if name is not None and (start, end) not in skipped
    )


def _unscored_places(case: Case, names: LabelMap) -> set[tuple[int, int]]:
    """Tokens whose gold is not scored: what is said of them is not scored either."""
    if not isinstance(case.gold, TokensAnswer):
        return set()
    return {(t.start, t.end) for t in case.gold.tokens if names.gold(t.label) is None}


def _units(
    case: Case, label: Label | None, names: LabelMap, gold: tuple[SpanKey, ...]
) -> tuple[tuple[float, bool], ...]:
    if label is None or label.answer is None:
        return ()
    truth, skipped = set(gold), _unscored_places(case, names)
    return tuple(
        (unit.probability, (unit.start, unit.end, name) in truth)
        for unit in label.units
        if unit.kept
        and unit.probability is not None
        and (name := names.predicted(unit.label)) is not None
        and (unit.start, unit.end) not in skipped
    )
