"""`llmlabel guidelines`: list, show, check and begin guidelines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.table import Table

from llmlabel.cli.console import console, errors
from llmlabel.domain.answer import Kind
from llmlabel.errors import InvalidInput, NotFound
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.guidelines.lint import lint_file, lint_folder
from llmlabel.guidelines.starter import starter
from llmlabel.prompts import PromptLibrary
from llmlabel.prompts.lint import lint_prompts
from llmlabel.released import (
    Problem,
    Ref,
    drafts,
    lock_path,
    parse_ref,
    released_files,
    update_lock,
)
from llmlabel.settings import Settings
from llmlabel.shipped import search_folders

app = typer.Typer(add_completion=False, help="Definitions of labeling tasks.", no_args_is_help=True)

_SUFFIXES = {"guidelines": ".md", "prompts": ".jinja"}


@app.command("list")
def list_() -> None:
    """All guidelines that are found, and every file that cannot be read."""
    library = _library()
    table = Table("guideline", "kind", "labels", "examples", "file", box=None, pad_edge=False)
    for guideline in library.list():
        table.add_row(
            guideline.ref,
            guideline.kind,
            str(len(guideline.labels) or "-"),
            str(len(guideline.examples) or "-"),
            str(_short(library.path(guideline.ref))),
        )
    console.print(table)
    _report(library.broken())


@app.command()
def show(
    ref: Annotated[str, typer.Argument(help="`sentiment` or `sentiment@1.0.0`.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """One guideline as an annotator reads it."""
    guideline = _library().get(ref)
    if json:
        typer.echo(guideline.model_dump_json(indent=2))
        return
    from rich.markdown import Markdown  # noqa: PLC0415

    console.print(f"[bold]{guideline.ref}[/]  {guideline.kind}", highlight=False)
    console.print(guideline.question, markup=False)
    for label in guideline.labels:
        console.print(f"  {label.name}: {label.definition}", markup=False, highlight=False)
    asked = ", then ".join(
        step.name if step.when == "always" else f"{step.name} where below {step.doubt}"
        for step in guideline.labelers
    )
    console.print(f"Asked: {asked}. Accepted from {guideline.policy.threshold}.", highlight=False)
    console.print(Markdown(guideline.body))


@app.command()
def lint(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders or files; by default ./guidelines, ./prompts and the settings'."
        ),
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Release the drafts: add them to the lock, change no entry."),
    ] = False,
) -> None:
    """Check guidelines and prompts, and that no released file has changed."""
    prompts = PromptLibrary(search_folders("prompts", Settings().prompt_paths)).refs()
    problems: list[Problem] = []
    checked = 0
    folders: list[Path] = []
    for path in paths or _default_folders():
        if path.is_dir():
            folders.append(path)
        elif path.suffix == ".md" and path.is_file():
            problems += lint_file(path, prompts)
            checked += 1
        else:
            raise InvalidInput(f"{path}: neither a folder nor a guideline file (.md).")
    for folder in folders:
        here: dict[str, dict[Ref, Path]] = {
            name: dict(released_files(folder, end)) for name, end in _SUFFIXES.items()
        }
        checked += sum(len(files) for files in here.values())
        wrong: list[Problem] = []
        if here["guidelines"] or lock_path(folder, "guidelines").exists() or not here["prompts"]:
            wrong += lint_folder(folder, prompts)
        if here["prompts"] or lock_path(folder, "prompts").exists():
            wrong += lint_prompts(folder)
        problems += wrong
        if not wrong:
            for name, files in here.items():
                _release(folder, name, files, update)
    _report(problems)
    counted = "1 file" if checked == 1 else f"{checked} files"
    if problems:
        errors.print(f"{counted} checked, {len(problems)} to mend", highlight=False)
        raise typer.Exit(1)
    console.print(f"{counted} checked, nothing to mend", highlight=False)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, `-` and `_`.")],
    kind: Annotated[
        str | None,
        typer.Option(
            help="choice, spans, tokens or transcript. [default: that of the file, else choice]"
        ),
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", help="One label; give it again for more.")
    ] = None,
    labels_from: Annotated[
        Path | None,
        typer.Option(
            help="Take kind and labels from a labeled JSONL file: `text` and `label`, `entities` "
            "or `tokens`."
        ),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where to write it.")] = Path("guidelines"),
) -> None:
    """Begin a guideline: writes a complete file for you to fill with your own words.

    llmlabel guidelines new intents --labels-from labeled.jsonl
    """
    labels = list(dict.fromkeys(label or ()))
    if labels_from is not None:
        kind, labels = _labels_of(labels_from, kind, labels)
    kind = kind or "choice"
    try:
        version = parse_ref(name)[1]
    except ValueError as exc:
        raise InvalidInput(f"{exc}; use lower-case letters, digits, `-` and `_`.") from exc
    name, version = name.partition("@")[0], version or "1.0.0"
    match kind:
        case "choice" | "spans" | "tokens" | "transcript":
            text = starter(name, version, kind, labels, in_use=labels_from is not None)
        case _:
            raise InvalidInput(f"--kind {kind}: it must be one of {', '.join(get_args(Kind))}.")
    path = folder / name / f"{version}.md"
    if path.exists():
        raise InvalidInput(
            f"{path} exists already; edit it, or begin a new version with "
            f"`llmlabel guidelines new {name}@{_next(version)}`."
        )
    _refuse_unfit(name, version, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    console.print(f"Written: {path}", highlight=False, soft_wrap=True)
    say = (
        f"Replace its words with yours, then: llmlabel guidelines lint {path}"
        if labels_from is None
        else f"It can be used as it is: {len(labels)} labels known by their names. Definitions and "
        f"examples make the answers better; what lacks says: llmlabel guidelines lint {path}"
    )
    console.print(say, highlight=False, soft_wrap=True)


def _labels_of(path: Path, kind: str | None, also: Sequence[str]) -> tuple[str, list[str]]:
    """Kind and labels of a data file, the labels given beside it first."""
    from llmlabel.evaluation.cases import load  # noqa: PLC0415

    if not path.is_file():
        raise NotFound(f"There is no file {path}.", field="labels-from")
    data = load(str(path), [])
    if kind is not None and kind != data.kind:
        raise InvalidInput(
            f"--kind {kind}, but {path} holds {data.kind}; leave --kind out.", field="kind"
        )
    return data.kind, list(dict.fromkeys([*also, *data.labels]))


def _refuse_unfit(name: str, version: str, text: str) -> None:
    from llmlabel.guidelines.file import parse_guideline  # noqa: PLC0415

    _, findings = parse_guideline(text, "", name, version)
    if findings:
        raise InvalidInput("; ".join(message for _, message in findings) + " (`--label`).")


def _release(folder: Path, name: str, files: dict[Ref, Path], update: bool) -> None:
    lock = lock_path(folder, name)
    if update:
        for ref in update_lock(lock, files):
            console.print(f"released: {ref}", highlight=False)
    else:
        for draft in drafts(lock, files):
            console.print(
                f"draft: {draft} may still change; `--update` releases it", highlight=False
            )


def _library() -> GuidelineLibrary:
    settings = Settings()
    return GuidelineLibrary(
        [
            *settings.own_guidelines(settings.project),
            *search_folders("guidelines", settings.guideline_paths),
        ]
    )


def _default_folders() -> list[Path]:
    settings = Settings()
    own = [
        *settings.guideline_paths,
        *settings.prompt_paths,
        *(Path(name) for name in _SUFFIXES if Path(name).is_dir()),
    ]
    return own or [*search_folders("guidelines"), *search_folders("prompts")]


def _report(problems: Iterable[Problem]) -> None:
    for problem in problems:
        errors.print(f"[red]✗[/] {_escaped(str(problem))}", highlight=False, soft_wrap=True)


def _escaped(text: str) -> str:
    from rich.markup import escape  # noqa: PLC0415

    return escape(text)


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _next(version: str) -> str:
    major, minor, _ = version.split(".")
    return f"{major}.{int(minor) + 1}.0"
