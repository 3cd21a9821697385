"""`llmlabel eval`: how good a guideline is on gold cases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmlabel.cli.console import console, errors
from llmlabel.cli.eval_table import print_report
from llmlabel.cli.progress import Bar
from llmlabel.domain.privacy import without_secrets
from llmlabel.errors import InvalidInput
from llmlabel.evaluation import baseline as baselines
from llmlabel.evaluation.cases import CaseFile, load
from llmlabel.evaluation.html import write_report
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.evaluation.report import Report
from llmlabel.evaluation.run import Transcribe, evaluate
from llmlabel.evaluation.task import guideline_for, pick_examples
from llmlabel.settings import Settings
from llmlabel.shipped import shipped_folder

if TYPE_CHECKING:
    from llmlabel.bootstrap import Application
    from llmlabel.domain.document import Document
    from llmlabel.domain.label import Label

TRANSCRIPTION = "transcription"


def eval_command(
    target: Annotated[
        str,
        typer.Argument(
            metavar="SUITE_OR_FILE",
            help="A suite (sentiment, intent, ner, pos, transcription) or a JSONL file of cases.",
        ),
    ],
    guideline: Annotated[
        str | None,
        typer.Option("--guideline", "-g", help="name or name@version. [default: the suite's own]"),
    ] = None,
    split: Annotated[
        Literal["test", "calibration", "all"], typer.Option(help="Part of the suite.")
    ] = "test",
    limit: Annotated[int | None, typer.Option(min=1, help="Take the first so many cases.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="FIELD=VALUE: keep the lines that have it. May be repeated."),
    ] = None,
    labels_from_data: Annotated[
        bool,
        typer.Option(
            "--labels-from-data",
            help="Offer the labels of the data: of all of them a guideline is made on the spot, "
            "or --guideline is restricted to them.",
        ),
    ] = False,
    label_map: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="YAML or JSON: the guideline's label to the data's, or to null where it is not "
            "scored.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Labeled file to take worked examples from."
        ),
    ] = None,
    shots: Annotated[
        int | None,
        typer.Option(min=1, help="How many of them, spread over the labels. [default: 8]"),
    ] = None,
    llm: Annotated[
        str | None, typer.Option(help="Language model in place of LLMLABEL_LLM.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Documents labeled at once.")] = 64,
    target_accuracy: Annotated[
        float, typer.Option(min=0, max=1, help="Of the accepted, for the suggested threshold.")
    ] = 0.95,
    report: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Write report.json and report.html into this folder."),
    ] = None,
    baseline: Annotated[
        bool | None,
        typer.Option(
            "--baseline/--no-baseline",
            help="Compare with the accepted scores, or do not. [default: of whole suites]",
        ),
    ] = None,
    update_baseline: Annotated[
        bool,
        typer.Option(
            "--update-baseline",
            help="Write these scores, less 0.02, as the suite's baseline in eval/baselines.",
        ),
    ] = False,
    format: Annotated[Literal["table", "json"], typer.Option(help="What is printed.")] = "table",
) -> None:
    """Score a guideline on gold cases: accuracy, F1, word errors, and how far to trust them.

        llmlabel eval sentiment --report out

        llmlabel eval reviews.jsonl -g sentiment --labels-from-data

    Exit code 1 when the suite's baseline is missed.
    """
    label_names = LabelMap.read(label_map) if label_map else LabelMap()
    if label_map and labels_from_data:
        raise InvalidInput("--label-map and --labels-from-data exclude each other; give one.")
    if shots is not None and examples is None:
        raise InvalidInput("--shots needs --examples FILE to take them from.", field="examples")
    data = load(
        target,
        [Path.cwd() / "eval" / "suites", shipped_folder("suites")],
        split=split,
        where=_conditions(where or []),
    )
    settings = Settings() if llm is None else Settings(llm=llm)
    shown = load(str(examples), [], kind=data.kind) if examples else None
    chosen = guideline or (data.name if data.is_suite else None)
    if chosen is None and data.kind == "transcript":
        chosen = TRANSCRIPTION
    given = {
        "limit": limit,
        "where": ", ".join(where or []),
        "labels_from_data": labels_from_data or "",
        "label_map": label_map,
        "examples": examples,
        "shots": shots,
        "llm": without_secrets(settings.llm),
        "batch": batch,
    }
    run = _Run(settings, data, label_names, limit, batch, target_accuracy)
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)  # before the work, not after it
    found = asyncio.run(
        run.report(
            chosen,
            labels_from_data,
            shown,
            shots or 8,
            {name: str(value) for name, value in given.items() if value not in {None, ""}},
        )
    )
    if report is not None:
        for path in write_report(found, report):
            errors.print(f"wrote {path}")
    if format == "json":
        typer.echo(found.model_dump_json(indent=2))
    else:
        print_report(found, console)
    if update_baseline:
        _update(found, data)
    elif not _compare(found, data, limit, baseline):
        raise typer.Exit(1)


class _Run:
    """The evaluation with the application it runs on."""

    def __init__(
        self,
        settings: Settings,
        data: CaseFile,
        names: LabelMap,
        limit: int | None,
        batch: int,
        target: float,
    ) -> None:
        self._settings = settings
        self._data = data
        self._names = names
        self._limit = limit
        self._batch = batch
        self._target = target

    async def report(
        self,
        ref: str | None,
        labels_from_data: bool,
        examples: CaseFile | None,
        shots: int,
        options: dict[str, str],
    ) -> Report:
        """Build the application and evaluate; it is closed whatever happens."""
        from llmlabel.bootstrap import build  # noqa: PLC0415

        app = build(self._settings)
        try:
            picked = pick_examples(examples, self._data, shots, self._names) if examples else []
            task = guideline_for(
                self._data,
                app.guidelines.get(ref) if ref else None,
                labels_from_data=labels_from_data,
                examples=picked,
            )
            total = min(len(self._data.cases), self._limit or len(self._data.cases))
            with Bar(f"{self._data.name} with {task.ref}", total) as bar:
                return await evaluate(
                    self._data,
                    task,
                    app.label,
                    transcribe=_transcriber(app),
                    label_map=self._names,
                    limit=self._limit,
                    batch=self._batch,
                    workers=self._settings.whisper_workers,
                    target=self._target,
                    progress=bar.advance,
                    options=options,
                )
        finally:
            await app.close()


def _transcriber(app: Application) -> Transcribe:
    async def transcribe(path: Path, id: str, language: str | None) -> tuple[Document, Label]:
        return await app.transcribe(path, id=id, language=language)

    return transcribe


def _conditions(where: Sequence[str]) -> dict[str, str]:
    pairs = [condition.partition("=") for condition in where]
    for field, equals, _ in pairs:
        if not field or not equals:
            raise InvalidInput(
                "--where takes FIELD=VALUE, such as reference=corpus.", field="where"
            )
    return {field: value for field, _, value in pairs}


def _baseline_folders() -> list[Path]:
    return [Path.cwd() / "eval" / "baselines", shipped_folder("baselines")]


def _compare(report: Report, data: CaseFile, limit: int | None, wanted: bool | None) -> bool:
    """Whether the baseline is kept, as far as there is one that applies."""
    if wanted is False or (wanted is None and not data.is_suite):
        return True
    path = baselines.find_baseline(_baseline_folders(), data.name)
    if path is None:
        if wanted:
            raise InvalidInput(
                f"There is no baseline for {data.name}; write one with --update-baseline."
            )
        return True
    accepted = baselines.read_baseline(path)
    reason = baselines.why_not_comparable(accepted, report)
    if reason is None and wanted is None and report.n < len(data.cases) and limit is not None:
        reason = f"only {limit} cases were run (--baseline compares all the same)"
    if reason is not None:
        errors.print(f"Baseline not compared: {reason}.")
        return True
    misses = baselines.missed(accepted, report)
    for miss in misses:
        errors.print(f"[bold red]Baseline missed:[/] {miss} ({path})", soft_wrap=True)
    if not misses:
        errors.print(f"Baseline kept: {', '.join(accepted.metrics)}.")
    return not misses


def _update(report: Report, data: CaseFile) -> None:
    if not data.is_suite or report.n + report.unscored < len(data.cases):
        raise InvalidInput("A baseline is written of a whole suite; leave out --limit and paths.")
    path = _baseline_folders()[0] / f"{data.name}.json"
    baselines.write_baseline(path, baselines.baseline_of(report))
    errors.print(f"wrote {path}")
