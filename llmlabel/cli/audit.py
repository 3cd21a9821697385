"""`llmlabel audit`: look for mistakes among what people verified."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import Application, build
from llmlabel.cli.console import console, errors
from llmlabel.cli.table import answer_words
from llmlabel.domain.answer import Answer, SpansAnswer, TokensAnswer
from llmlabel.learning.label_errors import Suspect, queue_again
from llmlabel.settings import Settings

app = typer.Typer(
    add_completion=False, help="Mistakes among verified labels.", no_args_is_help=True
)


@app.callback()
def _audit() -> None:
    pass


@app.command()
def labels(
    guideline: Annotated[
        str, typer.Argument(help="`sentiment` (its latest version) or `sentiment@1.0.0`.")
    ],
    limit: Annotated[int, typer.Option(min=1, help="List at most so many.")] = 50,
    queue: Annotated[
        bool,
        typer.Option("--queue", help="Have people look again at those listed as likely wrong."),
    ] = False,
    format: Annotated[
        Literal["table", "jsonl"], typer.Option(help="`jsonl` for programs.")
    ] = "table",
) -> None:
    """List the verified labels most likely wrong, worst first, by a model of all the others."""
    application = build(Settings())
    ref = application.guidelines.get(guideline).ref
    found, again = asyncio.run(_look(application, ref, limit, queue=queue))
    if format == "jsonl":
        for suspect in found:
            typer.echo(suspect.model_dump_json())
    else:
        _print(found, ref)
    if again is not None:
        errors.print(again, highlight=False, soft_wrap=True)


async def _look(
    application: Application, ref: str, limit: int, *, queue: bool
) -> tuple[Sequence[Suspect], str | None]:
    try:
        found = (await application.label_errors(ref))[:limit]
        return found, queue_again(application.store, found) if queue else None
    finally:
        await application.close()


def _beside(answer: Answer, other: Answer) -> Answer:
    """The answer; of spans and tokens only those that the other does not have."""
    match answer, other:
        case SpansAnswer(), SpansAnswer():
            return SpansAnswer(spans=tuple(s for s in answer.spans if s not in other.spans))
        case TokensAnswer(), TokensAnswer():
            return TokensAnswer(tokens=tuple(t for t in answer.tokens if t not in other.tokens))
    return answer


def advice(found: Sequence[Suspect], ref: str) -> str:
    """What can be done about those that are likely wrong; imported gold waits for no reviewer."""
    reviewed = {suspect.label_id is not None for suspect in found if suspect.likely}
    queue = f"`llmlabel audit labels {ref} --queue` has people look at them again"
    mend = "correct the file of imported gold and import it again with `--replace`"
    match (True in reviewed, False in reviewed):
        case (True, False):
            return f"; {queue}."
        case (True, True):
            return f"; {queue}, except imported gold: {mend}."
        case (False, True):
            return f"; {mend}."
    return "."


def _print(found: Sequence[Suspect], ref: str) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("agreement", width=9, justify="right")
    table.add_column("verified", ratio=2, overflow="fold")
    table.add_column("suggested", ratio=2, overflow="fold")
    table.add_column("text", ratio=5, overflow="fold")
    table.add_column("by", ratio=1, overflow="fold", style="dim")
    for suspect in found:
        table.add_row(
            Text(f"{suspect.quality:.3f}", style="red" if suspect.likely else "dim"),
            answer_words(_beside(suspect.verified, suspect.suggested), suspect.text),
            answer_words(_beside(suspect.suggested, suspect.verified), suspect.text),
            Text(" ".join(suspect.text.split())),
            suspect.reviewer or "gold",
        )
    console.print(table)
    likely = sum(suspect.likely for suspect in found)
    console.print(
        f"{likely} of the {len(found)} listed are likely wrong (red){advice(found, ref)}",
        highlight=False,
        soft_wrap=True,
    )
