"""Who a request speaks for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from llmlabel.domain.access import ROLES, AccessKey, Role
from llmlabel.domain.project import DEFAULT_PROJECT


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, where, and what for.

    Attributes:
        key: Their key; None while the service has none and lets in everybody on this machine.
        project: The only one they see.
        roles: What they may do.
        session: Hash of the token of their browser session; None with a key in the header.
    """

    key: AccessKey | None
    project: str
    roles: frozenset[Role]
    session: str | None = None

    @classmethod
    def of(cls, key: AccessKey, session: str | None = None) -> Principal:
        """The owner of a key."""
        return cls(key, key.project, frozenset(key.roles), session)

    @property
    def name(self) -> str | None:
        """The key's name, under which reviewers decide; None without a key."""
        return None if self.key is None else self.key.name

    @property
    def id(self) -> str:
        """Of the key; empty without one."""
        return "" if self.key is None else self.key.id

    @property
    def only_reviews(self) -> bool:
        """Whether they are to see of a document what its reviewer sees, and no more."""
        return self.key is not None and self.roles <= {"reviewer"}

    def may(self, allowed: Collection[Role]) -> bool:
        """Whether one of these roles is theirs; an admin's are all."""
        return "admin" in self.roles or not self.roles.isdisjoint(allowed)


ANYBODY = Principal(None, DEFAULT_PROJECT, frozenset(ROLES))
"""Whoever asks while there are no keys."""
