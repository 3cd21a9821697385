"""Submitting recordings."""

from __future__ import annotations

from typing import Any

import httpx
from small_service import SmallService, tone

WAIT = {"Prefer": "wait=20"}


async def send(
    client: httpx.AsyncClient, sound: bytes, headers: dict[str, str] | None = None, **fields: Any
) -> httpx.Response:
    return await client.post(
        "/v1/audio",
        files={"file": ("call.wav", sound, "audio/wav")},
        data=fields,
        headers=headers or {},
    )


async def test_a_recording_becomes_a_document_with_labels(client: httpx.AsyncClient) -> None:
    fields = {"guidelines": ["sentiment", "transcription"], "language": "en", "id": "call"}
    answer = await send(client, tone(), WAIT, **fields, metadata='{"desk": 4}')
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert answer.headers["location"] == "/v1/documents/call"
    assert found["text"] == "hello there"
    assert found["transcript"]["language"] == "en"
    assert found["recording"]["file_name"] == "call.wav"
    assert found["metadata"] == {"desk": 4}
    assert {each["guideline"] for each in found["labels"]} == {
        "sentiment@1.0.0",
        "transcription@1.0.0",
    }


async def test_a_recording_alone_is_transcribed(client: httpx.AsyncClient) -> None:
    answer = await send(client, tone(), WAIT)
    assert [each["guideline"] for each in answer.json()["labels"]] == ["transcription@1.0.0"]


async def test_a_recording_is_accepted_before_it_is_transcribed(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.held = True
    answer = await send(client, tone(), guidelines="sentiment")
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    service.held = False
