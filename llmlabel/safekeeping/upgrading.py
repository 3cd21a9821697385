"""Every database of a service, brought to the schema of this release."""

from __future__ import annotations

from dataclasses import dataclass

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.safekeeping.service import Service
from llmlabel.store.transfer.standing import refuse_foreign, revision


@dataclass(frozen=True)
class Upgraded:
    """What was done to the database of one project.

    Attributes:
        project: Its name.
        before: The migration it had; None where there was nothing.
        after: The migration it has.
    """

    project: str
    before: str | None
    after: str | None


def upgrade_all(service: Service) -> list[Upgraded]:
    """Run the migrations that are missing, of every project; what a start of the service does too.

    Raises:
        DatabaseNotOurs: One is of a newer release, or a begun copy; nothing was changed.
    """
    if service.is_there:
        for database in service.databases():
            refuse_foreign(database)
    done = [_upgrade(service, DEFAULT_PROJECT)]
    done += [
        _upgrade(service, database.project)
        for database in service.databases()
        if database.project != DEFAULT_PROJECT
    ]
    return done


def _upgrade(service: Service, project: str) -> Upgraded:
    database = service.of_project(project)
    there = database.file is None or database.file.is_file()
    before = revision(database) if there else None
    service.make(project)
    return Upgraded(project, before, revision(database))
