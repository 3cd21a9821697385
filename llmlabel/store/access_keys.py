"""API keys and browser sessions: rows that say who may come in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from llmlabel.domain.access import AccessKey
from llmlabel.errors import NotFound
from llmlabel.store.access_tables import access_keys, access_sessions
from llmlabel.store.database import Database


class SessionRow(NamedTuple):
    """A browser session."""

    key_id: str
    expires_at: datetime


class AccessKeys:
    """The keys of one database, of every project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: AccessKey, secret_hash: str) -> None:
        """Keep a new key with the hash of its secret."""
        values = key.model_dump(exclude={"roles", "revoked_at"})
        values |= {"roles": json.dumps(key.roles), "secret_hash": secret_hash}
        with self._database.write() as connection:
            connection.execute(sa.insert(access_keys).values(**values))

    def list(self, project: str | None = None) -> Sequence[AccessKey]:
        """Every key, oldest first, revoked ones included; only those of a project, if given."""
        query = sa.select(access_keys).order_by(access_keys.c.seq)
        if project is not None:
            query = query.where(access_keys.c.project == project)
        with self._database.read() as connection:
            return [_key_of(row) for row in connection.execute(query)]

    def hashes(self) -> dict[str, tuple[AccessKey, str]]:
        """Every key with the hash of its secret, by id."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(access_keys))
            return {row.id: (_key_of(row), row.secret_hash) for row in rows}

    def get(self, id: str, project: str | None = None) -> AccessKey:
        """One key.

        Raises:
            NotFound: There is none of that id, or it is of another project than the one given.
        """
        with self._database.read() as connection:
            return _key_of(_row(connection, id, project))

    def revoke(self, id: str, project: str | None = None) -> AccessKey:
        """End a key and the browser sessions that it began; one that ended stays as it is.

        Raises:
            NotFound: As `get`.
        """
        with self._database.write() as connection:
            _row(connection, id, project)
            connection.execute(
                sa.update(access_keys)
                .where(access_keys.c.id == id, access_keys.c.revoked_at.is_(None))
                .values(revoked_at=self._database.clock())
            )
            connection.execute(sa.delete(access_sessions).where(access_sessions.c.key_id == id))
            return _key_of(_row(connection, id, project))


class AccessSessions:
    """The browser sessions of one database, found by the hash of their token."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, token_sha256: str, key_id: str, expires_at: datetime) -> None:
        """Begin a session; those that are over are forgotten."""
        when = self._database.clock()
        with self._database.write() as connection:
            connection.execute(
                sa.delete(access_sessions).where(access_sessions.c.expires_at <= when)
            )
            connection.execute(
                sa.insert(access_sessions).values(
                    token_sha256=token_sha256,
                    key_id=key_id,
                    created_at=when,
                    expires_at=expires_at,
                )
            )

    def find(self, token_sha256: str) -> SessionRow | None:
        """The session of a token; None when there is none, or it is over."""
        query = sa.select(access_sessions.c.key_id, access_sessions.c.expires_at).where(
            access_sessions.c.token_sha256 == token_sha256,
            access_sessions.c.expires_at > self._database.clock(),
        )
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else SessionRow(row.key_id, row.expires_at)

    def end(self, token_sha256: str) -> None:
        """End a session."""
        with self._database.write() as connection:
            connection.execute(
                sa.delete(access_sessions).where(access_sessions.c.token_sha256 == token_sha256)
            )


def _row(connection: sa.Connection, id: str, project: str | None) -> sa.Row[Any]:
    row = connection.execute(sa.select(access_keys).where(access_keys.c.id == id)).one_or_none()
    if row is None or project not in (None, row.project):
        raise NotFound(
            f"There is no key `{id[:80]}`; `llmlabel keys list` and GET /v1/keys name those there "
            "are.",
            field="id",
        )
    return row


def _key_of(row: sa.Row[Any]) -> AccessKey:
    values = {name: row._mapping[name] for name in AccessKey.model_fields}
    return AccessKey(**(values | {"roles": tuple(json.loads(row.roles))}))
