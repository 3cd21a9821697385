"""`llmlabel batches`: files of many lines, labeled by the running service."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, get_args

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.batches.batching import Batching
from llmlabel.batches.results import ErrorFormat, ResultFormat, write_errors, write_results
from llmlabel.bootstrap import build
from llmlabel.cli.console import console, errors
from llmlabel.cli.progress import Bar
from llmlabel.cli.words import counted, say
from llmlabel.domain.batch import Batch, BatchFormat, BatchStatus, Columns, Progress
from llmlabel.errors import InvalidInput
from llmlabel.settings import Settings

app = typer.Typer(
    add_completion=False,
    help="Files of many lines, labeled by the running service.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(help="Of the batch, as `list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File to write; without it, standard output."),
]

BLOCK = 1 << 20
LOOK_SECONDS = 1.0
_SUFFIXES: dict[str, BatchFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}


@app.command()
def submit(
    file: Annotated[
        Path, typer.Argument(help="JSON lines, CSV or Parquet; `-` reads standard input.")
    ],
    guideline: Annotated[
        list[str],
        typer.Option("--guideline", "-g", help="A name or name@version; give it repeatedly."),
    ],
    format: Annotated[
        str | None, typer.Option(help="jsonl, csv or parquet; by default as its name says.")
    ] = None,
    text: Annotated[str, typer.Option(help="Field or column of the text.")] = "text",
    id: Annotated[str, typer.Option(help="Field or column of the id.")] = "id",
    language: Annotated[str, typer.Option(help="Field or column of the language.")] = "language",
    metadata: Annotated[
        list[str] | None,
        typer.Option(help="Keep this field or column; give it repeatedly. By default all others."),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="Of a CSV file; by default as its header has it.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(min=0, help="US dollars that may be spent on it.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended.")] = False,
    json: Json = False,
) -> None:
    """Have a file labeled: every good line becomes a document, what is wrong with others is told.

    The running service reads it; without one it waits.
    """
    batches = build(Settings()).batches
    batch = batches.create(
        guideline,
        format=_format(file, format),
        columns=Columns(
            text=text, id=id, language=language, metadata=tuple(metadata) if metadata else None
        ),
        delimiter=delimiter,
        budget_usd=budget,
    )
    try:
        with _opened(file) as source, batches.receiving(batch.id, None) as upload:
            while block := source.read(BLOCK):
                upload.write(block)
            batch = batches.received(batch.id, upload)
    except BaseException:
        batches.cancel(batch.id)
        raise
    if wait:
        batch = _wait(batches, batch.id)
    if json:
        _print(batches, batch)
        return
    say(f"{batch.id}: {_state(batch)}.")
    if not batch.ended:
        say(f"To see how far it is: llmlabel batches status {batch.id}")
    elif batch.refused:
        say(f"{counted(batch.refused, 'line')} refused: llmlabel batches errors {batch.id}")


@app.command()
def status(id: Id, json: Json = False) -> None:
    """How far a batch is: lines, labels, money, expected end."""
    batches = build(Settings()).batches
    batch = batches.get(id)
    if json:
        _print(batches, batch)
        return
    progress = batches.progress(id)
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _rows(batch, progress).items():
        table.add_row(name, Text(value))
    console.print(table)


@app.command("list")
def list_(
    status: Annotated[
        str | None, typer.Option(help=f"Only these: {', '.join(get_args(BatchStatus))}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")] = 50,
    json: Json = False,
) -> None:
    """Batches, newest first."""
    if status is not None and status not in get_args(BatchStatus):
        raise InvalidInput(
            f"`{status}` is no status; one of: {', '.join(get_args(BatchStatus))}.", field="status"
        )
    found, more = build(Settings()).batches.page(limit=limit, status=status)  # type: ignore[arg-type]
    if json:
        typer.echo("[" + ",".join(each.model_dump_json() for each in found) + "]")
        return
    if not found:
        say("There are no batches. To send one: llmlabel batches submit FILE -g GUIDELINE")
        return
    table = Table("batch", "state", "guidelines", "sent", box=None, pad_edge=False)
    for each in found:
        sent = f"{each.created_at:%Y-%m-%d %H:%M}"
        table.add_row(each.id, Text(_state(each)), Text(", ".join(each.guidelines)), sent)
    console.print(table)
    if more is not None:
        say(f"… and older ones; --limit shows more than {limit}.")


@app.command()
def results(
    id: Id,
    out: Out = None,
    format: Annotated[str, typer.Option(help="jsonl, csv or parquet.")] = "jsonl",
    after: Annotated[int, typer.Option(min=0, help="Only lines after this one.")] = 0,
    opinions: Annotated[bool, typer.Option(help="In jsonl: with what each labeler said.")] = True,
) -> None:
    """What became of the accepted lines, in their order, while it runs or when it is done."""
    wanted: ResultFormat = _one_of(format, get_args(ResultFormat))  # type: ignore[assignment]
    batches = build(Settings()).batches
    pages = batches.results(id, after=after, opinions=opinions and wanted == "jsonl")
    _write(write_results(pages, wanted), out)


@app.command("errors")
def errors_(
    id: Id,
    out: Out = None,
    format: Annotated[str, typer.Option(help="jsonl or csv.")] = "jsonl",
) -> None:
    """The lines that were refused: which, which field, why, and what to do."""
    wanted: ErrorFormat = _one_of(format, get_args(ErrorFormat))  # type: ignore[assignment]
    _write(write_errors(build(Settings()).batches.errors(id), wanted), out)


@app.command()
def pause(id: Id) -> None:
    """Read no more lines; documents that were accepted are still labeled."""
    say(f"{id}: {_state(build(Settings()).batches.pause(id))}.")


@app.command()
def resume(id: Id) -> None:
    """Go on with a batch that was paused, or stopped for want of money."""
    say(f"{id}: {_state(build(Settings()).batches.resume(id))}.")


@app.command()
def budget(
    id: Id,
    usd: Annotated[
        float | None, typer.Argument(min=0, help="US dollars; without it, no limit of its own.")
    ] = None,
) -> None:
    """Change what may be spent on a batch; one that was stopped goes on by itself."""
    batch = build(Settings()).batches.set_budget(id, usd)
    limit = "no limit" if batch.budget_usd is None else f"${batch.budget_usd:,.2f}"
    say(f"{id}: {limit}.")


@app.command()
def cancel(
    id: Id, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Label nothing more of a batch, for good; labels that are there stay."""
    batches = build(Settings()).batches
    batch = batches.get(id)
    if not yes and not batch.ended:
        typer.confirm(f"Cancel the batch {id} ({_state(batch)})?", abort=True)
    say(f"{id}: {_state(batches.cancel(id))}.")


