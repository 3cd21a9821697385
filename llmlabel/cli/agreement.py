"""`llmlabel agreement`: how far reviewers agree, here or in a file of many people's answers."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.errors import InvalidInput
from llmlabel.learning.crowd import CrowdFile, crowd_agreement, read_crowd, share_right
from llmlabel.review.consensus import Agreed, Consensus, consensus
from llmlabel.review.live_agreement import Agreement, agreement_of
from llmlabel.settings import Settings

SHOWN = 10


class Scale(StrEnum):
    """How labels of a file differ."""

    nominal = "nominal"
    ordinal = "ordinal"
    interval = "interval"


class How(StrEnum):
    """How the answers of a file become one."""

    majority = "majority"
    dawid_skene = "dawid_skene"
    mace = "mace"


def agreement(
    guideline: Annotated[
        str | None,
        typer.Argument(
            help="Of its panels: `sentiment` (its latest version) or `sentiment@1.0.0`."
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="Instead: JSON lines with `task`, `worker` and `label`, and `gold` where the "
            "right label is known."
        ),
    ] = None,
    scale: Annotated[
        Scale, typer.Option(help="Of the file's labels, for Krippendorff's alpha.")
    ] = Scale.nominal,
    how: Annotated[
        How | None,
        typer.Option("--consensus", help="Also find one label for each task of the file."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write those labels there, as JSON lines.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say how far people agree who answered the same: Cohen, Fleiss, Krippendorff, span F1.

    With --file and --consensus, find what they say together: `majority` weighs all alike,
    `dawid_skene` learns what each confuses, `mace` who answers without looking.
    """
    if (guideline is None) == (file is None):
        raise InvalidInput("Name a guideline, or a file with --file; one of the two.", field="file")
    if out is not None and how is None:
        raise InvalidInput("--out takes the labels of --consensus; name a method.", field="out")
    if file is None:
        if how is not None:
            raise InvalidInput("--consensus is for a --file.", field="consensus")
        application = build(Settings())
        found = agreement_of(application.store, application.guidelines.get(guideline or ""))
        _say(found.model_dump(mode="json"), as_json=json)
        if not json and found.pairs:
            console.print(_pairs(found))
        return
    _of_file(file, scale, how, out, as_json=json)


def _of_file(file: Path, scale: Scale, how: How | None, out: Path | None, *, as_json: bool) -> None:
    read = read_crowd(file)
    told: dict[str, object] = crowd_agreement(read.said, scale.value).model_dump()
    found = None if how is None else consensus(read.said, how.value)
    if found is not None:
        told |= _summary(found, read)
        if out is not None:
            _write(out, found.agreed)
    _say(told, as_json=as_json)
    if found is not None and not as_json:
        console.print(_workers(found))


def _summary(found: Consensus, read: CrowdFile) -> dict[str, object]:
    return {
        "consensus": found.method,
        "tied": sum(bool(each.tied) for each in found.agreed),
        "right": share_right(found.agreed, read.gold),
    }


def _write(out: Path, agreed: tuple[Agreed, ...]) -> None:
    try:
        with out.open("w", encoding="utf-8") as stream:
            stream.writelines(_lines(agreed))
    except OSError as error:
        raise InvalidInput(
            f"{out} cannot be written ({error.strerror}); name another file.", field="out"
        ) from error


def _lines(agreed: tuple[Agreed, ...]) -> Iterator[str]:
    for each in agreed:
        line: dict[str, object] = {
            "task": each.task,
            "label": each.label,
            "probability": round(each.probability, 6),
            "answers": each.answers,
        }
        if each.tied:
            line["tied"] = each.tied
        yield json_format.dumps(line, ensure_ascii=False) + "\n"


def _say(found: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json_format.dumps(found, ensure_ascii=False))
        return
    reasons = found.get("reasons")
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    for name, value in found.items():
        if name in ("pairs", "reasons"):
            continue
        why = reasons.get(name) if isinstance(reasons, Mapping) else None
        if value is None and why is None:
            continue
        words = f"– ({why})" if value is None else str(value)
        table.add_row(name.replace("_", " "), f"{value:.4f}" if isinstance(value, float) else words)
    console.print(table)


def _pairs(found: Agreement) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    for head in ("reviewers", "documents", "same answer", "Cohen"):
        table.add_column(head, justify="left" if head == "reviewers" else "right")
    for each in found.pairs[:SHOWN]:
        table.add_row(
            " and ".join(each.reviewers),
            str(each.n),
            f"{each.agreement:.1%}",
            "–" if each.cohen is None else f"{each.cohen:.3f}",
        )
    return table


def _workers(found: Consensus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    table.add_column("agrees least with the others")
    table.add_column("share right", justify="right")
    for name in sorted(found.workers, key=lambda name: (found.workers[name], name))[:SHOWN]:
        table.add_row(name, f"{found.workers[name]:.1%}")
    return table
