"""The projects of a service, and where each of them is kept.

Each has a database of its own: a schema beside the default project's on PostgreSQL, a file in the
folder `projects` beside the default project's on SQLite. The list is in the default project's
database, and so are the durable queue, what is known of providers, and the counters of money.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from llmlabel.domain.project import DEFAULT_PROJECT, Project, ProjectBudget, checked_name
from llmlabel.errors import Conflict, NotFound, Unsupported
from llmlabel.store.database import Database, schema_of
from llmlabel.store.project_tables import projects

_ACTIVE, _DELETING, _DELETED = "active", "deleting", "deleted"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the database of a project is; `Database.of_project` opens it.

    Attributes:
        project: Its name.
        file: Of SQLite.
        schema: On PostgreSQL; None of the default project, which is where the URL leads.
    """

    project: str
    file: Path | None
    schema: str | None


def places(service: Database) -> list[Place]:
    """Every database of a service, the default project's first.

    Args:
        service: The default project's database; one that knows no projects yet has one place.
    """
    with service.read() as connection:
        known = sa.inspect(connection).has_table(projects.name)
    names = Projects(service).names() if known else [DEFAULT_PROJECT]
    return [place_of(service, name) for name in names]


def place_of(service: Database, project: str) -> Place:
    """Where the database of a project is, or would be."""
    named = not service.is_sqlite and project != DEFAULT_PROJECT
    return Place(project, service.file_of(project), schema_of(project) if named else None)


class Projects:
    """The list of projects.

    Args:
        service: The default project's database.
    """

    def __init__(self, service: Database) -> None:
        assert service.project == DEFAULT_PROJECT, "the list is in the default project's database"
        self._database = service

    def create(self, name: str, budget: ProjectBudget | None = None) -> Project:
        """Add a project; its database is made when it is first opened.

        Raises:
            InvalidInput: No project can bear the name.
            Conflict: The name is or was another's, or its place is taken.
        """
        checked_name(name)
        budget = budget or ProjectBudget()
        when = self._database.clock()
        taken = Conflict(
            f"There is, or was, a project `{name}`; a name is given once only, so that no old key "
            "or job meets another project's data. Choose another.",
            field="project",
        )
        if name == DEFAULT_PROJECT:
            raise taken
        row = {
            "name": name,
            "status": _ACTIVE,
            "settings": budget.model_dump_json(),
            "created_at": when,
            "updated_at": when,
        }
        with self._database.write() as connection:
            if not self._database.insert_new(connection, projects, [row], [projects.c.name]):
                raise taken
            self._refuse_taken_place(connection, name)
        return Project(name=name, created_at=when, budget=budget)

    def get(self, name: str) -> Project:
        """A project.

        Raises:
            NotFound: There is none of that name, or it is being deleted.
        """
        found = self.find(name)
        if found is None:
            raise NotFound(
                f"There is no project `{name[:64]}`; `llmlabel projects list` shows them.",
                field="project",
            )
        return found

    def find(self, name: str) -> Project | None:
        """A project; None where there is none of that name, or it is being deleted."""
        if name == DEFAULT_PROJECT:
            return Project(name=name, created_at=None)
        query = sa.select(projects).where(projects.c.name == name, projects.c.status == _ACTIVE)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _project_of(row) if row else None

    def names(self) -> list[str]:
        """The name of every project, the default one first."""
        return [project.name for project in self.list()]

    def limit(self, name: str, budget: ProjectBudget) -> Project:
        """Give a project another budget.

        Raises:
            NotFound: There is no such project.
            Unsupported: It is the default one.
        """
        project = self.get(name)
        if name == DEFAULT_PROJECT:
            raise Unsupported(
                "The default project has no budget of its own; LLMLABEL_BUDGET_USD and its like "
                "are the whole service's.",
                field="project",
            )
        self._set(name, settings=budget.model_dump_json())
        return project.model_copy(update={"budget": budget})

    def close(self, name: str) -> None:
        """Let nobody open a project any more: it is to be deleted.

        Raises:
            NotFound: There is no such project.
            Unsupported: It is the default one.
        """
        if name == DEFAULT_PROJECT:
            raise Unsupported(
                "The default project cannot be deleted: it holds the list of the others, their "
                "jobs and keys. `llmlabel documents delete` and `llmlabel purge` empty it.",
                field="project",
            )
        if name not in self.closing():
            self.get(name)
            self._set(name, status=_DELETING)

    def deleted(self) -> list[str]:
        """The names of projects that are gone."""
        query = sa.select(projects.c.name).where(projects.c.status == _DELETED)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def closing(self, seconds: float = 0.0) -> list[str]:
        """The projects whose deletion began so long ago and did not end."""
        query = sa.select(projects.c.name).where(
            projects.c.status == _DELETING,
            projects.c.updated_at <= self._database.clock() - timedelta(seconds=seconds),
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def remove(self, name: str) -> None:
        """Delete the database of a closed project with everything in it; its name stays taken.

        Raises:
            NotFound: No such project was closed.
        """
        if name not in self.closing():
            raise NotFound(f"No project `{name[:64]}` is being deleted.", field="project")
        place = place_of(self._database, name)
        if place.schema is not None:
            with self._database.write() as connection:
                connection.execute(sa.schema.DropSchema(place.schema, cascade=True, if_exists=True))
        if place.file is not None:
            for end in ("", "-wal", "-shm"):
                place.file.with_name(place.file.name + end).unlink(missing_ok=True)
        self._set(name, status=_DELETED, settings="{}")

    def _set(self, name: str, **values: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                sa.update(projects)
                .where(projects.c.name == name)
                .values(**values, updated_at=self._database.clock())
            )

    def _refuse_taken_place(self, connection: sa.Connection, name: str) -> None:
        """What another service, or an older list, left there is not taken over."""
        place = place_of(self._database, name)
        there = place.file is not None and place.file.exists()
        if place.schema is not None:
            there = sa.inspect(connection).has_schema(place.schema)
        if there:
            raise Conflict(
                f"{place.file or 'The schema ' + str(place.schema)} is there already and is of no "
                "project of this service; move it away, or choose another name.",
                field="project",
            )

    def list(self) -> list[Project]:
        """Every project, the default one first, then by name."""
        query = sa.select(projects).where(projects.c.status == _ACTIVE).order_by(projects.c.name)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [
            Project(name=DEFAULT_PROJECT, created_at=None),
            *(_project_of(row) for row in rows),
        ]


def _project_of(row: sa.Row[tuple[object, ...]]) -> Project:
    return Project(
        name=row.name,
        created_at=row.created_at,
        budget=ProjectBudget.model_validate_json(row.settings),
    )
