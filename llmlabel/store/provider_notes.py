"""Short texts under a name that all workers share; see `llmlabel.llm.notes.Notes`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import sqlalchemy as sa

from llmlabel.store.database import Database
from llmlabel.store.provider_tables import provider_notes

T = TypeVar("T")


class ProviderNotes:
    """The notes of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def change(self, name: str, change: Callable[[str | None, float], tuple[str | None, T]]) -> T:
        """Replace a note while nobody else can look at it.

        Args:
            name: Of the note.
            change: Gets the note (None: there is none) and the time in seconds since 1970, by the
                one clock that all hosts share; gives the new one (None: as it was) and a result.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        with self._database.write() as connection:
            self._database.exclusive(connection, f"provider-note:{name}", forgettable=True)
            note = sa.select(provider_notes.c.value).where(provider_notes.c.name == name)
            value, seconds = self._database.value_and_seconds(connection, note.scalar_subquery())
            new, result = change(value, seconds)
            if new is not None:
                row = {"name": name, "value": new, "updated_at": self._database.clock()}
                if value is None:
                    connection.execute(sa.insert(provider_notes), row)
                else:
                    connection.execute(
                        sa.update(provider_notes).where(provider_notes.c.name == name).values(row)
                    )
        return result

    def every(self, prefix: str) -> tuple[Mapping[str, str], float]:
        """All notes whose names begin so, and the time, in seconds since 1970.

        Raises:
            StoreUnavailable: The database cannot be used.
        """
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(provider_notes.c.name, provider_notes.c.value).where(
                    provider_notes.c.name.startswith(prefix, autoescape=True)
                )
            )
            return {row.name: row.value for row in rows}, self._database.seconds(connection)
