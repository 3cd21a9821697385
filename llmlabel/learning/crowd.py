"""Answers that people gave elsewhere, from a file: how far they agree, what they say together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.errors import InvalidInput, NotFound
from llmlabel.evaluation.cases import read_row
from llmlabel.review.agreement import (
    Coefficient,
    Distance,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
)
from llmlabel.review.consensus import Agreed, Said

FIELDS = {"task": ("task", "item", "id"), "worker": ("worker", "reviewer"), "label": ("label",)}
"""Of a line, and the other names that crowd data give them."""


class CrowdFile(Value):
    """Who said what.

    `gold` holds the right label of the things whose lines have a `gold` that is not null.
    """

    said: tuple[Said, ...]
    gold: dict[str, str] = Field(default_factory=dict)


class CrowdAgreement(Value):
    """How far the people of a file agree; None where `reasons` says why not, by name."""

    tasks: int
    workers: int
    answers: int
    labels: int
    krippendorff: float | None
    fleiss: float | None
    cohen: float | None = Field(description="Where there are just two people.")
    reasons: dict[str, str]


def read_crowd(path: Path) -> CrowdFile:
    """Read JSON lines with `task` (or `item`), `worker` (or `reviewer`) and `label`.

    Raises:
        NotFound: There is no such file.
        InvalidInput: It is empty, a line lacks a field, or a person labeled a thing twice,
            differently; names the line.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", field="file")
    first: dict[tuple[str, str], Said] = {}
    gold: dict[str, str] = {}
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if not raw.strip():
                continue
            place = f"{path}:{number}"
            row = read_row(raw, place)
            each = Said(*(_word(row, name, place) for name in FIELDS))
            before = first.setdefault((each.task, each.worker), each)
            if before.label != each.label:
                raise InvalidInput(
                    f"{place}: `{each.worker}` labels `{each.task}` again, with `{each.label}` "
                    f"instead of `{before.label}`; keep one.",
                    field="label",
                )
            if row.get("gold") is not None:
                gold[each.task] = _text(row["gold"], "gold", place)
    if not first:
        raise InvalidInput(f"{path} is empty; write one JSON object a line.", field="file")
    return CrowdFile(said=tuple(first.values()), gold=gold)


def crowd_agreement(said: Sequence[Said], scale: Distance = "nominal") -> CrowdAgreement:
    """How far people agree on labels.

    Args:
        said: Of each person on each thing one.
        scale: Of the labels, for Krippendorff's alpha; kappas know equal and unequal only.

    Raises:
        InvalidInput: The scale needs numbers, and a label is none.
    """
    by_task: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for each in said:
        by_task[each.task][each.worker] = each.label
    workers = sorted({each.worker for each in said})
    units = [list(given.values()) for given in by_task.values()]
    measured = {
        "krippendorff": krippendorff_alpha(
            units if scale == "nominal" else [[_number(v, scale) for v in u] for u in units], scale
        ),
        "fleiss": fleiss_kappa(units),
        "cohen": _two(by_task, workers),
    }
    return CrowdAgreement(
        tasks=len(by_task),
        workers=len(workers),
        answers=len(said),
        labels=len({each.label for each in said}),
        reasons={name: found.reason for name, found in measured.items() if found.reason},
        **{name: found.value for name, found in measured.items()},
    )


def share_right(agreed: Sequence[Agreed], gold: Mapping[str, str]) -> float | None:
    """Share of the things with a right label that the consensus labels so; None without any."""
    known = [each for each in agreed if each.task in gold]
    if not known:
        return None
    return sum(gold[each.task] == each.label for each in known) / len(known)


def _two(by_task: Mapping[str, Mapping[str, str]], workers: Sequence[str]) -> Coefficient:
    if len(workers) != 2:
        return Coefficient(None, 0, f"it is of two people, and there are {len(workers)}")
    one, other = workers
    both = [(given[one], given[other]) for given in by_task.values() if len(given) == 2]
    return cohen_kappa([mine for mine, _ in both], [theirs for _, theirs in both])


def _word(row: Mapping[str, object], name: str, place: str) -> str:
    for field in FIELDS[name]:
        if row.get(field) is not None:
            return _text(row[field], field, place)
    raise InvalidInput(
        f"{place}: `{name}` is missing; a line has `task`, `worker` and `label`.", field=name
    )


def _text(value: object, field: str, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput(f"{place}: `{field}` must be a string or a number.", field=field)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(label: str, scale: Distance) -> float:
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(
            f"The scale `{scale}` needs numbers, and `{label[:80]}` is none; write the places of "
            "ordered labels in their order, or use the scale `nominal`.",
            field="scale",
        )
    return value
