"""Which labels are taken for which others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.domain.guideline import Guideline
from llmlabel.evaluation.metrics import SpanKey
from llmlabel.store.sampled import Checked, Stored

NONE = "(none)"
"""No right answer, no proposal; of spans and tokens, nothing there."""


class Confusion(Value):
    """Verified labels (rows) against proposed ones (columns)."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...] = Field(
        description="Documents of a choice, else tokens or spans; not weighted."
    )


def confusion_of(checked: Sequence[Checked], guideline: Guideline) -> Confusion | None:
    """How often each verified label was proposed as each label; None for transcripts.

    Documents of a choice; else tokens or spans with the same start and end, and what only one
    side has stands against none.
    """
    if guideline.kind == "transcript":
        return None
    cells: Counter[tuple[str, str]] = Counter()
    for each in checked:
        if guideline.kind == "choice":
            cells[_name(each.right), _name(each.proposed)] += 1
        elif each.agrees:
            cells.update((label, label) for *_, label in _units(each.right))
        else:
            cells.update(_cells(_units(each.right), _units(each.proposed)))
    used = {name for cell in cells for name in cell}
    names = list(guideline.label_names)
    names += [*sorted(used - {*names, NONE}), NONE]
    return Confusion(
        labels=tuple(names),
        counts=tuple(tuple(cells[row, column] for column in names) for row in names),
    )


def _cells(right: list[SpanKey], proposed: list[SpanKey]) -> Iterator[tuple[str, str]]:
    truth, said = _by_place(right), _by_place(proposed)
    for place in truth.keys() | said.keys():
        rows, columns = truth.get(place, Counter()), said.get(place, Counter())
        yield from ((label, label) for label in (rows & columns).elements())
        missed, spurious = sorted((rows - columns).elements()), sorted((columns - rows).elements())
        yield from zip_longest(missed, spurious, fillvalue=NONE)


def _by_place(units: list[SpanKey]) -> dict[tuple[int, int], Counter[str]]:
    found: dict[tuple[int, int], Counter[str]] = {}
    for start, end, label in units:
        found.setdefault((start, end), Counter())[label] += 1
    return found


def _units(answer: Stored) -> list[SpanKey]:
    if answer is None:
        return []
    units = answer["spans"] if answer["kind"] == "spans" else answer["tokens"]
    return [(unit["start"], unit["end"], unit["label"]) for unit in units]


def _name(answer: Stored) -> str:
    return NONE if answer is None else str(answer["label"])
