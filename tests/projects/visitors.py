"""Who asks a service for one project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx


@dataclass
class Visitor:
    """Somebody with an admin's key of one project."""

    client: httpx.AsyncClient
    key: str

    async def __call__(
        self, method: str, path: str, headers: dict[str, str] | None = None, **more: object
    ) -> httpx.Response:
        named = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return await self.client.request(method, path, headers=named, **more)  # type: ignore[arg-type]


Visitors = Callable[[str], Visitor]
