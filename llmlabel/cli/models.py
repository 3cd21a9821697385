"""`llmlabel models`: what is here, get it, check it, find it."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import typer
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from llmlabel.cli.console import console, errors
from llmlabel.models import ModelEntry, ModelState, ModelStore, Step
from llmlabel.settings import Settings

EMBEDDER = "minilm-l6-int8"
"""Shortlists labels; no setting names it."""

QUIET_SECONDS = 10.0
"""Where no one watches a bar, a line this often says that the pull is alive."""

app = typer.Typer(
    add_completion=False, help="Model weights: list, pull, verify, find.", no_args_is_help=True
)


class Purpose(StrEnum):
    """A set of models that are pulled together."""

    DEMO = "demo"
    TESTS = "tests"
    ALL = "all"


Names = Annotated[list[str] | None, typer.Argument(help="Names or aliases of `models list`.")]


@app.command("list")
def list_() -> None:
    """Every model known by name, and what is here of it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("name", "task", "size", "licence", "state"):
        table.add_column(heading, justify="right" if heading == "size" else "left", no_wrap=True)
    for entry, state in _store().list():
        colour = "green" if state in (ModelState.READY, ModelState.UNVERIFIED) else "yellow"
        table.add_row(
            entry.name, entry.task, decimal(entry.bytes), entry.licence, f"[{colour}]{state.value}"
        )
    console.print(table)


@app.command()
def pull(
    names: Names = None,
    purpose: Annotated[
        Purpose | None,
        typer.Option("--for", help="A set of models instead of names."),
    ] = None,
) -> None:
    """Get models; without names, those that the settings use.

    Goes on where an interrupted pull stopped, and does nothing for a model that is here.
    """
    if names and purpose:
        raise typer.BadParameter("give names or --for, not both")
    settings = Settings()
    store = _store(settings)
    for entry in _wanted(store, settings, names or [], purpose):
        with _Bar(entry) as bar:
            folder = store.pull(entry.name, bar.show)
            if entry.task == "llm":
                bar.note("preparing for this machine (once)")
                _prepare(folder / entry.files[0].path, settings.home / "prepared")
        console.print(f"[green]ready[/]  {entry.name}  [dim]{decimal(entry.bytes)}[/]")


@app.command()
def verify(names: Names = None) -> None:
    """Read every byte of models and compare with the checksums; without names, of all here."""
    store = _store()
    here = (ModelState.READY, ModelState.UNVERIFIED)
    chosen = names or [entry.name for entry, state in store.list() if state in here]
    if not chosen:
        console.print("No model is here; get those of the settings with: llmlabel models pull")
    for name in chosen:
        entry = store.catalogue.get(name)
        with errors.status(f"verifying {entry.name}"):
            store.verify(entry.name)
        console.print(f"[green]right[/]  {entry.name}  [dim]{len(entry.files)} files[/]")


@app.command()
def path(name: Annotated[str, typer.Argument(help="Name, alias or path.")]) -> None:
    """Print where a model lies; an error when it is not here."""
    typer.echo(str(_store().resolve(name)))


def _store(settings: Settings | None = None) -> ModelStore:
    settings = settings or Settings()
    return ModelStore(settings.models_folder, settings.model_sources)


def _wanted(
    store: ModelStore, settings: Settings, names: list[str], purpose: Purpose | None
) -> list[ModelEntry]:
    catalogue = store.catalogue
    if names:
        return [catalogue.get(name) for name in names]
    if purpose is Purpose.ALL:
        return list(catalogue.models)
    if purpose is not None:
        return [entry for entry in catalogue.models if purpose.value in entry.used_for]
    used = (settings.llm, settings.whisper_model, settings.spacy_model, EMBEDDER)
    # What is not of the catalogue (a path, a provider's model) has nothing to be pulled.
    return [entry for name in used if (entry := catalogue.find(name)) is not None]


def _prepare(gguf: Path, prepared: Path) -> None:
    from llmlabel.llm.prepare import prepare  # noqa: PLC0415

    prepare(gguf, prepared)


class _Bar:
    """Progress of one pull: a bar where someone watches, else now and then a line."""

    def __init__(self, entry: ModelEntry) -> None:
        self._name, self._said = entry.name, time.monotonic()
        self._progress = Progress(
            TextColumn("{task.fields[name]}"),
            BarColumn(bar_width=30),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        )
        self._task: TaskID = self._progress.add_task(
            entry.name, total=entry.bytes, name=entry.name, note=""
        )

    def show(self, step: Step) -> None:
        """Draw one step of a pull."""
        self._progress.update(self._task, completed=step.done, note=step.note)
        now = time.monotonic()
        if not errors.is_terminal and now - self._said >= QUIET_SECONDS:
            self._said = now
            errors.print(
                f"{step.name}: {decimal(step.done)} of {decimal(step.total)}, {step.note}",
                highlight=False,
            )

    def note(self, note: str) -> None:
        """Say what is going on after the last byte."""
        self._progress.update(self._task, note=note)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()
