"""Keys, sessions and the log of changes as clients get and send them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, Field

from llmlabel.access import Principal
from llmlabel.api.document_shapes import Body
from llmlabel.api.times import Moment
from llmlabel.domain.access import AccessEntry, AccessKey, KeyState, Role


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("In UTC it is beyond the last year that there is.") from error


UtcMoment = Annotated[Moment, AfterValidator(_in_utc)]
"""A moment; without a time zone it is one of UTC."""

PerMinute = Annotated[
    int | None,
    Field(
        default=None,
        strict=True,
        ge=0,
        lt=1 << 31,
        description="Its own limit; null for that of the settings, 0 for none.",
    ),
]


class KeyIn(Body):
    """A key that is to be made, for this project."""

    name: str = Field(
        max_length=200, description="Whose it is; what its owner decides bears this name."
    )
    roles: list[Role] = Field(min_length=1, max_length=4)
    expires_at: UtcMoment | None = Field(default=None, description="Null for never.")
    requests_per_minute: PerMinute
    documents_per_minute: PerMinute


class KeyOut(BaseModel):
    """A key without its secret."""

    id: str
    name: str
    roles: list[Role]
    project: str
    state: KeyState
    requests_per_minute: int | None
    documents_per_minute: int | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: AccessKey, when: datetime) -> Self:
        """A stored key as clients get it."""
        return cls(**key.model_dump(), state=key.state(when))


class KeyMade(BaseModel):
    """A key that was just made."""

    key: KeyOut
    secret: str = Field(description="The key itself, told this once and kept nowhere.")


class KeysOut(BaseModel):
    """The keys of the project, oldest first, those that ended included."""

    keys: list[KeyOut]


class SignIn(Body):
    """A key to be exchanged for a cookie."""

    key: str = Field(max_length=200, description="As it was told when it was made.")


class SessionOut(BaseModel):
    """Who asks, as far as the service knows."""

    open: bool = Field(
        description="The service has no keys: whoever reaches it may do all, and says who they are."
    )
    key_id: str | None
    name: str | None = Field(description="Under which the owner of the key decides.")
    roles: list[Role] = Field(description="Of the key; an admin may do all.")
    project: str
    csrf_token: str | None = Field(
        description="Of a browser session: every change by cookie bears it as `X-CSRF-Token`."
    )
    expires_at: datetime | None = Field(description="Of the browser session.")

    @classmethod
    def of(
        cls, principal: Principal, csrf: str | None = None, ends: datetime | None = None
    ) -> Self:
        """Who asks as clients get it."""
        return cls(
            open=principal.key is None,
            key_id=principal.id or None,
            name=principal.name,
            roles=[] if principal.key is None else list(principal.key.roles),
            project=principal.project,
            csrf_token=csrf,
            expires_at=ends,
        )


class AuditLogOut(BaseModel):
    """What was done in the project, newest first."""

    entries: list[AccessEntry]
    next_cursor: str | None = Field(description="Send it as `cursor`; null at the end.")
