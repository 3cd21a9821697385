"""`llmlabel quality`: what audits, days and gates say of the labels now."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.confidence.selection import percent
from llmlabel.learning.quality import Quality, quality_of
from llmlabel.settings import Settings

_STATES = {
    "certified": ("certified", "green"),
    "closed": ("gate closed", "bold red"),
    "unproved": ("promised, not proved: everything goes to review", "yellow"),
    "threshold": ("a bare threshold, nothing is promised", "dim"),
}


def quality(
    guideline: Annotated[
        str | None, typer.Argument(help="Only of this one: a name or `name@version`.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show the gate, the certificate, the audits and the drift of guidelines in use."""
    application = build(Settings())
    named = guideline is not None
    tasks = [application.guidelines.get(guideline)] if guideline else application.guidelines.list()
    found = [
        quality_of(application.store, application.watch, each, application.promise_for(each))
        for each in tasks
    ]
    shown = [each for each in found if named or _is_used(each)]
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in shown) + "]")
        return
    if not shown:
        console.print(
            "Nothing was labeled, promised or certified here yet. Begin with: llmlabel serve, "
            "or llmlabel gold import FILE -g GUIDELINE",
            soft_wrap=True,
        )
    for each in shown:
        _print(each)


def _is_used(found: Quality) -> bool:
    counts = found.counts
    return bool(counts.accepted or counts.review or found.last or found.promise)


def _print(found: Quality) -> None:
    words, style = _STATES[found.state]
    console.print(Text.assemble((found.guideline, "bold"), ": ", (words, style)), soft_wrap=True)
    if found.gate.reason:
        console.print(Text(f"  {found.gate.reason}", style="red"), soft_wrap=True)
    table = Table(show_header=False, box=None, padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    for name, value in _rows(found):
        table.add_row(name, value)
    console.print(table)
    if found.drift:
        console.print(_days(found))


def _rows(found: Quality) -> list[tuple[str, str]]:
    counts, audits = found.counts, found.audits
    rows = [("promise", found.promise.sentence if found.promise else "none")]
    if found.certificate is not None:
        each = found.certificate
        rows.append(("certificate", f"{each.id}, accepts from {each.threshold:.4g} on, n {each.n}"))
    elif found.last is not None:
        said = "" if found.last.reason == found.gate.reason else f": {found.last.reason}"
        rows.append(("last certificate", f"{found.last.id}, {found.last.status}{said}"))
    rows += [
        (
            "labels",
            f"{counts.accepted} accepted, {counts.review} to review, {counts.waiting} wait, "
            f"{counts.decisions} decided by people",
        ),
        ("audits", f"{audits.done} done, {audits.pending} wait, rate {found.audit_rate:.3g}"),
    ]
    if audits.estimate is None:
        rows.append(("wrong now", "not known before the first audit is decided"))
    else:
        rows.append(
            (
                "wrong now",
                f"{percent(audits.estimate)}, between {percent(audits.low)} and "
                f"{percent(audits.high)}",
            )
        )
    return rows


def _days(found: Quality) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2))
    for head in ("day", "documents", "confidences moved", "labels moved", "novel", "drift"):
        table.add_column(head, justify="left" if head in ("day", "drift") else "right")
    for day in found.drift:
        numbers = (day.confidence_index, day.label_index)
        table.add_row(
            day.day.isoformat(),
            str(day.documents),
            *("–" if value is None else f"{value:.2f}" for value in numbers),
            "–" if day.novel_share is None else f"{day.novel_share:.0%}",
            Text(", ".join(day.signs) or "no", style="yellow" if day.drifted else "dim"),
        )
    return table
