"""`llmlabel train`: learn from verified labels, list what was learned, go back."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from llmlabel.bootstrap import Application, build
from llmlabel.cli.console import console
from llmlabel.cli.progress import Bar
from llmlabel.cli.training_table import print_training
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.promise import Certificate
from llmlabel.learning.rollback import NONE, roll_back
from llmlabel.learning.training_report import TrainingReport
from llmlabel.settings import Settings
from llmlabel.store import Store, TrainingRow

RUN = "run"


class _RunFirst(TyperGroup):
    """A group whose first word, where it is no command of it, is what `run` is given."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before a guideline or an option of its."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [RUN, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(
    add_completion=False,
    cls=_RunFirst,
    help="Learn from verified labels: `llmlabel train GUIDELINE`. A guideline named like one of "
    "the commands below is trained with `llmlabel train run GUIDELINE`.",
    no_args_is_help=True,
)

Ref = Annotated[str, typer.Argument(help="`sentiment` (its latest version) or `sentiment@1.0.0`.")]


@app.command(RUN)
def run(
    guideline: Ref,
    student: Annotated[
        bool,
        typer.Option(
            "--student/--no-student",
            help="Let a small local model (for spans and tokens: a head on spaCy) join where it "
            "helps; without it only confidences are calibrated.",
        ),
    ] = True,
    examples: Annotated[
        bool,
        typer.Option(
            "--examples/--no-examples",
            help="Keep verified labels to show to the language model, where the guideline's "
            "policy asks for them (verified_examples).",
        ),
    ] = True,
) -> None:
    """Learn from the verified labels of a guideline and put it to use. The default command."""
    application = build(Settings())
    task = application.guidelines.get(guideline)
    before = application.store.certificates.active(task.ref)
    with Bar(f"labeling what was verified under {task.ref}", None) as bar:
        report, after = asyncio.run(
            _train(application, task.ref, _Steps(bar), student=student, examples=examples)
        )
    print_training(report, console)
    if after is None:
        _say_void(task.ref, before)
    elif before is not None and _in_use(application, task) != report.id:
        _say_kept(task, report, before, after)
        return
    elif after.threshold is not None:
        _say(f"Certified anew: {after.id} accepts from {after.threshold:.3f} on.")
    else:
        _say(f"[yellow]Not certified[/], so everything goes to review: {escape(after.reason)}")
    _say(f"Undo with: llmlabel train rollback {task.ref}")


@app.command("list")
def list_(
    guideline: Annotated[str | None, typer.Argument(help="Only of this one.")] = None,
) -> None:
    """Trainings, newest first, and which is in use."""
    application = build(Settings())
    ref = application.guidelines.get(guideline).ref if guideline else None
    rows = application.store.trainings.list(ref)
    if not rows:
        of = f" of {ref}" if ref else ""
        console.print(f"No training{of} yet; begin with: llmlabel train {ref or 'GUIDELINE'}")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    whole = {"id": 14, "labels": 6, "state": 7}  # never cut, however narrow the terminal is
    for name in ("id", "guideline", "began (UTC)", "labels", "joined", "accuracy", "state"):
        table.add_column(
            name,
            justify="right" if name == "labels" else "left",
            min_width=whole.get(name),
            no_wrap=name in whole,
            overflow="fold",
        )
    for row in rows:
        report = TrainingReport.model_validate(row.report) if row.status == "done" else None
        table.add_row(
            row.id[:14],
            row.guideline,
            f"{row.created_at:%Y-%m-%d %H:%M}",
            str(report.n) if report else "–",
            report.joined or "–" if report else "–",
            f"{report.after.accuracy:.3f}" if report and report.after else "–",
            "[green]in use[/]" if row.active else row.status,
        )
    console.print(table, highlight=False)


@app.command()
def show(
    id: Annotated[str, typer.Argument(help="`t-…`, or the beginning of it.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """What one training learned, and why."""
    store = build(Settings()).store
    known = [row.id for row in store.trainings.list() if row.id.startswith(id)]
    row = store.trainings.get(known[0] if len(known) == 1 else id)
    if json:
        typer.echo(row.model_dump_json(indent=2))
    elif row.status == "done":
        print_training(TrainingReport.model_validate(row.report), console)
        _say("It is in use." if row.active else f"It is not in use{_why_not(store, row)}.")
    else:
        why = f": {row.error}" if row.error else ""
        console.print(f"{row.id} of {row.guideline} is {row.status}{why}", markup=False)


@app.command()
def rollback(
    guideline: Ref,
    to: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID|none]",
            help="The training to use; `none` uses the guideline's labelers as they are. By "
            "default the one before the one in use.",
        ),
    ] = None,
) -> None:
    """Use an earlier training again, or none."""
    application = build(Settings())
    task = application.guidelines.get(guideline)
    before = application.store.certificates.active(task.ref)
    used = application.store.trainings.active(task.ref, task.sha256)
    now = roll_back(application.store, task, to)
    _say_rolled_back(task, used.id if used else NONE, now.id if now else NONE)
    if (used.id if used else None) != (now.id if now else None):
        _say_void(task.ref, before)


async def _train(
    application: Application, ref: str, steps: _Steps, *, student: bool, examples: bool
) -> tuple[TrainingReport, Certificate | None]:
    """The report, and the outcome of certifying what was learned, where that was tried."""
    try:
        report = await application.train(
            ref, progress=steps, by="the command line", student=student, examples=examples
        )
        tried = application.store.certificates.list(ref)[:1]
        return report, next((c for c in tried if c.pipeline.get("training") == report.id), None)
    finally:
        await application.close()


class _Steps:
    """Moves a bar to how far a training is."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar

    def __call__(self, done: int, total: int) -> None:
        self._bar.expect(total)
        self._bar.advance(done - self._bar.done)


def _say_void(ref: str, before: Certificate | None) -> None:
    if before is None:
        return
    _say(
        f"[yellow]The certificate {before.id} was of the answers before and holds no longer[/]; "
        f"everything goes to review until the promise is proved anew: llmlabel certify {ref}"
    )


def _why_not(store: Store, row: TrainingRow) -> str:
    """What the last certificate tried for a training that is not in use says of it."""
    tried = store.certificates.list(row.guideline)
    last = next((each for each in tried if each.pipeline.get("training") == row.id), None)
    if last is None or last.status not in ("declined", "infeasible"):
        return ""
    return f": its certificate {last.id} is {last.status}: {escape(last.reason)}"


def _in_use(application: Application, task: Guideline) -> str:
    used = application.store.trainings.active(task.ref, task.sha256)
    return used.id if used else NONE


def _say_kept(
    task: Guideline, report: TrainingReport, kept: Certificate, tried: Certificate
) -> None:
    """What was learned is not in use, for what is in force has the better certificate."""
    _say(f"[yellow]Not put to use[/]: {escape(tried.reason)}.")
    _say(f"{kept.id} and what it is of stay in force.")
    _say(
        f"To use what was learned all the same: llmlabel train rollback {task.ref} {report.id}, "
        f"then llmlabel certify {task.ref}"
    )


def _say_rolled_back(task: Guideline, used: str, now: str) -> None:
    if used == now:
        _say(f"{task.ref} uses {now} already; nothing changes.")
    elif now == NONE:
        _say(f"{task.ref} uses its labelers as they are; {used} is kept and can be used again.")
    else:
        _say(f"{task.ref} uses {now} from now on, in place of {used}.")


def _say(text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)
