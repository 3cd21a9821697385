"""`llmlabel reviews reviewers`: who reviews, and what they may review."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.cli.words import counted, duration, say, share
from llmlabel.domain.people import Reviewer
from llmlabel.errors import InvalidInput, NotFound
from llmlabel.review.people import clear as clear_reviewer
from llmlabel.settings import Settings

app = typer.Typer(help="Who reviews, and what they may review.", no_args_is_help=True)


@app.command("list")
def list_(
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Everybody who was given a clearance or decided anything, by name."""
    found = build(Settings()).store.people.list()
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in found) + "]")
        return
    if not found:
        say(
            "Nobody reviews here yet. Whoever begins may review everything; to say otherwise: "
            "llmlabel reviews reviewers clear NAME -g GUIDELINE"
        )
        return
    table = Table("reviewer", "may review", "adjudicates", "note", box=None, pad_edge=False)
    for each in found:
        row = (Text(each.name), _guidelines(each), _yes(each.adjudicates), Text(each.note))
        table.add_row(*row)
    console.print(table)


@app.command()
def show(name: Annotated[str, typer.Argument(help="The reviewer.")]) -> None:
    """What a reviewer may review, and how they do."""
    people = build(Settings()).store.people
    known = {each.name: each for each in people.list()}
    if name not in known:
        raise NotFound(
            f"Nobody named `{name[:80]}` reviews here; `llmlabel reviews reviewers list` names "
            "everybody.",
            field="name",
        )
    reviewer = known[name]
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("reviewer", Text(name))
    table.add_row("may review", _guidelines(reviewer))
    table.add_row("adjudicates", _yes(reviewer.adjudicates))
    if reviewer.note:
        table.add_row("note", Text(reviewer.note))
    for each in people.scores():
        if each.reviewer == name:
            table.add_row("decided", counted(each.decided, "item"))
            table.add_row("median time", duration(each.median_seconds))
            told = f"{each.wrong:.3g} of {each.benchmarks} wrong, which is {share(each.error)}"
            at_most = f"at most {share(each.error_high)} with probability 95%"
            unknown = "none decided, so nothing is known of errors"
            table.add_row("hidden gold", f"{told}, {at_most}" if each.benchmarks else unknown)
    console.print(table)


@app.command()
def clear(
    name: Annotated[str, typer.Argument(help="The reviewer; may be new.")],
    guideline: Annotated[
        list[str] | None,
        typer.Option("--guideline", "-g", help="A name they may review; give it repeatedly."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="They may review every guideline.")
    ] = False,
    nothing: Annotated[
        bool, typer.Option("--nothing", help="They may review none any more.")
    ] = False,
    adjudicates: Annotated[
        bool | None,
        typer.Option("--adjudicates/--no-adjudicates", help="May decide where a panel disagrees."),
    ] = None,
    note: Annotated[str | None, typer.Option(help="For people.")] = None,
) -> None:
    """Say what a reviewer may review from now on; what is not said stays as it is."""
    if sum((bool(guideline), everything, nothing)) > 1:
        raise InvalidInput(
            "Give guidelines with -g, or --everything, or --nothing, and only one of the three.",
            field="guideline",
        )
    application = build(Settings())
    before = application.store.people.get(name.strip())
    chosen: list[str] | None = None if before.guidelines is None else list(before.guidelines)
    if guideline or everything or nothing:
        chosen = None if everything else list(guideline or [])
    reviewer = clear_reviewer(
        application.store,
        name,
        [each.name for each in application.guidelines.list()],
        guidelines=chosen,
        adjudicates=before.adjudicates if adjudicates is None else adjudicates,
        note=before.note if note is None else note,
    )
    also = "and adjudicates" if reviewer.adjudicates else "and does not adjudicate"
    say(f"{reviewer.name} may review {_guidelines(reviewer)}, {also}.")


def _guidelines(reviewer: Reviewer) -> str:
    if reviewer.guidelines is None:
        return "every guideline"
    return ", ".join(reviewer.guidelines) or "nothing"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
