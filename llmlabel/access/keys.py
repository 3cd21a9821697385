"""API keys: made, revoked, recognised."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from llmlabel.access.secret import id_in, matches, new_secret
from llmlabel.domain.access import ROLES, AccessKey, Role
from llmlabel.errors import InvalidInput, StoreUnavailable, Unauthorized
from llmlabel.store.access_keys import AccessKeys
from llmlabel.store.projects import Projects

FRESH_SECONDS = 1.0
"""A key that another process made or revoked is known here after so long."""

MAX_NAME = 200


class Keys:
    """The keys of a service.

    A key is checked against its scrypt hash once; then this process knows it by a fast hash, and
    whether it still counts by a copy of the table that is never older than a second.

    Args:
        rows: Where they are kept.
        clock: Tells the time.
        projects: Those that there are; a key of one that is gone counts no more.
    """

    def __init__(
        self,
        rows: AccessKeys,
        clock: Callable[[], datetime],
        projects: Projects,
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._projects = projects
        self._there: frozenset[str] = frozenset()
        self._known: dict[str, tuple[AccessKey, str]] = {}
        self._read_at: float | None = None
        self._reading = threading.Lock()
        self._pepper = secrets.token_bytes(32)
        self._verified: dict[bytes, str] = {}

    def create(
        self,
        name: str,
        roles: Sequence[str],
        project: str,
        *,
        by: str,
        expires_at: datetime | None = None,
        requests_per_minute: int | None = None,
        documents_per_minute: int | None = None,
    ) -> tuple[AccessKey, str]:
        """Make a key.

        Args:
            name: Whose it is.
            roles: What it is for.
            project: Where it counts.
            by: Who makes it.
            expires_at: When it ends; None for never.
            requests_per_minute: Its own limit; None for that of the settings, 0 for none.
            documents_per_minute: As above, for submitted documents.

        Returns:
            The key, and its text, which is kept nowhere.

        Raises:
            InvalidInput: A name, role or date cannot be used.
            NotFound: There is no such project.
        """
        self._projects.get(project)
        when = self._clock()
        if expires_at is not None and expires_at <= when:
            raise InvalidInput(
                f"The key would have ended at {expires_at:%Y-%m-%d %H:%M} UTC already; name a "
                "moment to come.",
                field="expires_at",
            )
        for field, limit in (
            ("requests_per_minute", requests_per_minute),
            ("documents_per_minute", documents_per_minute),
        ):
            if limit is not None and not 0 <= limit < 1 << 31:
                raise InvalidInput("A limit is a number from 1 on; 0 stands for none.", field=field)
        made = new_secret()
        key = AccessKey(
            id=made.id,
            name=_name(name),
            roles=_roles(roles),
            project=project,
            requests_per_minute=requests_per_minute,
            documents_per_minute=documents_per_minute,
            created_at=when,
            created_by=by[:MAX_NAME],
            expires_at=expires_at,
        )
        self._rows.add(key, made.hash)
        self.refresh()
        return key, made.text

    def list(self, project: str | None = None) -> Sequence[AccessKey]:
        """Every key, oldest first, those that ended included; of one project, if one is named."""
        return self._rows.list(project)

    def get(self, id: str, project: str | None = None) -> AccessKey:
        """One key.

        Raises:
            NotFound: There is none of that id in the project.
        """
        return self._rows.get(id, project)

    def revoke(self, id: str, project: str | None = None) -> AccessKey:
        """End a key with its browser sessions: here at once, in other processes within a second.

        Raises:
            NotFound: There is none of that id in the project.
        """
        revoked = self._rows.revoke(id, project)
        self.refresh()
        return revoked

    @property
    def is_fresh(self) -> bool:
        """Whether what is known of the keys is new enough to go by; else call `refresh`."""
        return self._read_at is not None and time.monotonic() - self._read_at < FRESH_SECONDS

    def refresh(self) -> None:
        """Read the keys anew.

        While the database is away what was known last goes on to count: whatever needs the
        database fails in any case, and the rest (metrics, guidelines) is there for operators.

        Raises:
            StoreUnavailable: The database is away, and nothing is known yet.
        """
        began = time.monotonic()
        with self._reading:
            if self._read_at is not None and self._read_at >= began:
                return  # another thread has just read them
            try:
                self._known, self._there = self._rows.hashes(), frozenset(self._projects.names())
            except StoreUnavailable:
                if self._read_at is None:
                    raise
            self._read_at = began

    @property
    def exist(self) -> bool:
        """Whether a key was ever made: from then on nobody comes in without one."""
        return bool(self._known)

    @property
    def usable(self) -> bool:
        """Whether one of them counts now."""
        return any(self.active(id) for id in self._known)

    def active(self, id: str) -> AccessKey | None:
        """The key of this id, if it counts now."""
        key, _ = self._known.get(id, (None, ""))
        if key is None or key.project not in self._there:
            return None
        return key if key.state(self._clock()) == "active" else None

    def remembered(self, text: str) -> AccessKey | None:
        """The key of this text, if it counts and was verified before; takes microseconds."""
        id = self._verified.get(self._fast(text))
        return None if id is None else self.active(id)

    def verify(self, text: str) -> AccessKey:
        """The key of this text; from now on it is remembered. Takes some 35 ms.

        Raises:
            Unauthorized: It is no key, or one that is revoked or expired.
        """
        id = id_in(text)
        key, kept = self._known.get(id or "", (None, ""))
        if key is None or not matches(text, kept):
            raise Unauthorized("The key is not one of this service; look whether it is whole.")
        state = key.state(self._clock())
        if state != "active":
            raise Unauthorized(f"The key `{key.id}` is {state}; ask an admin for another one.")
        if key.project not in self._there:
            raise Unauthorized(f"The project `{key.project}` of this key was deleted.")
        self._verified[self._fast(text)] = key.id
        return key

    def _fast(self, text: str) -> bytes:
        return hmac.digest(self._pepper, text.encode(errors="surrogatepass"), hashlib.sha256)


def _name(text: str) -> str:
    name = text.strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidInput(
            f"A key has a name of 1 to {MAX_NAME} printable characters, on one line: whose it is.",
            field="name",
        )
    return name


def _roles(names: Sequence[str]) -> tuple[Role, ...]:
    for name in names:
        if name not in ROLES:
            raise InvalidInput(
                f"`{name[:80]}` is no role; one of: {', '.join(ROLES)}.", field="roles"
            )
    if not names:
        raise InvalidInput(f"A key has at least one role: {', '.join(ROLES)}.", field="roles")
    return tuple(role for role in ROLES if role in names)
