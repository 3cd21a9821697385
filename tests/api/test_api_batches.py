"""Batches as clients meet them: over a real socket, with uploads that break."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
import uvicorn
from small_service import SmallService

from llmlabel.api import create_app, receiving

LINES = "".join(
    json.dumps({"id": f"d{n}", "text": f"text {n}" + ("?" if n % 10 == 0 else "")}) + "\n"
    for n in range(700)
).encode()


@pytest.fixture
async def address(service: SmallService) -> AsyncIterator[str]:
    config = uvicorn.Config(create_app(service), host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture
async def caller(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield client


async def _created(client: httpx.AsyncClient, **wanted: Any) -> dict[str, str]:
    answer = await client.post("/v1/batches", json={"guidelines": ["sentiment"], **wanted})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["Location"] == made["urls"]["self"]
    assert made["batch"]["status"] == "uploading"
    return made["urls"]


async def _ended(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    for _ in range(1200):
        whole = (await client.get(url)).json()
        if whole["batch"]["status"] in ("done", "failed", "cancelled"):
            return whole
        await asyncio.sleep(0.05)
    raise AssertionError(whole)


async def test_a_file_is_sent_labeled_and_given_back(caller: httpx.AsyncClient) -> None:
    urls = await _created(caller, metadata={"campaign": "spring"})

    async def pieces() -> AsyncIterator[bytes]:  # so that no Content-Length is sent
        for start in range(0, len(LINES), 997):
            yield LINES[start : start + 997]
        yield b"{\n"

    sent = await caller.put(urls["file"], content=pieces())
    assert sent.status_code == 200, sent.text
    assert sent.json() == {"offset": len(LINES) + 2, "complete": True, "max_bytes": 1_000_000}
    whole = await _ended(caller, urls["self"])
    assert whole["batch"]["lines"] == 701
    assert whole["batch"]["metadata"] == {"campaign": "spring"}
    assert whole["progress"]["labeled"] == 700
    assert whole["progress"]["in_review"] == 70

    rows = [json.loads(line) for line in (await caller.get(urls["results"])).text.splitlines()]
    assert [row["line"] for row in rows] == list(range(1, 701))
    shown = (await caller.get("/v1/documents/d7/labels")).json()["labels"][0]
    shown["confidence"] = {k: v for k, v in shown["confidence"].items() if v is not None}
    assert {key: rows[7][key] for key in shown} == shown
    assert rows[7]["status"] == "done" and rows[7]["failure"] is None
    short = await caller.get(urls["results"], params={"after": 699, "opinions": False})
    assert json.loads(short.text)["source"]["opinions"] == []

    table = await caller.get(urls["results"], params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    cells = list(csv.DictReader(io.StringIO(table.text)))
    assert (cells[0]["line"], cells[0]["id"], cells[0]["route"]) == ("1", "d0", "review")
    columns = await caller.get(urls["results"], params={"format": "parquet"})
    read = pq.read_table(io.BytesIO(columns.content)).to_pylist()
    assert [row["id"] for row in read] == [cell["id"] for cell in cells]
    assert read[1]["confidence"] == 0.9

    wrong = [json.loads(line) for line in (await caller.get(urls["errors"])).text.splitlines()]
    assert [(each["line"], each["code"]) for each in wrong] == [(701, "bad-line")]
    as_csv = await caller.get(urls["errors"], params={"format": "csv"})
    assert as_csv.text.splitlines()[0] == "line,field,code,detail"


async def test_an_upload_that_broke_goes_on_where_it_was(
    caller: httpx.AsyncClient, address: str
) -> None:
    urls = await _created(caller)
    host, port = address.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"PUT {urls['file']} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(LINES)}\r\n\r\n"
    writer.write(head.encode() + LINES[:10_000])
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.close()  # the cable is pulled
    for _ in range(200):
        answer = await caller.head(urls["file"])
        if answer.headers["Upload-Offset"] == "10000":
            break
        await asyncio.sleep(0.05)
    assert answer.headers["Upload-Offset"] == "10000"
    assert answer.headers["Upload-Complete"] == "?0"
    assert (await caller.get(urls["file"])).json()["offset"] == 10_000
    assert (await caller.get(urls["self"])).json()["batch"]["status"] == "uploading"

    total = len(LINES)
    wrong = await caller.put(
        urls["file"],
        content=LINES[10:],
        headers={"Content-Range": f"bytes 10-{total - 1}/{total}"},
    )
    assert wrong.status_code == 409
    assert wrong.headers["Upload-Offset"] == "10000"
    assert wrong.json()["type"].endswith("upload-mismatch")
    middle = await caller.put(
        urls["file"], content=LINES[10_000:15_000], headers={"Content-Range": "bytes 10000-14999/*"}
    )
    assert middle.status_code == 200, middle.text
    assert middle.json()["complete"] is False
    last = await caller.put(
        urls["file"],
        content=LINES[15_000:],
        headers={"Content-Range": f"bytes 15000-{total - 1}/{total}"},
    )
    assert last.json()["complete"] is True
    whole = await _ended(caller, urls["self"])
    assert (whole["batch"]["accepted"], whole["batch"]["refused"]) == (700, 0)
    again = await caller.put(urls["file"], content=LINES)
    assert again.status_code == 409


async def test_a_file_whose_last_byte_came_is_said_to_be_whole(caller: httpx.AsyncClient) -> None:
    urls = await _created(caller)
    total = len(LINES)
    part = {"Content-Range": f"bytes 0-{total - 1}/*"}
    assert (await caller.put(urls["file"], content=LINES, headers=part)).json()["complete"] is False
    wrong = await caller.put(urls["file"], headers={"Content-Range": f"bytes */{total + 1}"})
    assert wrong.status_code == 409
    more = await caller.put(
        urls["file"], content=b"x", headers={"Content-Range": f"bytes */{total}"}
    )
    assert more.status_code == 422
    other = await _created(caller)
    await caller.put(other["file"], content=LINES, headers=part)
    done = await caller.put(other["file"], headers={"Content-Range": f"bytes */{total}"})
    assert done.json() == {"offset": total, "complete": True, "max_bytes": 1_000_000}
    assert (await _ended(caller, other["self"]))["batch"]["accepted"] == 700


async def test_a_silent_sender_is_given_up_and_what_came_is_kept(
    caller: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "IDLE_SECONDS", 0.2)
    urls = await _created(caller)

    async def pieces() -> AsyncIterator[bytes]:
        yield LINES[:1000]
        await asyncio.sleep(30)

    try:
        answer = await caller.put(urls["file"], content=pieces(), timeout=10)
        assert answer.status_code == 408
    except httpx.TransportError:
        pass  # the connection was closed before the client had sent all
    assert (await caller.get(urls["file"])).json()["offset"] == 1000


async def test_a_file_beyond_the_limit_is_refused(caller: httpx.AsyncClient) -> None:
    urls = await _created(caller)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 50_000

    for content in (b"x" * 1_000_001, endless()):
        answer = await caller.put(urls["file"], content=content)
        assert answer.status_code == 413, answer.text
        assert "1,000,000 bytes" in answer.json()["detail"]
    packed = await caller.put(urls["file"], content=gzip.compress(LINES))
    assert packed.status_code == 200
    assert (await _ended(caller, urls["self"]))["batch"]["accepted"] == 700


@pytest.mark.parametrize(
    "range",
    ["bytes 5-4/10", "bytes 0-9/5", "5-9/10", "bytes */*", "bytes 0-9/10 ", "bytes -5/10", "x"],
)
async def test_a_range_that_means_nothing_is_refused(client: httpx.AsyncClient, range: str) -> None:
    urls = await _created(client)
    answer = await client.put(urls["file"], content=b"abc", headers={"Content-Range": range})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Content-Range"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "guidelines"),
        ({"guidelines": []}, "guidelines"),
        ({"guidelines": ["sentiment"], "format": "xlsx"}, "format"),
        ({"guidelines": ["sentiment"], "budget_usd": "5"}, "budget_usd"),
        ({"guidelines": ["sentiment"], "budget_usd": -1}, "budget_usd"),
        ({"guidelines": ["sentiment"], "delimiter": ",,"}, "delimiter"),
        ({"guidelines": ["sentiment"], "columns": {"text": "id"}}, "columns"),
        ({"guidelines": ["sentiment"], "columns": {"text": ""}}, "columns.text"),
        ({"guidelines": ["transcription"]}, "guidelines"),
        ({"guidelines": ["sentiment"], "metadata": {"a": "\x00"}}, "metadata.a"),
        ({"guidelines": ["sentiment"], "lines": 3}, "lines"),
    ],
)
async def test_what_a_batch_cannot_be_is_named(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/batches", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


async def test_batches_are_listed_changed_paused_and_cancelled(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    service.held = True
    made = [await _created(client) for _ in range(3)]
    first = await client.get("/v1/batches", params={"limit": 2})
    found = [each["urls"]["self"] for each in first.json()["batches"]]
    rest = await client.get(
        "/v1/batches", params={"limit": 2, "cursor": first.json()["next_cursor"]}
    )
    found += [each["urls"]["self"] for each in rest.json()["batches"]]
    assert found == [urls["self"] for urls in reversed(made)]

    url, file = made[0]["self"], made[0]["file"]
    assert (await client.post(f"{url}/pause")).status_code == 409
    await client.put(file, content=LINES)
    changed = await client.patch(url, json={"budget_usd": 2.5})
    assert changed.json()["batch"]["budget_usd"] == 2.5
    assert (await client.patch(url, json={"budget_usd": None})).json()["batch"][
        "budget_usd"
    ] is None
    assert (await client.patch(url, json={})).status_code == 422
    assert (await client.post(f"{url}/pause")).json()["batch"]["status"] == "paused"
    page = await client.get("/v1/batches", params={"status": "paused"})
    assert [each["urls"]["self"] for each in page.json()["batches"]] == [url]
    assert (await client.post(f"{url}/resume")).json()["batch"]["status"] in ("reading", "labeling")
    gone = await client.post(f"{url}/cancel")
    assert gone.json()["batch"]["status"] == "cancelled"
    assert gone.json()["progress"]["waiting"] == 0
    assert (await client.post(f"{url}/resume")).status_code == 409
    service.held = False
    for path in ("", "/file", "/results", "/errors"):
        missing = await client.get(f"/v1/batches/b-none{path}")
        assert missing.status_code == 404, path
    assert (await client.head("/v1/batches/b-none/file")).status_code == 404


async def test_the_same_key_creates_one_batch(client: httpx.AsyncClient) -> None:
    body, headers = {"guidelines": ["sentiment"]}, {"Idempotency-Key": "once"}
    answers = [await client.post("/v1/batches", json=body, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await client.get("/v1/batches")).json()["batches"]) == 1


def test_files_are_for_their_owner_alone(service: SmallService, tmp_path: Path) -> None:
    batch = service.batches.create(["sentiment"])
    with service.batches.receiving(batch.id, None) as upload:
        upload.write(b"x")
    folder = tmp_path / "batches" / batch.id
    assert (folder.stat().st_mode & 0o777, (folder / "sent").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )
