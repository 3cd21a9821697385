"""Is everything there, and as it should be?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from llmlabel.errors import LlmlabelError
from llmlabel.jobs.queue_files import without_job
from llmlabel.safekeeping.backup import Step
from llmlabel.safekeeping.service import Service
from llmlabel.store.database import Database
from llmlabel.store.migrate import drift, missing_migrations
from llmlabel.store.transfer import wrong
from llmlabel.store.transfer.standing import refuse_foreign

BLOCK = 1024 * 1024
TOLD = 20
"""Faults of one kind that are told one by one."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at in one project.

    Attributes:
        project: Its name.
        what: Was looked at.
        faults: What is wrong; empty if nothing.
        remedy: What to do then.
        note: What there is to say where nothing is wrong.
    """

    project: str
    what: str
    faults: tuple[str, ...] = ()
    remedy: str = ""
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def check(service: Service, step: Step, *, files: bool = True) -> Iterator[Finding]:
    """Look through every database of a service and the files they speak of; change nothing.

    The service may be at work.

    Args:
        service: It.
        step: Told what goes on.
        files: Whether recordings are read and their hashes compared.

    Raises:
        NotFound: There is no database.
    """
    service.refuse_absent()
    databases = service.databases()
    of_this_release = []
    for database in databases:
        yield _found(database, "file", wrong.broken_file, "restore a backup")
        schema = _schema(database)
        yield schema
        if schema.good:
            of_this_release.append(database)
    for database in of_this_release:
        yield _found(
            database, "references", wrong.broken_references, "restore a backup, or report a fault"
        )
        yield _found(
            database,
            "results",
            lambda each: list(wrong.contradictions(each)),
            "submit these documents anew (`relabel`), or restore a backup",
        )
        if files:
            yield _sounds(service, database, step)
        counts = wrong.row_counts(database)
        words = ", ".join(f"{name} {n:,}" for name, n in counts.items() if n)
        yield Finding(database.project, "rows", note=words or "none")
    if service.default in of_this_release:
        step("jobs", None)
        lost = without_job(service.default, of_this_release)
        yield Finding(
            "all",
            "jobs",
            _some(lost, "wait and no job is about them"),
            "restore a backup, or delete these documents and send them again",
            "everything that waits has a job",
        )


def _schema(database: Database) -> Finding:
    project, what = database.project, "schema"
    try:
        refuse_foreign(database)
    except LlmlabelError as error:
        return Finding(project, what, (error.detail,), "use the release that it is of")
    missing = missing_migrations(database)
    if missing:
        faults = tuple(f"migration {each} is missing" for each in reversed(missing))
        return Finding(project, what, faults, "llmlabel db upgrade")
    return _found(database, what, drift, "restore a backup: tables were changed by hand")


def _sounds(service: Service, database: Database, step: Step) -> Finding:
    folder = service.folders(database.project)["recordings"]
    kept = wrong.kept_sounds(database)
    advance = step(f"recordings of {database.project}", sum(size for _, size in kept))
    faults = []
    for sha256, size in kept:
        file = folder / sha256[:2] / sha256
        if not file.is_file():
            faults.append(f"{file} is missing")
        elif _sha256(file, advance) != sha256:
            faults.append(f"{file} is not as it was received")
        elif file.stat().st_size != size:
            faults.append(f"{file} has not {size:,} bytes")
    return Finding(
        database.project,
        "recordings",
        _some(faults, "are missing or changed"),
        "copy them from a backup (`llmlabel db restore` into another home)",
        f"{len(kept):,} are there, with the right hashes",
    )


def _sha256(file: Path, advance: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while block := source.read(BLOCK):
            digest.update(block)
            advance(len(block))
    return digest.hexdigest()


def _found(
    database: Database, what: str, look: Callable[[Database], list[str]], remedy: str
) -> Finding:
    try:
        faults = tuple(look(database))
    except LlmlabelError as error:
        faults = (error.detail,)
    return Finding(database.project, what, faults[:TOLD], remedy, "good")


def _some(faults: list[str], what: str) -> tuple[str, ...]:
    if len(faults) <= TOLD:
        return tuple(faults)
    return (*faults[:TOLD], f"{len(faults) - TOLD:,} more {what}")
