"""Projects come and go: made, given a budget, deleted with everything that was theirs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from llmlabel.domain.project import DEFAULT_PROJECT, Project, ProjectBudget
from llmlabel.jobs.traces import forget_project as forget_jobs
from llmlabel.money import scope_of
from llmlabel.store import Store
from llmlabel.store.leaving import forget_project
from llmlabel.store.projects import Projects
from llmlabel.tenants import FRESH_SECONDS

LEAVE_SECONDS = FRESH_SECONDS + 1.0
"""After so long no process opens a project that was closed."""

log = structlog.get_logger()


class ProjectKeeping:
    """Creates, limits and deletes projects.

    Args:
        service: Gives the default project's store.
        folder_of: Where what a project keeps beside its database lies on this machine.
    """

    def __init__(self, service: Callable[[], Store], folder_of: Callable[[str], Path]) -> None:
        self._service = service
        self._folder_of = folder_of

    @property
    def _rows(self) -> Projects:
        return Projects(self._service().database)

    def create(self, name: str, budget: ProjectBudget | None = None) -> Project:
        """Make a project with a database of its own; see `Projects.create`."""
        made = self._rows.create(name, budget)
        self._service().of_project(name, recordings=self._folder_of(name) / "recordings").close()
        return made

    def all(self) -> list[Project]:
        """Every project, the default one first."""
        return self._rows.list()

    def get(self, name: str) -> Project:
        """A project; see `Projects.get`."""
        return self._rows.get(name)

    def closing(self) -> list[str]:
        """The projects whose deletion began and did not end."""
        return self._rows.closing()

    def limit(self, name: str, budget: ProjectBudget) -> Project:
        """Give a project another budget; see `Projects.limit`."""
        return self._rows.limit(name, budget)

    def delete(self, name: str, *, wait: float = LEAVE_SECONDS) -> None:
        """Delete a project with everything in it: nothing brings it back, and its name stays taken.

        Where it breaks off, it can be called again, and a service goes on with it by itself. What
        other machines keep of it beside the database is deleted by their own services.

        Args:
            name: Whose end it is.
            wait: Seconds until every process has let go of it.

        Raises:
            NotFound: There is no such project.
            Unsupported: It is the default one.
        """
        self._rows.close(name)
        time.sleep(wait)
        self._finish(name)

    def keep_up(self) -> None:
        """Go on with deletions that broke off, here and on this machine's disk."""
        for name in self._rows.closing(LEAVE_SECONDS * 10):
            self._finish(name)
        for name in self._rows.deleted():
            shutil.rmtree(self._folder_of(name), ignore_errors=True)

    def _finish(self, name: str) -> None:
        assert name != DEFAULT_PROJECT
        database = self._service().database
        forget_jobs(database, name)
        forget_project(database, name, scope_of(name))
        shutil.rmtree(self._folder_of(name), ignore_errors=True)
        self._rows.remove(name)
        log.info("project deleted", project=name)
