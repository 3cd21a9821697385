"""`/review`: the page, its headers, and what stands there when it is not built."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from llmlabel.api import problems
from llmlabel.api.page import add_page

INDEX = (
    '<!doctype html><script type="module" src="/review/assets/a-1.js" nonce="__NONCE__"></script>'
)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX, "utf-8")
    (folder / "icon.svg").write_text("<svg/>", "utf-8")
    (folder / "assets" / "a-1.js").write_text("let a = 1;", "utf-8")
    (folder / "assets" / "a-1.js.gz").write_bytes(gzip.compress(b"let a = 1;"))
    (tmp_path / "secret.js").write_text("let key;", "utf-8")
    return folder


def client_of(built: Path) -> httpx.AsyncClient:
    app = FastAPI()
    problems.install(app)
    add_page(app, built)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost")


async def test_the_page_is_never_old_and_runs_nothing_but_itself(built: Path) -> None:
    answer = await client_of(built).get("/review")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


async def test_every_answer_has_a_nonce_of_its_own(built: Path) -> None:
    client = client_of(built)
    nonces = set()
    for _ in range(3):
        answer = await client.get("/review")
        said = re.search(r"'nonce-([^']+)'", answer.headers["content-security-policy"])
        assert said is not None
        assert f'nonce="{said[1]}"' in answer.text
        assert "__NONCE__" not in answer.text
        nonces.add(said[1])
    assert len(nonces) == 3


async def test_files_named_by_their_content_are_kept_for_ever_and_sent_packed(built: Path) -> None:
    client = client_of(built)
    packed = await client.get("/review/assets/a-1.js")
    plain = await client.get("/review/assets/a-1.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == "let a = 1;"
    for answer in (packed, plain):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "name",
    [
        "gone-2.js",
        "..%2f..%2fsecret.js",
        "..%2findex.html",
        "%2e%2e",
        "a-1.js.gz",
        "",
        f"{300 * 'a'}.js",
    ],
)
async def test_nothing_else_is_served(built: Path, name: str) -> None:
    answer = await client_of(built).get(f"/review/assets/{name}")
    assert answer.status_code == 404
    assert "let key" not in answer.text


async def test_a_page_that_is_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    client = client_of(tmp_path / "none")
    answer = await client.get("/review")
    assert answer.status_code == 503
    assert "make page" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert (await client.get("/review/assets/a.js")).status_code == 404


async def test_a_page_built_while_the_service_runs_is_served(tmp_path: Path, built: Path) -> None:
    place = tmp_path / "later"
    client = client_of(place)
    assert (await client.get("/review")).status_code == 503
    built.rename(place)  # noqa: ASYNC240
    assert (await client.get("/review")).status_code == 200


async def test_a_slash_at_the_end_leads_to_the_page(built: Path) -> None:
    answer = await client_of(built).get("/review/")
    assert (answer.status_code, answer.headers["location"]) == (308, "/review")
