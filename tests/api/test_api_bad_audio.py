"""Recordings and forms that are refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from small_service import tone


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


async def send(client: httpx.AsyncClient, sound: bytes, **fields: Any) -> httpx.Response:
    files = {"file": ("call.wav", sound, "audio/wav")}
    return await client.post("/v1/audio", files=files, data=fields)


@pytest.mark.parametrize(
    ("sound", "status", "code"),
    [
        (b"", 422, "invalid-audio"),
        (b"This is a letter.", 422, "invalid-audio"),
        (tone()[:30], 422, "invalid-audio"),
        (tone(0), 422, "invalid-audio"),
        (tone(7), 413, "audio-too-long"),
        (b"\0" * 300_000, 413, "audio-too-long"),
    ],
    ids=["empty", "text", "cut off in the header", "zero seconds", "large", "larger"],
)
async def test_what_cannot_be_transcribed_is_refused_at_once(
    client: httpx.AsyncClient, sound: bytes, status: int, code: str
) -> None:
    answer = await send(client, sound)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"urn:llmlabel:problem:{code}"
    assert answer.json()["errors"][0]["field"] == "file"
    assert (await client.get("/v1/documents")).json()["documents"] == []


@pytest.mark.parametrize(
    ("fields", "status", "field"),
    [
        ({"colour": "red"}, 422, "colour"),
        ({"language": "English!"}, 422, "language"),
        ({"metadata": "{"}, 422, "metadata"),
        ({"metadata": "[]"}, 422, "metadata"),
        ({"guidelines": "nonsense"}, 404, "guideline"),
        ({"id": "a\nb"}, 422, "id"),
    ],
)
async def test_a_field_that_breaks_a_rule_is_named(
    client: httpx.AsyncClient, fields: dict[str, str], status: int, field: str
) -> None:
    answer = await send(client, tone(), **fields)
    assert answer.status_code == status, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_a_form_without_a_file_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/audio", files={"guidelines": (None, "sentiment")})
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["file"]
