"""Who may do what: roles, API keys, and the log of what was done under them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from pydantic import Field

from llmlabel.domain.base import Value

Role = Literal["submitter", "reviewer", "evaluator", "admin"]
"""What a key is for. An admin may do all, in the key's own project."""

ROLES: tuple[Role, ...] = get_args(Role)

KeyState = Literal["active", "expired", "revoked"]


class AccessKey(Value):
    """An API key, without its secret, of which only a hash is kept.

    Attributes:
        id: The part of the key that is no secret.
        name: Whose key it is; reviewers decide under it. Several keys may bear one name, so that
            one can replace another without a gap.
        project: Where it counts, and nowhere else.
        requests_per_minute: Its own limit; None for that of the settings, 0 for none.
        documents_per_minute: As above, for submitted documents.
        created_by: Name of the key it was made with; of the command line `cli:` and the user.
    """

    id: str
    name: str
    roles: tuple[Role, ...]
    project: str
    requests_per_minute: int | None = None
    documents_per_minute: int | None = None
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, when: datetime) -> KeyState:
        """Whether it counts at that moment, and if not, why."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= when:
            return "expired"
        return "active"


class AccessEntry(Value):
    """One change that somebody asked for; never what it contained."""

    at: datetime
    key_id: str | None = Field(description="Null: the command line.")
    name: str = Field(description="Of the key when it was used; of the command line `cli:user`.")
    project: str
    method: str = Field(description="Of HTTP; `CLI` for the command line.")
    route: str = Field(description="Template of the route, or the command.")
    target: str = Field(
        description="The id in the path, if there is one. Documents, which may be deleted, are "
        "named there by `e-` and the beginning of the SHA-256 of their id."
    )
    status: int = Field(description="Of the answer; 0 for the command line.")
    request_id: str
