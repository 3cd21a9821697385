from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.api import create_app


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
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


@pytest.fixture
def doubted(client: httpx.AsyncClient) -> Callable[..., object]:
    """Has texts labeled with doubt, so that they wait for review."""

    async def submit(*texts: str, guideline: str = "sentiment") -> list[str]:
        ids = []
        for text in texts:
            answer = await client.post(
                "/v1/documents",
                json={"text": f"{text}?", "guidelines": [guideline]},
                headers={"Prefer": "wait=20"},
            )
            assert answer.status_code == 200, answer.text
            ids.append(answer.json()["id"])
            await asyncio.sleep(0)
        return ids

    return submit
