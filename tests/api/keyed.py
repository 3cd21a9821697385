"""Keys of every kind for a service, and what requests with them bear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from small_service import SmallService

from llmlabel.domain.access import AccessKey


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def key_of(
    service: SmallService,
    name: str,
    *roles: str,
    project: str = "default",
    **limits: int,
) -> dict[str, str]:
    """The header of a new key."""
    return bearer(made(service, name, roles, project, **limits)[1])


def made(
    service: SmallService, name: str, roles: Sequence[str], project: str = "default", **limits: int
) -> tuple[AccessKey, str]:
    return service.access.keys.create(name, roles, project, by="test", **limits)


def expired(service: SmallService) -> dict[str, str]:
    """The header of a key that has just ended."""
    clock = service.store.database.clock
    soon = clock() + timedelta(milliseconds=20)
    _, text = service.access.keys.create("old", ["admin"], "default", by="test", expires_at=soon)
    while clock() < soon:
        pass
    return bearer(text)


def revoked(service: SmallService) -> dict[str, str]:
    """The header of a key that was revoked."""
    key, text = made(service, "gone", ["admin"])
    service.access.keys.verify(text)
    service.access.keys.revoke(key.id)
    return bearer(text)