def _format(file: Path, given: str | None) -> BatchFormat:
    if given is not None:
        return _one_of(given, get_args(BatchFormat))  # type: ignore[return-value]
    suffixes = [suffix for suffix in file.suffixes if suffix not in (".gz", ".zst", ".zstd")]
    found = _SUFFIXES.get(suffixes[-1].lower()) if suffixes else None
    if found is None:
        raise InvalidInput(
            f"The name {file} does not say what it is; give --format jsonl, csv or parquet.",
            field="format",
        )
    return found


def _one_of(given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise InvalidInput(f"`{given}` is none of {', '.join(known)}.", field="format")
    return given


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    with file.open("rb") as source:
        yield source


def _wait(batches: Batching, id: str) -> Batch:
    batch = batches.get(id)
    with Bar("labels", None) as bar:
        while not batch.ended and batch.status not in ("paused", "stopped"):
            time.sleep(LOOK_SECONDS)
            batch = batches.get(id)
            bar.advance(max(0, batches.progress(id).labeled - bar.done))
    return batch


def _write(pieces: Iterator[bytes], out: Path | None) -> None:
    if out is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    with out.open("wb") as file:
        for piece in pieces:
            file.write(piece)
    errors.print(f"Written: {out}", highlight=False, markup=False)


def _print(batches: Batching, batch: Batch) -> None:
    progress = batches.progress(batch.id)
    console.print_json(
        data={"batch": batch.model_dump(mode="json"), "progress": progress.model_dump(mode="json")}
    )


def _state(batch: Batch) -> str:
    if batch.problem and batch.status in ("stopped", "failed"):
        return f"{batch.status}: {batch.problem}"
    if batch.lines:
        return f"{batch.status}, {batch.lines_read:,} of {counted(batch.lines, 'line')} read"
    return batch.status


def _rows(batch: Batch, progress: Progress) -> dict[str, str]:
    ends = progress.expected_end
    budget = "" if batch.budget_usd is None else f" of ${batch.budget_usd:,.2f}"
    rows = {
        "batch": batch.id,
        "state": _state(batch),
        "guidelines": ", ".join(batch.guidelines),
        "accepted": counted(batch.accepted, "line"),
        "refused": counted(batch.refused, "line"),
        "labeled": f"{progress.labeled:,} of {counted(progress.labels, 'label')} asked for so far",
        "waiting": f"{progress.waiting:,}",
        "held": f"{progress.held:,} wait for money" if progress.held else "",
        "failed": f"{progress.failed:,}",
        "cancelled": f"{progress.cancelled:,}" if progress.cancelled else "",
        "in review": f"{progress.in_review:,}",
        "spent": f"${progress.spent_usd:,.4f}{budget}",
        "expected end": f"{ends:%Y-%m-%d %H:%M} UTC" if ends else "",
    }
    return {name: value for name, value in rows.items() if value}
