"""A service moves from one database to another: from SQLite to PostgreSQL, or back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llmlabel.errors import Conflict
from llmlabel.safekeeping.service import Service
from llmlabel.store.database import Database
from llmlabel.store.transfer.begun import is_begun
from llmlabel.store.transfer.copying import Copy, refuse_used
from llmlabel.store.transfer.pairs import Reading, count_rows, first_used
from llmlabel.store.transfer.rows import Sum
from llmlabel.store.transfer.standing import refuse_foreign, revision
from llmlabel.store.transfer.standing_still import locked


@dataclass(frozen=True)
class Copied:
    """What was copied of one project.

    Attributes:
        project: Its name.
        tables: What each table amounts to, on both sides.
    """

    project: str
    tables: dict[str, Sum]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(each.rows for each in self.tables.values())


def copy(
    source: Service,
    target: Service,
    *,
    expect: Callable[[int], None],
    advance: Callable[[int], None],
    name: str | None = None,
    source_rests: bool = False,
) -> list[Copied]:
    """Copy every database of a service; a copy that was broken off is gone on with.

    Nobody can write to the source meanwhile. Recordings stay where they are.

    Args:
        source: What there is.
        target: Made here; must be empty, or the begun copy of this source.
        expect: Told how many rows there are.
        advance: Told of rows that are done.
        name: Of the source, by which a copy that was broken off knows it again; by default
            where it is.
        source_rests: Nobody else has the source, whatever it says of processes.

    Raises:
        Conflict: A process is at work on one of them, the target is not empty, or the source
            changed while a copy was broken off.
        CopyDiffers: What was written is not what was read.
    """
    source.refuse_absent()
    if source.default.engine.url == target.default.engine.url:
        raise Conflict("The target is the source; name another database.")
    for each in (target,) if source_rests else (source, target):
        if each.is_there:
            each.refuse_alive()
    databases = source.databases()
    for database in databases:
        refuse_foreign(database)
        # As a start of the service does; both sides must have the same tables.
        source.make(database.project)
    resumes = _is_begun(target.default)
    name = name or source.shown
    with locked(databases) as readings:
        expect(sum(map(count_rows, readings)))
        copies = [_begun(target, reading, name, advance, resumes=resumes) for reading in readings]
        tables = [each.run() if goes_on else each.compare() for each, goes_on in copies]
        # The default one comes last: until its mark is gone, no service starts on the target.
        for one, goes_on in reversed(copies):
            if goes_on:
                one.finish()
    return [
        Copied(database.project, amounts)
        for database, amounts in zip(databases, tables, strict=True)
    ]


def refuse_used_target(target: Service, name: str) -> None:
    """See that a target can take a copy of that name, before anything else is done for it.

    Raises:
        Conflict: It is not empty, or holds a begun copy of another name.
    """
    database = target.default
    if revision(database) is None:
        return
    with database.read() as connection:
        refuse_used(Reading(database, connection), f"{name} {database.project}")


def _begun(
    target: Service,
    source: Reading,
    name: str,
    advance: Callable[[int], None],
    *,
    resumes: bool,
) -> tuple[Copy, bool]:
    """A copy of one database, and whether it is still to be done.

    The mark of the default project goes last: while it is there, a project that has none and is
    not empty was finished before the break.
    """
    project = source.database.project
    database = target.of_project(project)
    if not _is_begun(database):
        target.make(project)
    copy = Copy(source, database, f"{name} {project}", advance)
    with database.read() as connection:
        finished = (
            resumes and not is_begun(connection) and first_used(Reading(database, connection))
        )
    if not finished:
        copy.begin()
    return copy, not finished


def _is_begun(database: Database) -> bool:
    if database.file is not None and not database.file.is_file():
        return False
    with database.read() as connection:
        return is_begun(connection)
