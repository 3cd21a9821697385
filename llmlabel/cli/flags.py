"""`llmlabel reviews flags`: what reviewers remark on guidelines, and the answers."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.cli.words import say
from llmlabel.domain.people import Flag
from llmlabel.review import people
from llmlabel.settings import Settings

app = typer.Typer(help="What reviewers remark on guidelines.", no_args_is_help=True)


@app.command("list")
def list_(
    guideline: Annotated[
        str | None,
        typer.Option("--guideline", "-g", help="Only of this one: a name or `name@version`."),
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Also those that were answered.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Flags that nobody has answered, newest first."""
    application = build(Settings())
    if guideline is not None:
        application.guidelines.get(guideline)
    found = application.store.flags.list(guideline, open=None if all else True)
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in found) + "]")
    elif not found:
        say("No reviewer has flagged anything yet." if all else "No flag waits for an answer.")
    for each in [] if json else found:
        console.print(_table(each))


@app.command()
def resolve(
    id: Annotated[str, typer.Argument(help="`f-…`, as `reviews flags list` names it.")],
    resolution: Annotated[str, typer.Argument(help="What was done, or why nothing is.")],
    by: Annotated[str, typer.Option(help="Your name.")],
) -> None:
    """Answer a flag; it is open no more."""
    flag = people.resolve(build(Settings()).store, id, by=by, resolution=resolution)
    say(f"{flag.id}, which {flag.reviewer} raised over {flag.guideline}, is answered.")


def _table(flag: Flag) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    over = f"{flag.guideline} {flag.clause}" if flag.clause else flag.guideline
    by = f"{over}, by {flag.reviewer}, {flag.created_at:%Y-%m-%d %H:%M}"
    table.add_row(flag.id, Text(by))
    table.add_row("over", Text(f"review {flag.review_id} of document {flag.document_id}"))
    table.add_row("says", Text(flag.comment))
    if flag.resolved_at is not None:
        when = f"{flag.resolved_at:%Y-%m-%d}"
        table.add_row("answer", Text(f"{flag.resolution} ({flag.resolved_by}, {when})"))
    table.add_row("", "")
    return table
