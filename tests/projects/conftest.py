"""A service with two projects, over both databases, a fake provider and keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import mood_service as mood
import pytest
from visitors import Visitor

from llmlabel.api import create_app
from llmlabel.bootstrap import Application, build_service
from llmlabel.domain.access import ROLES
from llmlabel.testing import FakeProvider

PRICED = "hosted_vllm/any=1:4"


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with mood.provider() as fake:
        yield fake


@pytest.fixture
def service(database_url: str, tmp_path: Path, provider: FakeProvider) -> Application:
    """Of the default project, beside which there are `east` and `west`."""
    folder = mood.write_guideline(tmp_path / "guidelines", promise="")
    settings = mood.settings(
        tmp_path / "home",
        provider.url,
        folder,
        database_url=database_url,
        train_after=0,
        llm_prices=PRICED,
        llm_attempts=1,
        webhooks_private=True,
    )
    service = build_service(settings)
    for name in ("east", "west"):
        service.projects.create(name)
    return service


@pytest.fixture
async def visitors(service: Application) -> AsyncIterator[Callable[[str], Visitor]]:
    """The service at work, and who asks it for a project."""
    app = create_app(service)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:

            def visitor(project: str) -> Visitor:
                _, text = service.access.keys.create(
                    f"of {project}", sorted(ROLES), project, by="test"
                )
                return Visitor(client, text)

            yield visitor
