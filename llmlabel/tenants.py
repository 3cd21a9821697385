"""The projects that a process has open, each with an application of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog
from structlog.contextvars import bound_contextvars

from llmlabel.domain.project import DEFAULT_PROJECT, Project
from llmlabel.errors import NotFound
from llmlabel.jobs import Beside
from llmlabel.store.projects import Projects
from llmlabel.telemetry import told

FRESH_SECONDS = 2.0
"""For so long a process goes by the list of projects that it read."""

log = structlog.get_logger()


class Tenant(Protocol):
    """The application of one project."""

    @property
    def project(self) -> str: ...  # noqa: D102 - its name
    @property
    def beside(self) -> Sequence[Beside]:
        """What runs beside its jobs."""
        ...

    def keep_up(self) -> None:
        """Do what it looks after, once."""
        ...

    def leave(self) -> None:
        """Close what belongs to this project alone."""
        ...


T = TypeVar("T", bound=Tenant)


class Tenants(Generic[T]):
    """Opens projects when they are first asked for, and leaves those that were deleted.

    Args:
        projects: Gives the list of all.
        open: Makes the application of a project that is in it.
        default: The application of the default project, which is always open.
    """

    def __init__(
        self, projects: Callable[[], Projects], open: Callable[[str], T], default: T
    ) -> None:
        self._projects = projects
        self._make = open
        self._open: dict[str, T] = {DEFAULT_PROJECT: default}
        self._known: dict[str, Project] = {}
        self._read_at = float("-inf")
        self._lock = threading.RLock()

    def of(self, name: str) -> T:
        """The application of a project.

        Raises:
            NotFound: There is none of that name, or it is being deleted.
            StoreUnavailable: Its database cannot be reached.
        """
        ready = self.ready(name)
        if ready is not None:
            return ready
        with self._lock:
            self._look(name)
            if name not in self._known:
                raise _unknown(name)
            if name not in self._open:
                self._open[name] = self._make(name)
            return self._open[name]

    def ready(self, name: str) -> T | None:
        """The same, if that is known without a look at a database."""
        if name == DEFAULT_PROJECT or time.monotonic() - self._read_at < FRESH_SECONDS:
            return self._open.get(name)
        return None

    def get(self, name: str) -> Project:
        """What the list says of a project, as of a moment ago.

        Raises:
            NotFound: It is not in it.
        """
        with self._lock:
            self._look(name)
            if name not in self._known:
                raise _unknown(name)
            return self._known[name]

    def each(self) -> list[T]:
        """The application of every project; one that cannot be opened is logged and left out."""
        found = []
        for name in self.names():
            try:
                found.append(self.of(name))
            except Exception as error:
                log.warning("project cannot be opened", project=name, **told(error))
        return found

    def names(self) -> list[str]:
        """Of every project, the default one first."""
        with self._lock:
            self._look(None)
            return list(self._known)

    def keep_up(self) -> None:
        """Do what each project looks after."""
        for tenant in self.each():
            with bound_contextvars(project=tenant.project):
                tenant.keep_up()

    def close(self) -> None:
        """Leave every project but the default one, whose owner closes it."""
        with self._lock:
            for name in [*self._open]:
                if name != DEFAULT_PROJECT:
                    self._open.pop(name).leave()

    def _look(self, name: str | None) -> None:
        """Read the list, unless it was read just now and has this name."""
        if time.monotonic() - self._read_at < FRESH_SECONDS and name in self._known:
            return
        self._known = {project.name: project for project in self._projects().list()}
        self._read_at = time.monotonic()
        for gone in [each for each in self._open if each not in self._known]:
            log.info("project left", project=gone)
            self._open.pop(gone).leave()


class BesideEach(Generic[T]):
    """Runs what belongs beside the jobs of each project, for as long as there is the project.

    Args:
        tenants: The projects; looked at anew by every `keep_up`.
    """

    def __init__(self, tenants: Tenants[T]) -> None:
        self._tenants = tenants
        self._running: dict[str, Sequence[Beside]] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def start(self) -> None:
        """Begin with those that are there."""
        self.keep_up()

    def keep_up(self) -> None:
        """Begin with those that came, stop with those that went."""
        names = self._tenants.names()
        there = {tenant.project: tenant for tenant in self._tenants.each()}
        with self._lock:
            if self._stopped:
                return
            for name in [each for each in self._running if each not in names]:
                for each in self._running.pop(name):
                    each.stop(1.0)
            for name, tenant in there.items():
                if name not in self._running:
                    self._running[name] = tenant.beside
                    for each in self._running[name]:
                        each.start()

    def stop(self, timeout: float) -> None:
        """Stop with all."""
        with self._lock:
            self._stopped = True
            for several in self._running.values():
                for each in several:
                    each.stop(timeout)
            self._running.clear()


def _unknown(name: str) -> NotFound:
    return NotFound(
        f"There is no project `{name[:64]}`; `llmlabel projects list` shows those that there are.",
        field="project",
    )
