"""`llmlabel certify`: prove on gold what may be accepted without a person."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from llmlabel.bootstrap import Application, build
from llmlabel.cli.console import console
from llmlabel.cli.progress import Bar
from llmlabel.confidence.selection import percent
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.errors import InvalidInput
from llmlabel.learning.certify import LOOKED
from llmlabel.settings import Settings

INFEASIBLE: Final = 3
"""Exit code when the gold proves nothing."""


def certify(
    guideline: Annotated[
        str, typer.Argument(help="`sentiment` (its latest version) or `sentiment@1.0.0`.")
    ],
    promise: Annotated[
        str | None,
        typer.Option(
            help="KIND:ERROR:PROBABILITY, such as delivered:0.05:0.95 (of all labels delivered "
            "at most 5% are wrong, with probability 95%) or accepted:0.1:0.9 (of those no person "
            "saw). [default: the guideline's, then LLMLABEL_PROMISE]"
        ),
    ] = None,
    reviewer_error: Annotated[
        bool | None,
        typer.Option(
            "--reviewer-error/--no-reviewer-error",
            help="Take what mistakes of reviewers may hide, by their answers to hidden gold, off "
            "the promised error. [default: as the last time, at first not]",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    withdraw: Annotated[
        bool,
        typer.Option(
            "--withdraw",
            help="Take the promise back instead, and open a gate closed over it: the guideline's "
            "own threshold decides again.",
        ),
    ] = False,
) -> None:
    """Prove a promise on gold that nothing was learned from, and let it decide what is accepted.

    Every further look at the same gold must be surer; when nothing changed, the result is given
    again and costs nothing.
    Exit code 0 when something is certified, 3 when nothing is: everything then goes to review.
    """
    if withdraw and promise is not None:
        raise InvalidInput("--withdraw and --promise exclude each other; give one.")
    stated = Promise.parse(promise) if promise is not None else None
    application = build(Settings())
    if withdraw:
        task = application.guidelines.get(guideline)
        taken = application.certify.withdraw(guideline)
        _say_withdrawn(task, taken, application.promise_for(task))
        return
    with Bar("answering the gold", None, show=not json) as bar:
        certificate = asyncio.run(_certified(application, guideline, stated, reviewer_error, bar))
    if json:
        typer.echo(certificate.model_dump_json(indent=2, exclude={"sample"}))
    else:
        print_certificate(certificate)
    if certificate.threshold is None:
        raise typer.Exit(INFEASIBLE)


def _say_withdrawn(task: Guideline, promise: Promise | None, still: Promise | None) -> None:
    if promise is None:
        console.print(f"Nothing was promised of {task.ref}; nothing changes.", soft_wrap=True)
        return
    if still is not None:
        console.print(
            f"{promise} is promised of {task.ref} no longer, but {still} is, by the guideline or "
            "LLMLABEL_PROMISE. Everything goes to review until it is proved: llmlabel certify "
            f"{task.ref}",
            highlight=False,
            soft_wrap=True,
        )
        return
    console.print(
        f"{promise} is promised of {task.ref} no longer. Answers from the guideline's own "
        f"threshold {task.policy.threshold:g} on are accepted, and nothing is proved of them.",
        highlight=False,
        soft_wrap=True,
    )


async def _certified(
    application: Application,
    ref: str,
    promise: Promise | None,
    reviewer_error: bool | None,
    bar: Bar,
) -> Certificate:
    def progress(done: int, total: int) -> None:
        bar.expect(total)
        bar.advance(done - bar.done)

    try:
        return await application.certify(ref, promise, progress, reviewer_error=reviewer_error)
    finally:
        await application.close()


def print_certificate(certificate: Certificate) -> None:
    """A certificate for people: the sentence, the numbers, what they rest on."""
    proved = certificate.threshold is not None
    ref = certificate.guideline
    if proved:
        head = Text.assemble(
            ("Certified: ", "bold green"),
            f"under {ref}, {certificate.promise.sentence}. Answers from confidence "
            f"{certificate.threshold:.4g} on are accepted without a person, about "
            f"{certificate.coverage:.0%} of the documents.",
        )
    else:
        head = Text.assemble(("Nothing is certified: ", "bold yellow"), f"{certificate.reason}.")
    console.print(head, soft_wrap=True)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in _rows(certificate):
        table.add_row(name, value)
    console.print(table)
    if proved:
        for each in certificate.assumptions:
            console.print(Text(f"Assumed: {each}", style="dim"), soft_wrap=True)
    else:
        console.print(
            Text(
                "A certificate that was valid before stays so; without one everything goes to "
                f"review. Add gold with: llmlabel gold import FILE -g {ref}"
            ),
            soft_wrap=True,
        )


def _rows(certificate: Certificate) -> list[tuple[str, str]]:
    error = certificate.promise.error
    rows: list[tuple[str, Any]] = [
        ("certificate", f"{certificate.id} ({certificate.status})"),
        ("promise", str(certificate.promise)),
        ("gold", f"{certificate.n} documents, attempt {certificate.attempt} on them"),
    ]
    if certificate.threshold is not None:
        rows.append(("threshold", f"{certificate.threshold:.4g}"))
    if certificate.observed_risk is not None:
        rows.append(("wrong on the gold", percent(certificate.observed_risk, error)))
    if certificate.bound is not None:
        rows.append(("wrong at most", f"{percent(certificate.bound, error)} (proved)"))
    if certificate.reviewer_error is not None:
        off = percent(certificate.reviewer_error, error)
        rows.append(("mistakes of reviewers", f"may hide at most {off}, which is part of that"))
    if certificate.sample.get(LOOKED) is not False:
        rows += _shares(certificate)
    return [*rows, ("more gold would buy", _further(certificate))]


def _shares(certificate: Certificate) -> list[tuple[str, str]]:
    return [
        ("accepted", f"{certificate.coverage:.1%} of the documents"),
        ("to people at least", f"{certificate.floor:.1%}, however much gold there is"),
    ]


def _further(certificate: Certificate) -> str:
    if certificate.further_gold is None:
        return "nothing: only better answers help"
    if certificate.further_gold == 0:
        return "nothing: every threshold tested is proved"
    labels = f"about {certificate.further_gold} labels more"
    if certificate.sample.get(LOOKED) is False:
        return f"a first try, with {labels}"
    what = "the next lower" if certificate.threshold is not None else "the first"
    return f"{what} threshold, with {labels} at the same rate of errors"
