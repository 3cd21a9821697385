"""`llmlabel gold needed`: how much gold a promise takes, before any is labeled."""

from __future__ import annotations

from math import ceil
from typing import Annotated, Final, Literal

import typer
from rich.table import Table

from llmlabel.cli.console import console
from llmlabel.confidence.planning import Needed, needed_for
from llmlabel.domain.gold import CERTIFY_SHARE
from llmlabel.domain.promise import Promise

USUAL: Final = tuple(
    f"delivered:{error}:{probability}" for error in (0.02, 0.05, 0.1) for probability in (0.9, 0.95)
)
SIZES: Final = (100, 300, 1000)

ACCEPTED_SHARE: Final = 0.5
"""Of the answers, where it is told how much gold a promise on accepted ones takes."""


def needed(
    promise: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND:ERROR:PROBABILITY",
            help="Give it again for more. [default: 2, 5 and 10% wrong at 90 and 95%]",
        ),
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option(
            "--size",
            "-n",
            min=1,
            help="Tell how many of so many may be wrong; again for more. [default: 100 300 1000]",
        ),
    ] = None,
    attempt: Annotated[
        int, typer.Option(min=1, help="Which attempt on the same gold; later ones must be surer.")
    ] = 1,
    format: Annotated[
        Literal["table", "markdown"], typer.Option(help="`markdown` for documents.")
    ] = "table",
) -> None:
    """Tell how much gold a promise takes, before any is labeled.

    `flawless`: so many answers prove it if none is wrong. For `delivered` they are counted among
    all gold that certifies, for `accepted` among that whose answer reaches the threshold.
    """
    sizes = tuple(dict.fromkeys(size or SIZES))
    promises = [Promise.parse(text) for text in promise or USUAL]
    heads = ["error", "probability", "flawless", "delivered", "accepted"]
    heads += [f"of {n:,}" for n in sizes]
    rows = [_row(needed_for(each, sizes, attempt=attempt)) for each in promises]
    if format == "markdown":
        for line in (heads, ["---:"] * len(heads), *rows):
            typer.echo(f"| {' | '.join(line)} |")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table, highlight=False)
    console.print(
        f"flawless: answers that prove it if none is wrong. delivered: gold to import for so "
        f"many, since {CERTIFY_SHARE:.0%} of it certifies. accepted: the same where "
        f"{ACCEPTED_SHARE:.0%} of the answers reach the threshold. of N: how many of N such "
        "answers may be wrong (–: even a flawless record proves it not).",
        highlight=False,
        soft_wrap=True,
    )


def _row(found: Needed) -> list[str]:
    in_all = found.flawless / CERTIFY_SHARE
    return [
        f"{100 * found.promise.error:.3g}%",
        f"{100 * found.promise.probability:.4g}%",
        str(found.flawless),
        str(ceil(in_all)),
        str(ceil(in_all / ACCEPTED_SHARE)),
        *("–" if most is None else str(most) for most in found.allowed.values()),
    ]
