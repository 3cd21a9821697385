from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.api import create_app
from llmlabel.domain.document import Document


@pytest.fixture
def service(tmp_path: Path) -> SmallService:
    return SmallService(tmp_path)


@pytest.fixture
def resting(service: SmallService) -> Iterator[FastAPI]:
    """The service without its queue, for what never gets that far; it starts at once."""
    yield create_app(service)
    service.store.close()


@pytest.fixture
async def app(service: SmallService) -> AsyncIterator[FastAPI]:
    app = create_app(service)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def doubted(service: SmallService) -> Callable[..., list[str]]:
    """Has texts that were labeled with doubt, so that they wait for review."""

    def put(*texts: str, guideline: str = "sentiment") -> list[str]:
        ref = service.guidelines.get(guideline).ref
        documents = [Document.of_text(f"{text}?") for text in texts]
        service.store.documents.add(documents, [ref])
        service.store.labels.save([service.label_of(document, ref) for document in documents])
        return [document.id for document in documents]

    return put
