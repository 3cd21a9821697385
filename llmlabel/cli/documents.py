"""`llmlabel documents`: delete documents with everything derived."""

from __future__ import annotations

from typing import Annotated

import typer

from llmlabel.bootstrap import build
from llmlabel.cli.words import counted, say
from llmlabel.settings import Settings
from llmlabel.store.erasure import Erased

app = typer.Typer(add_completion=False, help="Stored documents.", no_args_is_help=True)


_LEFT = (
    " The database could not be rewritten now (it is in use, or its disk is full), so bytes of it "
    "may be left in its file; the next deletion rewrites it."
)


@app.callback()
def _documents() -> None:
    """A callback keeps `delete` a subcommand although it is the only one."""


@app.command()
def delete(
    ids: Annotated[list[str], typer.Argument(help="Of documents; several are deleted together.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Delete documents with everything made of them, for good.

    Labels, reviews and verdicts, recordings, gold of the same text, kept answers: all goes. What
    was counted of them for audits and certificates stays, without a text.
    """
    application = build(Settings())
    if not yes:
        typer.confirm(f"Delete {counted(len(set(ids)), 'document')} for good?", abort=True)
    done = application.erase(ids)
    typer.echo(done.model_dump_json()) if json else say(told(done))


def told(done: Erased) -> str:
    """What was deleted, as a sentence."""
    counts = {name: n for name, n in done.model_dump().items() if name != "compacted" and n}
    if not counts:
        return "Nothing was deleted."
    words = ", ".join(f"{name} {n:,}" for name, n in counts.items())
    left = bool(done.documents) and not done.compacted
    end = _LEFT if left else ""
    return f"Deleted: {words}.{end}"
