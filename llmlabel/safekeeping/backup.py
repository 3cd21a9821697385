"""A service as one file, made while it works."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from llmlabel import __version__
from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.errors import Conflict, DatabaseNotOurs
from llmlabel.jobs.queue_files import make_queue
from llmlabel.safekeeping.archive import Writer, written
from llmlabel.safekeeping.manifest import FORMAT, Kept, Manifest
from llmlabel.safekeeping.service import Service
from llmlabel.store.database import Database
from llmlabel.store.migrate import missing_migrations, upgrade
from llmlabel.store.transfer.copying import Copy
from llmlabel.store.transfer.files import recordings_in, revision_in, save
from llmlabel.store.transfer.pairs import Reading, count_rows
from llmlabel.store.transfer.standing import refuse_foreign
from llmlabel.store.transfer.standing_still import snapshots

RECORDINGS = "recordings"
"""The folder whose files the database tells of, with their hashes."""

MOST_HELD = 200
"""Files of a project that are kept open: a process may open a thousand or so. Few batches are read
at once."""

Step = Callable[[str, int | None], Callable[[int], None]]
"""Told what begins now and how much it is, if that is known; returns who is told of progress."""


def backup(service: Service, file: Path, step: Step) -> Manifest:
    """Write every database of a service and the files they speak of to one archive.

    All databases are as they were at one moment; others may write meanwhile.

    Args:
        service: It may be at work.
        file: A new one. As much room again as the databases take is needed beside it meanwhile.
        step: Told what goes on.

    Returns:
        What is in it. Its `missing` names the files that should have been there and were not.

    Raises:
        Conflict: The file exists.
        DatabaseNotOurs: The database is of another release.
        NotFound: There is no database.
    """
    service.refuse_absent()
    databases = service.databases()
    for database in databases:
        refuse_foreign(database)
        if database.file is None and missing_migrations(database):
            raise DatabaseNotOurs(
                f"The database of project {database.project} lacks migrations of this release. "
                "Make the backup with the release that it is of, or run `llmlabel db upgrade`."
            )
    with ExitStack() as stack, written(file) as (writer, folder):
        held = {each.project: _held(service, each.project, stack) for each in databases}
        made = {each.project: folder / f"{each.project}.db" for each in databases}
        with snapshots(databases) as readings:
            for reading in readings:
                _save(reading, made[reading.database.project], step)
        kept, missing = [], []
        for database in databases:
            name = database.project
            entry, lost = _add(writer, service, name, made[name], held[name], step)
            kept.append(entry)
            missing += lost
        manifest = Manifest(
            format=FORMAT,
            release=__version__,
            made_at=datetime.now(UTC),
            made_from=databases[0].engine.dialect.name,
            projects=tuple(kept),
            members=writer.members,
            missing=tuple(missing),
        )
        writer.close(manifest)
    return manifest


def _save(reading: Reading, file: Path, step: Step) -> None:
    """Write a database as it is at the moment of the reading to an SQLite file."""
    what = f"database of {reading.database.project}"
    if reading.database.is_sqlite:
        advance, before = step(f"{what} (pages)", None), 0

        def pages(done: int, total: int) -> None:
            nonlocal before
            advance(done - before)
            before = done

        save(reading.connection, file, pages)
        return
    advance = step(f"{what} (rows)", count_rows(reading))
    made = Database(f"sqlite:///{file}")
    try:
        upgrade(made)
        if reading.database.project == DEFAULT_PROJECT:
            make_queue(made)
        copy = Copy(reading, made, what, advance)
        copy.begin()
        copy.run()
        copy.finish()
    finally:
        made.close()


def _held(service: Service, project: str, stack: ExitStack) -> dict[Path, IO[bytes]]:
    """The files that may be deleted while a backup is made, opened before its moment.

    A batch that is read in its databases needs its file, although it may have been read to its
    end, and its file be gone, when the databases are in the archive.
    """
    found: dict[Path, IO[bytes]] = {}
    for what, folder in service.folders(project).items():
        if what != RECORDINGS:
            for path, _, _ in _all_files(folder)[:MOST_HELD]:
                with suppress(FileNotFoundError):
                    found[folder / path] = stack.enter_context((folder / path).open("rb"))
    return found


def _add(
    writer: Writer,
    service: Service,
    project: str,
    database: Path,
    held: Mapping[Path, IO[bytes]],
    step: Step,
) -> tuple[Kept, list[str]]:
    at = revision_in(database)
    if at is None:
        raise Conflict(f"The database of project {project} is empty; there is nothing to keep.")
    top = f"projects/{project}"
    name = f"{top}/llmlabel.db"
    writer.add(name, database, step(f"{project} to the archive", database.stat().st_size))
    sounds = recordings_in(database)
    database.unlink()  # the room is needed for the rest
    files: dict[str, dict[str, str]] = {}
    missing: list[str] = []
    for what, folder in service.folders(project).items():
        wanted = _recordings(sounds) if what == RECORDINGS else _with_held(folder, held)
        files[what] = {}
        advance = step(f"{what} of {project}", sum(size for _, size, _ in wanted))
        for path, _, sha256 in wanted:
            member = f"{top}/{what}/{path}"
            if writer.add(member, folder / path, advance, sha256, held=held.get(folder / path)):
                files[what][path] = member
            elif sha256 is not None:
                missing.append(member)
    return Kept(project=project, database=name, revision=at, files=files), missing


def _recordings(sounds: list[tuple[str, int]]) -> list[tuple[str, int, str | None]]:
    """Path, bytes and hash of each recording that the database tells of."""
    return [(f"{sha256[:2]}/{sha256}", size, sha256) for sha256, size in sounds]


def _with_held(folder: Path, held: Mapping[Path, IO[bytes]]) -> list[tuple[str, int, str | None]]:
    """As `_all_files`, with those that lay there before."""
    found = _all_files(folder)
    there = {path for path, _, _ in found}
    gone = {
        file.relative_to(folder).as_posix(): os.fstat(source.fileno()).st_size
        for file, source in held.items()
        if file.is_relative_to(folder)
    }
    return found + [(path, size, None) for path, size in gone.items() if path not in there]


def _all_files(folder: Path) -> list[tuple[str, int, str | None]]:
    """Path and bytes of whatever lies in a folder; some of it may go meanwhile."""
    found: list[tuple[str, int, str | None]] = []
    for top, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            file = Path(top, name)
            with suppress(FileNotFoundError):
                found.append((file.relative_to(folder).as_posix(), file.stat().st_size, None))
    return found
