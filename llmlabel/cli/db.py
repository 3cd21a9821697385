"""`llmlabel db`: upgrade, check, copy, back up and restore the databases of a service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from llmlabel.cli.console import FAILED, console
from llmlabel.cli.progress import Bar
from llmlabel.cli.words import counted, say
from llmlabel.safekeeping.manifest import Manifest
from llmlabel.safekeeping.service import Service
from llmlabel.settings import Settings

app = typer.Typer(
    add_completion=False,
    help="Upgrade, check, copy, back up and restore the databases of every project.",
    no_args_is_help=True,
)

MEGABYTE = 1_000_000


@app.command()
def upgrade() -> None:
    """Bring every database to the schema of this release.

    A start of the service does the same. A database that a newer release brought further is
    refused, and nothing is changed.
    """
    from llmlabel.safekeeping.upgrading import upgrade_all  # noqa: PLC0415

    with _service() as service:
        for done in upgrade_all(service):
            if done.before == done.after:
                say(f"{done.project}: is at {done.after} already.")
            else:
                say(f"{done.project}: brought from {done.before or 'nothing'} to {done.after}.")


@app.command()
def check(
    files: Annotated[bool, typer.Option(help="Read every recording and compare its hash.")] = True,
) -> None:
    """Look whether everything is there and as it should be; changes nothing.

    Of every project: the database's own file or indexes, its schema against this release, rows
    that name missing ones, a job or a result for every accepted document, the recordings. The
    service may be at work. Exit code 1 when something is wrong.
    """
    from llmlabel.safekeeping.checking import check  # noqa: PLC0415

    bad = 0
    with _service() as service, _steps() as step:
        for found in check(service, step, files=files):
            mark = "[green]ok[/]" if found.good else "[red]no[/]"
            note = found.note if found.good else f"{found.remedy}:"
            console.print(
                f"{mark} {found.project} {found.what}: {escape(note)}",
                highlight=False,
                soft_wrap=True,
            )
            for fault in found.faults:
                say(f"     {fault}")
            bad += not found.good
    if bad:
        say(f"{bad} of these need attention; what to do is said above.")
        raise typer.Exit(FAILED)
    say("All is well.")


@app.command()
def copy(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            envvar="LLMLABEL_COPY_TO",
            show_envvar=True,
            help="URL of the new database; a password is safer in the variable.",
        ),
    ],
) -> None:
    """Copy every database to a new one, from SQLite to PostgreSQL or back, and compare.

    Stop the service first. All tables go, with the jobs that wait. The target must be empty. A
    copy that was broken off is gone on with by the same command. Afterwards set
    LLMLABEL_DATABASE_URL to the target; recordings stay in LLMLABEL_HOME.
    """
    from llmlabel.safekeeping.copying import copy as copy_all  # noqa: PLC0415

    with _service() as source, _service(to) as target, Bar("copying rows", None) as bar:
        done = copy_all(source, target, expect=bar.expect, advance=bar.advance)
    for each in done:
        say(f"{each.project}: {counted(each.rows, 'row')} in {len(each.tables)} tables, the same.")
    say("Set LLMLABEL_DATABASE_URL to the new database and start the service.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new file, such as backups/2026-11-21.tar.")],
) -> None:
    """Write every database and recording to one file; the service may go on meanwhile.

    All databases are as they were at one moment. The file can be restored to SQLite and to
    PostgreSQL, whichever it was made from. It holds texts and secrets: keep it as such. Exit code
    1 when recordings are missing; the file holds all the rest then.
    """
    from llmlabel.safekeeping.backup import backup as back_up  # noqa: PLC0415

    with _service() as service, _steps() as step:
        made = back_up(service, file, step)
    say(f"{file}: {_told(made)}.")
    if made.missing:
        say(
            f"{counted(len(made.missing), 'recording')} could not be kept, being missing or "
            f"changed, such as {made.missing[0]}; `llmlabel db check` names them."
        )
        raise typer.Exit(FAILED)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `llmlabel db backup` wrote.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Only read it and compare every hash.")
    ] = False,
) -> None:
    """Put a backup into the place that LLMLABEL_DATABASE_URL and LLMLABEL_HOME name.

    There must be no database yet, or an empty one. Every hash is compared. Work that was done
    after the backup is done again.
    """
    from llmlabel.safekeeping.restore import restore as put_back  # noqa: PLC0415
    from llmlabel.safekeeping.restore import verify as look_through  # noqa: PLC0415

    with _steps() as step:
        if verify:
            say(f"{file} is whole: {_told(look_through(file, step))}.")
            return
        with _service() as target:
            made = put_back(file, target, Settings().home, step)
    say(f"Restored: {_told(made)}. Look at it with `llmlabel db check`, then start the service.")


def _told(made: Manifest) -> str:
    size = sum(member.bytes for member in made.members.values())
    sounds = sum(len(files) for kept in made.projects for files in kept.files.values())
    return (
        f"{counted(len(made.projects), 'project')} and {counted(sounds, 'recording')}, "
        f"{size / MEGABYTE:,.1f} MB, of {made.made_at:%Y-%m-%d %H:%M} UTC by llmlabel "
        f"{made.release} on {made.made_from}"
    )


def _service(url: str | None = None) -> Service:
    settings = Settings()
    return Service(url or settings.resolved_database_url, settings.folders_of)


@contextmanager
def _steps() -> Iterator[Callable[[str, int | None], Callable[[int], None]]]:
    """One progress bar after the other."""
    bars: list[Bar] = []

    def step(what: str, total: int | None) -> Callable[[int], None]:
        if bars:
            bars.pop().__exit__(None, None, None)
        bars.append(Bar(what, total))
        return bars[0].__enter__().advance

    try:
        yield step
    finally:
        for each in bars:
            each.__exit__(None, None, None)
