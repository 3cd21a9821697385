"""`llmlabel doctor`: what is missing, and the command that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from typing import NamedTuple

import typer
from rich.table import Table

from llmlabel import __version__
from llmlabel.cli.console import console
from llmlabel.domain.privacy import without_secrets
from llmlabel.errors import LlmlabelError
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.models import ModelStore
from llmlabel.models.store import ModelState
from llmlabel.settings import Settings, mistyped
from llmlabel.shipped import search_folders

NEEDED_FREE_BYTES = 4 << 30
"""Free disk for the default models and the form in which the language model is run."""

NEEDED_MEMORY_BYTES = 5 << 30
"""Memory for the default language model, Whisper and spaCy at once."""


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    good: bool
    found: str
    remedy: str = ""


def doctor() -> None:
    """Say what is missing on this machine and the command that mends it.

    Exit code 1 when something is.
    """
    settings = Settings()
    findings = list(_findings(settings))
    table = Table(header_style="bold", pad_edge=False)
    for heading in ("", "what", "found", "remedy"):
        table.add_column(heading, overflow="fold")
    for each in findings:
        mark = "[green]ok[/]" if each.good else "[red]no[/]"
        table.add_row(mark, each.what, each.found, each.remedy)
    console.print(table)
    bad = sum(not each.good for each in findings)
    if bad:
        console.print(f"{bad} of {len(findings)} need attention; the remedies are above.")
        raise typer.Exit(1)
    console.print("All is well. Next: llmlabel label FILE")


def _findings(settings: Settings) -> Iterator[Finding]:
    version = sys.version_info
    yield Finding(
        "Python",
        (3, 11) <= version[:2] < (3, 14),
        platform.python_version(),
        "" if (3, 11) <= version[:2] < (3, 14) else "use Python 3.11, 3.12 or 3.13",
    )
    yield Finding("llmlabel", True, __version__)
    for name, about in mistyped().items():
        yield Finding("settings", False, about, f"rename or remove {name}")
    yield _home(settings)
    yield _memory()
    yield from _models(settings)
    yield _guidelines(settings)
    yield _store(settings)


def _home(settings: Settings) -> Finding:
    folder = settings.home
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        return Finding("home folder", False, f"{folder}: {exc.strerror}", "set LLMLABEL_HOME")
    if not os.access(folder, os.W_OK):
        return Finding("home folder", False, f"{folder} cannot be written", "set LLMLABEL_HOME")
    free = shutil.disk_usage(folder).free
    enough = free >= NEEDED_FREE_BYTES or _default_models_ready(settings)
    return Finding(
        "home folder",
        enough,
        f"{folder}, {free / 1e9:.1f} GB free",
        "" if enough else f"free {NEEDED_FREE_BYTES / 1e9:.0f} GB or set LLMLABEL_HOME",
    )


def _default_models_ready(settings: Settings) -> bool:
    return all(each.good for each in _models(settings))


def _memory() -> Finding:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    enough = memory >= NEEDED_MEMORY_BYTES
    return Finding(
        "memory",
        enough,
        f"{memory / 1e9:.1f} GB",
        "" if enough else "set LLMLABEL_LLM=smollm2-135m-instruct, or name a remote model",
    )


def _models(settings: Settings) -> Iterator[Finding]:
    store = ModelStore(settings.models_folder)
    wanted = {
        "language model": settings.llm,
        "spaCy pipeline": settings.spacy_model,
        "Whisper": settings.whisper_model,
        "embeddings": "minilm-l6-int8",
    }
    for what, name in wanted.items():
        entry = store.catalogue.find(name)
        if entry is None:
            yield Finding(
                what, True, f"{without_secrets(name)} (not of the catalogue; tried when it is used)"
            )
            continue
        state = store.state(entry.name)
        good = state in (ModelState.READY, ModelState.UNVERIFIED)
        remedy = "" if good else f"llmlabel models pull {entry.name}"
        yield Finding(what, good, f"{entry.name}: {state.value}", remedy)


def _guidelines(settings: Settings) -> Finding:
    library = GuidelineLibrary(search_folders("guidelines", settings.guideline_paths))
    broken = library.broken()
    if broken:
        return Finding("guidelines", False, str(broken[0]), "llmlabel guidelines lint")
    return Finding("guidelines", True, ", ".join(g.ref for g in library.list()))


def _store(settings: Settings) -> Finding:
    from llmlabel.bootstrap import build  # noqa: PLC0415 - the heaviest import, so last

    app = build(settings)
    try:
        app.store.ping()
    except LlmlabelError as exc:
        return Finding("database", False, exc.detail, "set LLMLABEL_DATABASE_URL")
    return Finding("database", True, app.store.database.engine.dialect.name)
