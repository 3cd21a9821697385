"""`llmlabel reviews`: what waits for people, what they said, what they look at again."""

from __future__ import annotations

import asyncio
import json as as_json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import Application, build
from llmlabel.cli import flags, reviewers
from llmlabel.cli.console import console
from llmlabel.cli.table import answer_words
from llmlabel.cli.words import counted, duration, say, share
from llmlabel.domain.people import ReviewerScore
from llmlabel.domain.review import QueueState
from llmlabel.learning.relabel import MOST, Relabeled, Wanted
from llmlabel.settings import Settings

app = typer.Typer(
    add_completion=False, help="What waits for people, and what they said.", no_args_is_help=True
)
app.add_typer(flags.app, name="flags")
app.add_typer(reviewers.app, name="reviewers")

Chosen = Annotated[
    str | None,
    typer.Option("--guideline", "-g", help="Only of this one: a name or `name@version`."),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@app.command()
def queues(
    reviewer: Annotated[str | None, typer.Option(help="Only what this reviewer may take.")] = None,
    json: Json = False,
) -> None:
    """How much waits, by guideline, kind and language, and how long it takes one reviewer."""
    found = build(Settings()).reviews.queues(reviewer)
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in found) + "]")
    elif not found:
        say("Nothing waits for review." if reviewer is None else f"Nothing waits for {reviewer}.")
    else:
        console.print(_queues(found))


@app.command()
def relabel(
    guideline: Annotated[
        str, typer.Argument(help="`sentiment` (its latest version) or `sentiment@1.0.0`.")
    ],
    label: Annotated[
        str | None, typer.Option(help="The answer, or the label of a span or token of it.")
    ] = None,
    confidence_below: Annotated[
        float | None, typer.Option(help="Less sure than this, from 0 to 1.")
    ] = None,
    confidence_above: Annotated[
        float | None, typer.Option(help="As sure as this, or surer.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="Labeled or decided from then on, in UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Labeled or decided before then, in UTC.")
    ] = None,
    verified: Annotated[
        bool | None,
        typer.Option("--verified/--unverified", help="Decided by a person, or by nobody."),
    ] = None,
    suspected_errors: Annotated[
        bool,
        typer.Option(
            "--suspected-errors",
            help="Only verified labels that all the others make improbable, worst first.",
        ),
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 1000,
    reason: Annotated[
        str | None, typer.Option(help="Why, as a sentence that reviewers read.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
    json: Json = False,
) -> None:
    """Have people look again at labels for which everything said here is true.

    The labels stand until somebody decides otherwise; what was said before stays in the history.
    """
    wanted = Wanted(
        label=label,
        confidence_below=confidence_below,
        confidence_above=confidence_above,
        since=since,
        until=until,
        verified=verified,
        suspected_errors=suspected_errors,
        limit=limit,
    )
    application = build(Settings())
    ref = application.guidelines.get(guideline).ref
    done = asyncio.run(_relabeled(application, ref, wanted, reason, dry_run=dry_run))
    if json:
        typer.echo(done.model_dump_json())
        return
    found = f"{counted(done.selected, 'label')} of {ref}"
    if not done.selected:
        say(f"No label of {ref} is as wanted, or all of them wait for a person already.")
    elif dry_run:
        say(f"{found} would be looked at again; nothing was queued.")
    else:
        say(f"{found} chosen, {done.queued} of them queued; the labels stand until then.")


@app.command()
def scores(guideline: Chosen = None, json: Json = False) -> None:
    """How much every reviewer decided, how fast, and how often wrongly on hidden gold."""
    application = build(Settings())
    if guideline is not None:
        application.guidelines.get(guideline)
    found = application.store.people.scores(guideline)
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in found) + "]")
    elif not found:
        say("Nobody has decided anything yet. Reviewers work at /review of: llmlabel serve")
    else:
        console.print(_scores(found))
        if not any(each.benchmarks for each in found):
            say(
                "No hidden gold was decided, so nothing is known of errors; `policy.benchmarks` "
                "of a guideline says how often reviewers get one, and `llmlabel gold import` "
                "brings the gold."
            )


@app.command()
def history(
    id: Annotated[str, typer.Argument(help="Of a review: `r-…`.")], json: Json = False
) -> None:
    """Every verdict on an item, oldest first; those taken back are marked."""
    reviews = build(Settings()).reviews
    item = reviews.get(id)
    found = reviews.history(id)
    if json:
        typer.echo(as_json.dumps([each.model_dump(mode="json") for each in found]))
        return
    if not found:
        say(f"{id} of {item.guideline}: nobody has decided it yet.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in ("when", "reviewer", "verdict", "answer", "comment"):
        table.add_column(head, overflow="fold")
    for each in found:
        table.add_row(
            f"{each.created_at:%Y-%m-%d %H:%M:%S}",
            Text(each.reviewer),
            each.kind + (" (taken back)" if each.undone else ""),
            "–" if each.answer is None else answer_words(each.answer, item.document.text),
            Text(each.comment or ""),
        )
    console.print(table)


async def _relabeled(
    application: Application, ref: str, wanted: Wanted, reason: str | None, *, dry_run: bool
) -> Relabeled:
    try:
        return await application.relabel(ref, wanted, reason=reason, dry_run=dry_run)
    finally:
        await application.close()


def _queues(found: Sequence[QueueState]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for head in ("guideline", "kind", "language"):
        table.add_column(head)
    for head in ("open", "leased", "oldest", "median", "to clear"):
        table.add_column(head, justify="right")
    for each in found:
        table.add_row(
            each.guideline,
            each.kind,
            each.language or "–",
            f"{each.open:,}",
            f"{each.leased:,}",
            f"{each.oldest_at:%Y-%m-%d}",
            duration(each.median_seconds),
            duration(each.seconds_to_clear),
        )
    return table


def _scores(found: Sequence[ReviewerScore]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("reviewer", overflow="fold")
    for head in ("decided", "median", "per hour", "hidden gold", "wrong", "error", "at most"):
        table.add_column(head, justify="right")
    for each in found:
        table.add_row(
            Text(each.reviewer),
            f"{each.decided:,}",
            duration(each.median_seconds),
            "–" if each.items_per_hour is None else f"{each.items_per_hour:,.0f}",
            f"{each.benchmarks:,}",
            f"{each.wrong:.3g}",
            share(each.error),
            share(each.error_high if each.benchmarks else None),
        )
    return table
