"""`llmlabel simulate`: what a promise would have cost on a gold set, beside other ways to work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmlabel.cli.console import console, errors
from llmlabel.cli.progress import Bar
from llmlabel.cli.simulate_table import print_simulation
from llmlabel.domain.privacy import without_secrets
from llmlabel.domain.promise import Promise
from llmlabel.errors import InvalidInput
from llmlabel.evaluation.cases import CaseFile, load
from llmlabel.evaluation.task import guideline_for
from llmlabel.settings import Settings

if TYPE_CHECKING:
    from llmlabel.bootstrap import Application
    from llmlabel.domain.document import Document
    from llmlabel.domain.guideline import Guideline
    from llmlabel.domain.prediction import Prediction
    from llmlabel.learning.simulate.report import SimulationReport
    from llmlabel.learning.simulate.run import Models

USUAL = Promise(kind="delivered", error=0.05, probability=0.95)
"""What is simulated where nobody promised anything."""

ENCODER = "minilm-l6-int8"


def simulate(
    gold: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help="JSONL of documents with right answers."),
    ],
    guideline: Annotated[
        str | None,
        typer.Option("--guideline", "-g", help="name or name@version."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="JSONL of an earlier stream, all of it verified: it trains and certifies before "
            "the gold arrives.",
        ),
    ] = None,
    promise: Annotated[
        str | None,
        typer.Option(
            metavar="KIND:ERROR:PROBABILITY",
            help="What is promised. [default: the guideline's, or delivered:0.05:0.95]",
        ),
    ] = None,
    labels_from_data: Annotated[
        bool,
        typer.Option(
            "--labels-from-data",
            help="Offer the labels of the data: of all of them a guideline is made on the spot, "
            "or --guideline is restricted to them.",
        ),
    ] = False,
    reviewer_error: Annotated[
        float, typer.Option(help="Share of the reviewer's verdicts that are wrong.")
    ] = 0.0,
    orders: Annotated[int, typer.Option(help="Random orders in which the gold arrives.")] = 20,
    audit: Annotated[
        float | None,
        typer.Option(help="Share of accepted answers that are checked. [default: the policy's]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the orders, the reviewer and the audits.")] = 0,
    limit: Annotated[int | None, typer.Option(help="Take the first so many of the gold.")] = None,
    llm: Annotated[
        str | None, typer.Option(help="Language model in place of LLMLABEL_LLM.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Write report.json and report.html into this folder."),
    ] = None,
    format: Annotated[Literal["table", "json"], typer.Option(help="What is printed.")] = "table",
) -> None:
    """Replay a gold set as if it arrived in order, with people who review what they are sent.

        llmlabel simulate --gold intents.jsonl --labels-from-data --report out

    Every document is labeled once; a second run takes the answers from the home folder.
    """
    _check(limit, audit)
    promised = None if promise is None else _promise(promise)
    data = _load(gold, "gold")
    if limit is not None:
        data = data.model_copy(update={"cases": data.cases[:limit]})
    earlier = None if history is None else _load(history, "history", data)
    settings = Settings() if llm is None else Settings(llm=llm)
    given = {
        "gold": gold,
        "guideline": guideline,
        "history": history,
        "labels_from_data": labels_from_data or "",
        "reviewer_error": reviewer_error,
        "orders": orders,
        "seed": seed,
        "limit": limit,
        "llm": without_secrets(settings.llm),
    }
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)  # before the work, not after it
    found = asyncio.run(
        _run(
            settings,
            data,
            earlier,
            guideline,
            promised,
            labels_from_data=labels_from_data,
            audit=audit,
            conditions=(orders, reviewer_error, seed),
            options={key: str(value) for key, value in given.items() if value not in {None, ""}},
        )
    )
    if report is not None:
        from llmlabel.learning.simulate.html import write_simulation  # noqa: PLC0415

        for path in write_simulation(found, report):
            errors.print(f"wrote {path}")
    if format == "json":
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_simulation(found, console)


async def _run(
    settings: Settings,
    data: CaseFile,
    earlier: CaseFile | None,
    ref: str | None,
    promise: Promise | None,
    *,
    labels_from_data: bool,
    audit: float | None,
    conditions: tuple[int, float, int],
    options: dict[str, str],
) -> SimulationReport:
    """Build the application and simulate; it is closed whatever happens."""
    from llmlabel.bootstrap import build  # noqa: PLC0415
    from llmlabel.learning.simulate.replay import Rules  # noqa: PLC0415
    from llmlabel.learning.simulate.run import run_simulation  # noqa: PLC0415
    from llmlabel.learning.simulate.simulation import Conditions  # noqa: PLC0415

    app = build(settings)
    try:
        past = earlier.cases if earlier else ()
        task = guideline_for(
            data.model_copy(update={"cases": (*data.cases, *past)}),
            app.guidelines.get(ref) if ref else None,
            labels_from_data=labels_from_data,
        )
        promised = promise or task.policy.promise or settings.promise or USUAL
        rules = Rules(promised, audit=task.policy.audit if audit is None else audit)
        count, reviewer_error, seed = conditions
        return await run_simulation(
            data.name,
            task,
            data.cases,
            past,
            _models(app, task),
            rules,
            Conditions(count, reviewer_error, seed),
            options={**options, "promise": str(promised), "audit": f"{rules.audit:g}"},
            progress=_bar,
        )
    finally:
        await app.close()


def _models(app: Application, task: Guideline) -> Models:
    from llmlabel.learning.simulate.run import Models  # noqa: PLC0415

    async def predict(documents: Sequence[Document]) -> Sequence[Sequence[Prediction]]:
        return await app.pipeline.predict(documents, task, app.base_steps(task))

    return Models(
        predict=predict,
        embed=lambda: app.embedder.embed,
        # What was learned has no part in what the base labelers say.
        identity={k: v for k, v in app.identity(task).items() if k != "training"},
        encoder=ENCODER,
        folder=app.settings.home / "simulations",
    )


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    with Bar(what, total) as bar:
        yield bar.advance


def _check(limit: int | None, audit: float | None) -> None:
    if limit is not None and limit < 1:
        raise InvalidInput(f"--limit must be at least 1, not {limit}.", field="limit")
    if audit is not None and not 0 <= audit <= 1:
        raise InvalidInput(f"--audit must be from 0 to 1, not {audit:g}.", field="audit")


def _promise(text: str) -> Promise:
    try:
        return Promise.parse(text)
    except InvalidInput as exc:
        raise InvalidInput(f"--promise: {exc.detail}", field="promise") from exc


def _load(path: Path, option: str, like: CaseFile | None = None) -> CaseFile:
    try:
        found = load(str(path), [], kind=like.kind if like else None)
    except InvalidInput as exc:
        raise InvalidInput(f"--{option}: {exc.detail}", field=option) from exc
    return found
