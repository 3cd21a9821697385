"""The sound of a document, as players ask for it."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from small_service import SmallService, tone

from llmlabel.api import create_app

URL = "/v1/documents/calls/7/recording"
SOUND = tone(2.0)


async def send(client: httpx.AsyncClient, sound: bytes, **more: Any) -> None:
    file = more.pop("file", ("call.wav", sound, "audio/wav"))
    answer = await client.post(
        "/v1/audio",
        files={"file": file},
        data={"id": more.pop("id", "calls/7")},
        headers={"Prefer": "wait=60"},
    )
    assert answer.status_code == 200, answer.text


@pytest.fixture
async def client(service: SmallService) -> AsyncIterator[httpx.AsyncClient]:
    """With one recording of two seconds under an id with a slash."""
    app = create_app(service)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await send(client, SOUND)
            yield client


def samples_of(sound: bytes) -> np.ndarray:
    with av.open(io.BytesIO(sound)) as container:
        frames = [frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)]
        assert container.streams.audio[0].rate == 16_000
    return np.concatenate(frames)


async def test_the_recording_comes_back_byte_for_byte(client: httpx.AsyncClient) -> None:
    answer = await client.get(URL)
    assert answer.status_code == 200
    assert answer.content == SOUND
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"] == 'inline; filename="call.wav"'
    assert (await client.get("/v1/documents/calls%2F7/recording")).content == SOUND


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-99", SOUND[:100]),
        ("bytes=1000-1999", SOUND[1000:2000]),
        ("bytes=64000-", SOUND[64000:]),
        ("bytes=-44", SOUND[-44:]),
        ("bytes=64000-9999999", SOUND[64000:]),
    ],
)
async def test_a_player_gets_the_part_it_asks_for(
    client: httpx.AsyncClient, asked: str, expected: bytes
) -> None:
    answer = await client.get(URL, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == expected
    assert answer.headers["content-range"].endswith(f"/{len(SOUND)}")
    assert answer.headers["content-length"] == str(len(expected))


@pytest.mark.parametrize("asked", ["bytes=1-2,5-6", "bytes=9-3", "seconds=1-2", "bytes=-", "x"])
async def test_a_range_that_is_not_understood_is_passed_over(
    client: httpx.AsyncClient, asked: str
) -> None:
    answer = await client.get(URL, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, SOUND)


@pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=-0"])
async def test_a_range_beyond_the_end_is_a_problem(client: httpx.AsyncClient, asked: str) -> None:
    answer = await client.get(URL, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(SOUND)}"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_has_the_recording_already_does_not_get_it_again(
    client: httpx.AsyncClient,
) -> None:
    tag = (await client.get(URL)).headers["etag"]
    same = await client.get(URL, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (same.status_code, same.content) == (304, b"")
    resumed = await client.get(URL, headers={"Range": "bytes=5-9", "If-Range": tag})
    assert resumed.content == SOUND[5:10]
    stale = await client.get(URL, headers={"Range": "bytes=5-9", "If-Range": '"other"'})
    assert stale.content == SOUND


async def test_what_a_client_calls_a_page_is_not_served_as_one(client: httpx.AsyncClient) -> None:
    await send(client, SOUND, id="page", file=("<b>.html", SOUND, "text/html"))
    answer = await client.get("/v1/documents/page/recording")
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox"


async def test_a_text_has_no_recording(client: httpx.AsyncClient) -> None:
    await client.post(
        "/v1/documents", json={"id": "t", "text": "Fine.", "guidelines": ["sentiment"]}
    )
    for url in ("/v1/documents/t/recording", "/v1/documents/none/recording/peaks"):
        answer = await client.get(url)
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:llmlabel:problem:not-found"


async def test_a_recording_whose_file_was_removed_is_gone(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    for path in (tmp_path / "sound").rglob("*"):
        if path.is_file():
            path.unlink()
    for url in (URL, f"{URL}/peaks"):
        answer = await client.get(url)
        assert answer.status_code == 410
        assert "send the recording again" in answer.json()["detail"]


async def test_any_recording_can_be_had_as_flac(client: httpx.AsyncClient) -> None:
    answer = await client.get(URL, params={"form": "flac"})
    assert answer.headers["content-type"] == "audio/flac"
    assert answer.headers["etag"] != (await client.get(URL)).headers["etag"]
    assert np.array_equal(samples_of(answer.content), samples_of(SOUND))
    part = await client.get(URL, params={"form": "flac"}, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"fLaC")


async def test_the_outline_of_a_recording_follows_its_sound(client: httpx.AsyncClient) -> None:
    loud = np.frombuffer(tone(1.0)[44:], np.int16)
    half_silent = np.concatenate([np.zeros(8_000, np.int16), loud])
    with io.BytesIO() as file:
        with av.open(file, "w", format="wav") as out:
            stream = out.add_stream("pcm_s16le", rate=16_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(half_silent.reshape(1, -1), "s16", "mono")
            frame.sample_rate = 16_000
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        await send(client, b"", id="half", file=("half.wav", file.getvalue(), "audio/wav"))
    outline = (await client.get("/v1/documents/half/recording/peaks")).json()
    assert outline["seconds"] == 1.5
    assert outline["per_second"] == 50
    peaks = outline["peaks"]
    assert len(peaks) == 75
    assert max(peaks[:24]) <= 1
    assert all(abs(peak - round(9000 / 32768 * 99)) <= 1 for peak in peaks[26:74])
    again = await client.get("/v1/documents/half/recording/peaks")
    assert again.json() == outline
