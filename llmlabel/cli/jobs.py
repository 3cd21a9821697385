"""`llmlabel jobs`: what waits and what failed, seen, retried, called off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import build
from llmlabel.cli.console import console
from llmlabel.cli.words import counted, say
from llmlabel.errors import InvalidInput
from llmlabel.jobs.desk import Desk
from llmlabel.settings import Settings
from llmlabel.store.asked_work import Job, QueueName

app = typer.Typer(
    add_completion=False,
    help="What waits and what failed: see why, retry, call off.",
    no_args_is_help=True,
)

AT_ONCE = 10_000

Id = Annotated[str, typer.Argument(help="Of the job, as `list` shows it.")]
Queue = Annotated[QueueName | None, typer.Option(help="Only of this one.")]
Guideline = Annotated[
    str | None, typer.Option("--guideline", "-g", help="Only of this one: a name or name@version.")
]
Code = Annotated[str | None, typer.Option(help="Only those that failed for this reason.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@app.command("list")
def list_(
    status: Annotated[
        Literal["failed", "queued"], typer.Option(help="What failed, or what waits.")
    ] = "failed",
    queue: Queue = None,
    guideline: Guideline = None,
    code: Code = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help="Go on after the list that named it.")] = None,
    json: Json = False,
) -> None:
    """What failed, with the reason of each; or what waits or is under way."""
    desk = build(Settings(queues=())).jobs.desk
    found, more = desk.page(
        status=status, queue=queue, guideline=guideline, code=code, limit=limit, cursor=cursor
    )
    if json:
        for each in found:
            typer.echo(each.model_dump_json())
        return
    if not found:
        say("Nothing failed." if status == "failed" else "Nothing waits.")
        return
    table = Table("id", "since", "attempts", "error", box=None, pad_edge=False)
    table.columns[0].overflow = table.columns[3].overflow = "fold"
    for each in found:
        error = f"{each.error.code}: {each.error.detail}" if each.error else ""
        when = f"{each.updated_at:%Y-%m-%d %H:%M}"
        table.add_row(Text(each.id), when, str(each.attempts), Text(error))
    console.print(table)
    if more is not None:
        say(f"There are more: --cursor {more}")


@app.command()
def show(id: Id, json: Json = False) -> None:
    """One job as it stands, with its error if it failed."""
    _print(build(Settings(queues=())).jobs.desk.get(id), json)


@app.command()
def retry(
    ids: Annotated[list[str] | None, typer.Argument(help="Of jobs that failed.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="All that failed, or those named by the options.")
    ] = False,
    queue: Queue = None,
    guideline: Guideline = None,
    code: Code = None,
) -> None:
    """Ask anew for what failed: for jobs by their ids, or with --failed for many.

    A service or worker does them; with neither running they wait.
    """
    if bool(ids) == failed:
        raise InvalidInput("Name jobs, or give --failed; not both.", field="ids")
    if ids and (queue or guideline or code):
        raise InvalidInput("--queue, --guideline and --code go with --failed.", field="ids")
    if queue == "learning":
        raise InvalidInput(
            "Trainings and certifications are retried one by one, by their ids.", field="queue"
        )
    with _enqueuing() as desk:
        for id in ids or ():
            say(f"{desk.retry(id).id} waits again.")
        if failed:
            retried = some = desk.retry_failed(
                queue=queue, guideline=guideline, code=code, limit=AT_ONCE
            )
            while some >= AT_ONCE:
                some = desk.retry_failed(queue=queue, guideline=guideline, code=code, limit=AT_ONCE)
                retried += some
            say(f"{counted(retried, 'job')} asked for anew.")


@app.command()
def cancel(ids: Annotated[list[str], typer.Argument(help="Of jobs that wait.")]) -> None:
    """Call off jobs that wait or are under way; they fail as `cancelled` and can be retried."""
    desk = build(Settings(queues=())).jobs.desk
    for id in ids:
        say(f"{desk.cancel(id).id} is called off.")


@contextmanager
def _enqueuing() -> Iterator[Desk]:
    """The desk of a process that accepts work and does none."""
    application = build(Settings(queues=()))
    application.runner.start()
    try:
        yield application.jobs.desk
    finally:
        application.runner.stop()


def _print(job: Job, json: bool) -> None:
    if json:
        typer.echo(job.model_dump_json())
        return
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in job.model_dump(exclude={"error", "created_at", "updated_at"}).items():
        if value is not None:
            table.add_row(name.replace("_", " "), Text(str(value)))
    if job.error is not None:
        table.add_row("error", Text(f"{job.error.code}: {job.error.detail}"))
    table.add_row("asked", f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC")
    table.add_row("changed", f"{job.updated_at:%Y-%m-%d %H:%M:%S} UTC")
    console.print(table)
