"""SQLite files: copied while they are in use, and looked through for damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from llmlabel.store.schema_state import VERSION_TABLE

PAGES = 2000


def save(connection: sa.Connection, file: Path, progress: Callable[[int, int], None]) -> None:
    """Write an SQLite database, as this connection sees it, to a new file.

    Args:
        connection: As of `standing_still.snapshots`; others may write meanwhile.
        file: Where to.
        progress: Told how many pages of how many are done.
    """
    source = connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)
    with closing(sqlite3.connect(file)) as target:
        source.backup(
            target, pages=PAGES, progress=lambda _, left, total: progress(total - left, total)
        )
        # One file, not one with a log beside it.
        target.execute("PRAGMA journal_mode=DELETE")


def damage(file: Path) -> list[str]:
    """What SQLite finds wrong with a file that nothing has open; empty if nothing."""
    try:
        with closing(_resting(file)) as found:
            rows = found.execute("PRAGMA integrity_check(20)").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [line for (line,) in rows if line != "ok"]


def recordings_in(file: Path) -> list[tuple[str, int]]:
    """The recordings that a resting database tells of: hash and number of bytes."""
    with closing(_resting(file)) as found:
        return found.execute("SELECT sha256, bytes FROM recordings ORDER BY sha256").fetchall()


def revision_in(file: Path) -> str | None:
    """The newest migration of a resting database."""
    with closing(_resting(file)) as found:
        there = found.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (VERSION_TABLE,))
        if there.fetchone() is None:
            return None
        row = found.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608
    return None if row is None else str(row[0])


def _resting(file: Path) -> sqlite3.Connection:
    """Read it without leaving anything beside it."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?immutable=1", uri=True)
