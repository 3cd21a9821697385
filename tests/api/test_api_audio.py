"""Submitting recordings."""

from __future__ import annotations

from typing import Any

import httpx
from small_service import SmallService, tone

WAIT = {"Prefer": "wait=60"}


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


async def test_what_a_reviewer_heard_stands_beside_the_text(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.spoken = "hello there?"
    sent = await send(
        client, tone(), WAIT, guidelines=["sentiment", "ner", "transcription"], id="call"
    )
    assert (sent.json()["verified_text"], sent.json()["notes"]) == (None, [])
    assert sent.json()["verified_spans"] is None
    reviewer = {"X-Reviewer": "ann"}
    where = {"guideline": "transcription"}
    item = (await client.get("/v1/reviews/next", params=where, headers=reviewer)).json()
    verdict = {
        "token": item["lease"]["token"],
        "kind": "correct",
        "answer": {"kind": "transcript", "text": "so hello, bear"},
    }
    url = f"/v1/reviews/{item['id']}/verdict"
    assert (await client.post(url, json=verdict, headers=reviewer)).status_code == 200
    document = (await client.get("/v1/documents/call")).json()
    assert document["verified_text"] == "so hello, bear"
    assert document["text"] == "hello there?"
    [note] = document["notes"]
    assert "sentiment@1.0.0" in note
    assert "verified_text" in note
    spans = {each["guideline"]: each["answer"] for each in document["labels"]}["ner@1.0.0"]["spans"]
    assert [(each["start"], each["end"]) for each in spans] == [(0, 1)], "they count `text`"
    [moved] = document["verified_spans"]["ner@1.0.0"]
    assert moved == {**spans[0], "start": 3, "end": 4}
