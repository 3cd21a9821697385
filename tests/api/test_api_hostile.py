"""What is sent to do harm is refused as a problem with the limit it passes, or kept as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from small_service import SmallService, tone

JSON = {"Content-Type": "application/json"}
TEXT = {"text": "Fine.", "guidelines": ["sentiment"]}


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def nested(depth: int, kind: str = "[]") -> str:
    opening, closing = ("[", "]") if kind == "[]" else ('{"a":', "}")
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize("depth", [100, 255, 900, 200_000])
@pytest.mark.parametrize(
    ("kind", "place"), [("[]", "body"), ("{}", "metadata"), ("[]", "metadata")]
)
async def test_deep_nesting_breaks_nothing(
    client: httpx.AsyncClient, depth: int, kind: str, place: str
) -> None:
    deep = nested(depth, kind)
    body = {
        "body": deep,
        "metadata": f'{{"text": "A", "guidelines": ["sentiment"], "metadata": {{"a": {deep}}}}}',
    }[place]
    answer = await client.post("/v1/documents", content=body, headers=JSON)
    assert answer.status_code in (202, 400, 422), answer.text
    if answer.status_code == 202:
        again = await client.get(answer.headers["Location"])
        assert again.json()["metadata"] == json.loads(body)["metadata"]


@pytest.mark.parametrize(
    "number", ["1e400", "-1e400", "NaN", "Infinity", "9" * 5000, "1" + "0" * 400]
)
async def test_a_number_beyond_all_bounds_is_refused_or_kept_as_it_is(
    client: httpx.AsyncClient, number: str
) -> None:
    body = f'{{"text": "Fine.", "guidelines": ["sentiment"], "metadata": {{"n": {number}}}}}'
    answer = await client.post("/v1/documents", content=body, headers=JSON)
    assert answer.status_code in (202, 400, 422), answer.text
    if answer.status_code == 202:
        kept = (await client.get(answer.headers["Location"])).json()["metadata"]
        assert kept == json.loads(body)["metadata"]


@pytest.mark.parametrize("bad", ["\\ud800", "\\u0000", "a\\udfffb"])
@pytest.mark.parametrize("field", ["text", "id", "language", "guidelines", "key", "value"])
async def test_lone_surrogates_and_nul_are_refused_by_field(
    client: httpx.AsyncClient, bad: str, field: str
) -> None:
    given: dict[str, str] = {"text": '"Fine."', "guidelines": '["sentiment"]', "metadata": "{}"}
    given |= {
        "text": {"text": f'"{bad}"'},
        "id": {"id": f'"{bad}"'},
        "language": {"language": f'"{bad}"'},
        "guidelines": {"guidelines": f'["{bad}"]'},
        "key": {"metadata": f'{{"{bad}": 1}}'},
        "value": {"metadata": f'{{"a": ["{bad}"]}}'},
    }[field]
    body = "{" + ", ".join(f'"{name}": {value}' for name, value in given.items()) + "}"
    answer = await client.post("/v1/documents", content=body, headers=JSON)
    assert answer.status_code in (404, 422), answer.text
    assert answer.json()["errors"]


async def test_of_a_key_given_twice_the_last_counts_everywhere(client: httpx.AsyncClient) -> None:
    body = (
        '{"text": "First.", "guidelines": ["ner"], "text": "Second.", "guidelines": ["sentiment"]}'
    )
    answer = await client.post("/v1/documents", content=body, headers=JSON)
    found = (await client.get(answer.headers["Location"])).json()
    assert found["text"] == "Second."
    assert [each["guideline"] for each in found["requests"]] == ["sentiment@1.0.0"]


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..\\..\\boot.ini",
        "/etc/passwd",
        "a\x00.wav",
        ".",
        "..",
        "x" * 4000,
        "📞.wav",
        "話" * 300,
    ],
)
async def test_a_file_name_is_no_path(
    client: httpx.AsyncClient, service: SmallService, tmp_path: Path, name: str
) -> None:
    before = files_in(tmp_path)
    files = {"file": (name, tone(), "audio/wav")}
    answer = await client.post("/v1/audio", files=files)
    assert answer.status_code in (202, 422), answer.text
    new = files_in(tmp_path) - before
    sounds = {path for path in new if service.store.recordings.folder in path.parents}
    assert all(len(path.name) == 64 for path in sounds)
    assert {path.suffix for path in new - sounds} <= {".db-wal", ".db-shm", ".db-journal"}


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({**TEXT, "text": "x" * 20_001}, "20,000"),
        ({"documents": [TEXT] * 6}, "5"),
        ({**TEXT, "metadata": {"a": "x" * 70_000}}, "65,536"),
        ({**TEXT, "id": "x" * 257}, "256"),
        ({**TEXT, "guidelines": ["sentiment"] * 51}, "50"),
        ({**TEXT, "guidelines": ["x" * 101]}, "100"),
    ],
)
async def test_what_passes_a_limit_is_told_the_limit(
    client: httpx.AsyncClient, body: dict[str, Any], limit: str
) -> None:
    answer = await client.post("/v1/documents", json=body)
    assert answer.status_code in (413, 422), answer.text
    assert limit in answer.json()["detail"]


async def test_a_body_without_an_end_is_left_at_the_limit(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'{"text": "'
        while True:
            sent += 1 << 20
            yield b"x" * (1 << 20)

    answer = await client.post("/v1/documents", content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert "67,108,864" in answer.json()["detail"]
    assert sent < 200 << 20


async def test_a_form_without_an_end_is_left_at_the_limit(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
        while True:
            sent += 1 << 16
            yield b"x" * (1 << 16)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post("/v1/audio", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert "1,248,576" in answer.json()["detail"]
    assert sent < 10 << 20


@pytest.mark.parametrize(
    "fields", [[("guidelines", "sentiment")] * 3000, [(f"f{n}", "x") for n in range(3000)]]
)
async def test_a_form_of_thousands_of_fields_is_refused(
    client: httpx.AsyncClient, fields: list[tuple[str, str]]
) -> None:
    parts = [(name, (None, value)) for name, value in fields]
    answer = await client.post("/v1/audio", files=[*parts, ("file", ("a.wav", tone()))])
    assert answer.status_code in (400, 413, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
