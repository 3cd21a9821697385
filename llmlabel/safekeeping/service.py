"""Every database of a service, with what lies beside each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.errors import Conflict, NotFound
from llmlabel.jobs.queue_files import make_queue
from llmlabel.store.database import Database
from llmlabel.store.migrate import upgrade
from llmlabel.store.projects import places
from llmlabel.store.transfer.alive import signs_of_life

ALIVE = timedelta(seconds=60)
"""A process that gave a sign of life within this time may be at work."""

WATCH_SECONDS = 8.0
"""Within this time a process that works gives another sign."""

Folders = Callable[[str], dict[str, Path]]
"""The folders of a project that hold files its database speaks of, by what they hold."""


class Service:
    """The databases of one service, opened as they are: nothing is brought up to date here.

    Args:
        url: Of the default project's database.
        folders: Of each project, given its name.
        watch_seconds: How long a process that looks dead is watched, where nothing may be at work.
    """

    def __init__(self, url: str, folders: Folders, *, watch_seconds: float = WATCH_SECONDS) -> None:
        self._watch_seconds = watch_seconds
        self.default = Database(url)
        self.folders = folders
        self._opened = {DEFAULT_PROJECT: self.default}

    def __enter__(self) -> Self:
        """Use it in a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection."""
        for database in reversed(self._opened.values()):
            database.close()

    @property
    def is_there(self) -> bool:
        """Whether there is a database: an SQLite file may not have been made yet."""
        return self.default.file is None or self.default.file.is_file()

    def refuse_absent(self) -> None:
        """See that there is something.

        Raises:
            NotFound: The SQLite file does not exist.
        """
        if not self.is_there:
            raise NotFound(
                f"There is no database {self.default.file}; set LLMLABEL_DATABASE_URL or "
                "LLMLABEL_HOME to where it is."
            )

    def refuse_alive(self) -> None:
        """See that no process works on it.

        Raises:
            Conflict: One gave a sign of life within the last minute.
        """
        signs, now = signs_of_life(self.default), self.default.clock()
        at_work = [name for name, at in signs.items() if abs(now - at) < ALIVE]
        if signs and not at_work:
            # Another host's clock may be wrong; that it gives new signs is sure.
            time.sleep(self._watch_seconds)
            later = signs_of_life(self.default)
            at_work = [name for name, at in later.items() if signs.get(name) != at]
        if at_work:
            raise Conflict(
                f"{', '.join(at_work)} may be at work on {self.shown}. Stop every process of the "
                f"service (one that was killed counts as at work for {ALIVE.seconds} seconds)."
            )

    @property
    def shown(self) -> str:
        """The database without its password, for people."""
        return self.default.engine.url.render_as_string(hide_password=True)

    def databases(self) -> list[Database]:
        """Of every project, the default one's first."""
        return [self.of_project(place.project) for place in places(self.default)]

    def of_project(self, project: str) -> Database:
        """The database of one project."""
        if project not in self._opened:
            self._opened[project] = self.default.of_project(project)
        return self._opened[project]

    def make(self, project: str) -> Database:
        """Make the database of a project, or bring it up to date, with the queue's tables."""
        database = self.of_project(project)
        upgrade(database)
        if project == DEFAULT_PROJECT:
            make_queue(database)
        return database
