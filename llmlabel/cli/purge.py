"""`llmlabel purge`: delete what is old."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from llmlabel.bootstrap import build
from llmlabel.cli.documents import told
from llmlabel.cli.words import counted, say
from llmlabel.errors import InvalidInput
from llmlabel.learning.erase import Purged
from llmlabel.settings import Settings

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def purge(
    older_than: Annotated[
        str, typer.Option("--older-than", help="Such as 90d, 12w or 48h, since they were sent.")
    ],
    guideline: Annotated[
        str | None,
        typer.Option(
            "--guideline",
            "-g",
            help="Only documents asked under this one (a name or `name@version`) and no other.",
        ),
    ] = None,
    keep_verified: Annotated[
        bool,
        typer.Option("--keep-verified", help="Not what a person decided, nor what is gold."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Delete old documents with everything made of them, for good.

    Answers kept for repeated requests from that time go as well. What waits to be labeled stays.
    """
    age = age_of(older_than)
    erase = build(Settings()).erase

    def run(*, dry: bool) -> Purged:
        return erase.purge(age, guideline=guideline, keep_verified=keep_verified, dry_run=dry)

    if not dry_run and not yes:
        first = run(dry=True)
        say(_found(first))
        n = first.erased.documents
        typer.confirm(f"Delete {counted(n, 'document')} for good?", abort=True)
    done = run(dry=dry_run)
    if json:
        typer.echo(done.model_dump_json())
    elif dry_run:
        say(f"{_found(done)} {counted(done.erased.documents, 'document')} would be deleted.")
    else:
        say(told(done.erased))


def age_of(text: str) -> timedelta:
    """Read `90d`, `12w` or `48h`.

    Raises:
        InvalidInput: It is none of these, or zero.
    """
    match = re.fullmatch(r"(\d{1,5})([hdw])", text.strip())
    if match is None or int(match[1]) == 0:
        raise InvalidInput(
            f"`{text[:20]}` is not an age; write a number above 0 and h, d or w, such as 90d.",
            field="older-than",
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _found(done: Purged) -> str:
    stay = [
        f"{n:,} {why}"
        for n, why in (
            (done.kept, "verified"),
            (done.shared, "asked under other guidelines too"),
            (done.waiting, "not labeled yet"),
        )
        if n
    ]
    words = f"; of these stay {', '.join(stay)}" if stay else ""
    return f"{counted(done.found, 'document')} that old{words}."
