"""Entities of spaCy as an answer under a guideline, with the evidence for and against it."""

from __future__ import annotations

import math
from collections.abc import Sequence, Set

import numpy as np

from llmlabel.domain.answer import Span, SpansAnswer
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Source, Unit
from llmlabel.errors import InvalidGuideline
from llmlabel.labelers.boundaries import is_in_phone_number, is_no_name, trim, with_sign
from llmlabel.labelers.doubt import OUTSIDE_WEIGHT, entity_probability
from llmlabel.labelers.spacy_transitions import Entities, Found

FEWEST = 1e-6
DOUBTFUL = 0.7
"""An entity below this is named in the reason for a review."""

NUMBERS = frozenset({"DATE", "TIME", "MONEY", "PERCENT", "QUANTITY", "CARDINAL", "ORDINAL"})
"""SpaCy's labels of what may be written in digits alone."""


def label_map(guideline: Guideline, offered: Sequence[str]) -> dict[str, str]:
    """The guideline's label of each spaCy label, ignored ones aside.

    Raises:
        InvalidGuideline: No label of the guideline names one of spaCy's.
    """
    mapping = {tag: label.name for label in guideline.labels for tag in label.spacy}
    if not mapping.keys() & set(offered):
        raise InvalidGuideline(
            f"{guideline.ref}: no label says which spaCy labels it stands for; add "
            f"`spacy: [...]` to the labels. The pipeline offers: {', '.join(offered)}.",
            field="labels",
        )
    return mapping


def undecided(guideline: Guideline, offered: Sequence[str]) -> tuple[str, ...]:
    """SpaCy's labels that the guideline neither maps nor names in `spacy_ignored`."""
    known = {tag for label in guideline.labels for tag in label.spacy}
    return tuple(tag for tag in offered if tag not in known | set(guideline.spacy_ignored))


def spans_prediction(
    text: str,
    parts: Sequence[tuple[int, Entities]],
    guideline: Guideline,
    source: Source,
    detail: str = "",
) -> Prediction:
    """Make the prediction of a text from what was found in its pieces.

    Args:
        text: The document's text.
        parts: What was found in each piece, with the piece's offset.
        guideline: Says what belongs to a span.
        source: Who found it.
        detail: What else a reviewer should know.
    """
    numbers = {label.name for label in guideline.labels if NUMBERS.intersection(label.spacy)}
    units = [
        unit
        for offset, entities in parts
        for found in entities.found
        if (unit := _unit(text, offset, found, guideline, numbers)) is not None
    ]
    outside = np.concatenate([entities.outside for _, entities in parts])
    kept = [unit for unit in units if unit.kept]
    evidence = document_evidence(units, outside.tolist())
    doubts = [detail] if detail else []
    doubts += span_doubts(text, units)
    return Prediction(
        answer=SpansAnswer(
            spans=tuple(Span(start=u.start, end=u.end, label=u.label) for u in kept)
        ),
        probability=whole_answer(evidence),
        method="entity_transitions",
        evidence=evidence,
        units=tuple(units),
        source=source,
        detail="; ".join(doubts),
    )


def span_doubts(text: str, units: Sequence[Unit]) -> list[str]:
    """What a reviewer should look at first: three spans of either kind at most."""
    doubted = [u for u in units if u.kept and (u.probability or 0.0) < DOUBTFUL]
    missed = [u for u in units if not u.kept and not u.note and (u.probability or 0.0) > 0.2]
    return [
        *(f"{text[u.start : u.end]!r} may not be {u.label}" for u in doubted[:3]),
        *(f"{text[u.start : u.end]!r} may be {u.label}" for u in missed[:3]),
    ]


def document_evidence(units: Sequence[Unit], outside: Sequence[float]) -> dict[str, float]:
    """What a calibrator may use of a text's units and of the tokens outside of them."""
    kept = [max(u.probability or 0.0, FEWEST) for u in units if u.kept]
    missed = [u.probability or 0.0 for u in units if not u.kept and not u.note]
    return {
        "entities": float(len(kept)),
        "min_unit": min(kept, default=1.0),
        "log_units": sum(map(math.log, kept)),
        "min_outside": min(outside, default=1.0),
        "log_outside": sum(math.log(max(p, FEWEST)) for p in outside),
        "missed": max(missed, default=0.0),
    }


def whole_answer(evidence: dict[str, float]) -> float:
    """Probability that all entities are right and none is missed: the product of both."""
    return min(1.0, math.exp(evidence["log_units"] + OUTSIDE_WEIGHT * evidence["log_outside"]))


def _unit(
    text: str, offset: int, found: Found, guideline: Guideline, numbers: Set[str]
) -> Unit | None:
    start, end = trim(
        text, found.start + offset, found.end + offset, guideline.trim, label=found.label
    )
    if start >= end:
        return None
    number = found.label in numbers
    if number:
        start, end = with_sign(text, start, end)
    dropped = "addresses" in guideline.trim and (
        is_no_name(text[start:end], number=number)
        or (number and is_in_phone_number(text, start, end))
    )
    if dropped and not found.kept:
        return None
    return Unit(
        start=start,
        end=end,
        label=found.label,
        probability=entity_probability(found.probability) if found.kept else found.probability,
        evidence={"transitions": found.probability, "opening": found.opening},
        kept=found.kept and not dropped,
        by=("spacy",) if found.kept else (),
        alternative=found.alternative,
        note="an address, a phone number or no word at all" if dropped else None,
    )
