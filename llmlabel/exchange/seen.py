"""A set of keys larger than memory: a private temporary database that spills to disk."""

from __future__ import annotations

import hashlib
import sqlite3


class Seen:
    """Remembers keys and a value with each, in bounded memory."""

    def __init__(self) -> None:
        # An empty name is SQLite's private temporary database: in the page cache while it is
        # small, in a file that vanishes on close when it grows.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, value TEXT) WITHOUT ROWID")

    def add(self, key: tuple[str, ...], value: str = "") -> str | None:
        """Remember a key unless it is known; give the value it is known with, else None."""
        digest = _digest(key)
        row = self._db.execute("SELECT value FROM seen WHERE key = ?", (digest,)).fetchone()
        if row is not None:
            return str(row[0])
        self._db.execute("INSERT INTO seen VALUES (?, ?)", (digest, value))
        return None

    def __contains__(self, key: tuple[str, ...]) -> bool:
        """Whether the key was added."""
        query = "SELECT 1 FROM seen WHERE key = ?"
        return self._db.execute(query, (_digest(key),)).fetchone() is not None

    def __len__(self) -> int:
        """Number of keys."""
        return int(self._db.execute("SELECT count(*) FROM seen").fetchone()[0])

    def close(self) -> None:
        """Free the database; the keys are gone."""
        self._db.close()


def _digest(key: tuple[str, ...]) -> bytes:
    joined = "\x1f".join(key).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).digest()
