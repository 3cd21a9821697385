"""Whatever happens, no secret is in a log, an answer, a metric, a trace or an error's words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from eval.full_queue import serving, write_guideline  # noqa: E402
from llmlabel.errors import LlmlabelError  # noqa: E402
from llmlabel.store import Store  # noqa: E402
from llmlabel.testing import FakeProvider  # noqa: E402
from llmlabel.testing.faults import Fault  # noqa: E402
from llmlabel.testing.provider import ProviderRequest  # noqa: E402

PROVIDER_KEY = "sk-provider-5f1ZqQ7uTkR0mWc2"
DATABASE_PASSWORD = "pw-database-9hVx3LeN"
HOOK_PATH = "T0K3N-hook-path-77aQ"
GATEWAY_PASSWORD = "pw-gateway-4sKd8Yb"
CLI = [sys.executable, "-c", "from llmlabel.cli.main import run; run()"]
REFUSALS = {
    "denied": Fault.unauthorized(),
    "forbidden": Fault.unauthorized(403),
    "echo": Fault.rejected("Unknown parameter for key {key}"),
    "broken": Fault.server_error(503),
}


@pytest.fixture
def traces() -> Iterator[tuple[str, list[bytes]]]:
    """Where traces are sent to, and what came."""
    seen: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", seen
    server.shutdown()
    server.server_close()


def refusing(request: ProviderRequest) -> Fault | None:
    return next((fault for word, fault in REFUSALS.items() if word in request.text), None)


def with_password(url: str) -> str:
    """The URL of a database with a password in it, which a server that trusts does not read."""
    return url.replace("://postgres:@", f"://postgres:{DATABASE_PASSWORD}@")


@pytest.mark.timeout(600)
def test_a_service_never_tells_its_secrets(
    tmp_path: Path,
    database_url: str,
    traces: tuple[str, list[bytes]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = with_password(database_url)
    assert (DATABASE_PASSWORD in url) == url.startswith("postgresql")
    collector, traced = traces
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
    monkeypatch.setenv("OPENAI_API_KEY", PROVIDER_KEY)
    answers: list[str] = []
    with FakeProvider({"glad": 0.95, "sad": 0.05}).fail(refusing) as provider:
        gateway = provider.url.replace("://", f"://user:{GATEWAY_PASSWORD}@")
        settings = {
            "llm": "hosted_vllm/any",
            "llm_api_key": PROVIDER_KEY,
            "llm_api_base": provider.url,
            "llm_attempts": 1,
            "llm_fallbacks": f"hosted_vllm/other@{gateway}",
            "webhooks_private": "true",
            "log_level": "debug",
            "log_format": "json",
        }
        with serving(tmp_path, url, write_guideline(tmp_path), **settings) as served:
            key = first_key(tmp_path / "home", url)
            secrets = [key, *talk(served.address, key, answers)]
        keys_sent = {request.key for request in provider.requests}
    assert keys_sent >= {PROVIDER_KEY}, "the provider was asked with the key"
    written = {
        "log": (tmp_path / "serve.log").read_text("utf-8", "replace"),
        "answers": "\n".join(answers),
        "traces": b"\n".join(traced).decode("latin-1"),
    }
    assert '"status": 401' in written["log"]
    assert "labeler:llm" in written["traces"]
    assert "llmlabel_labels_total" in written["answers"]
    hidden = [*secrets, PROVIDER_KEY, DATABASE_PASSWORD, GATEWAY_PASSWORD]
    for place, words in written.items():
        for secret in hidden:
            assert secret not in words, f"{place}: {around(words, secret)}"
    assert HOOK_PATH not in written["log"] + written["traces"]
    for file in tmp_path.glob("*.db*"):
        assert key.encode() not in file.read_bytes(), "of a key only its hash is kept"
        assert PROVIDER_KEY.encode() not in file.read_bytes()


def first_key(home: Path, url: str) -> str:
    """A key made on the command line beside the service."""
    environment = {**os.environ, "LLMLABEL_HOME": str(home), "LLMLABEL_DATABASE_URL": url}
    roles = [part for role in ("submitter", "reviewer", "admin") for part in ("--role", role)]
    made = subprocess.run(
        [*CLI, "keys", "create", "--name", "ada", *roles, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert DATABASE_PASSWORD not in made.stdout + made.stderr
    return str(json.loads(made.stdout)["secret"])


def talk(address: str, key: str, answers: list[str]) -> list[str]:
    """Successes and failures of every kind; gives the secrets that were shown once."""
    secrets: list[str] = []

    def keep(answer: httpx.Response) -> httpx.Response:
        answers.append(f"{answer.headers}\n{answer.text}")
        return answer

    owner = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=address, timeout=90) as client:
        for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), PROVIDER_KEY, "llml_x"):
            refused = client.get("/v1/documents", headers={"Authorization": f"Bearer {wrong}"})
            assert keep(refused).status_code == 401
            secrets.append(wrong)
        client.headers.update(owner)
        hook = {"url": f"http://127.0.0.1:9/{HOOK_PATH}"}
        added = client.post("/v1/webhooks", json=hook)  # shows its secret, this once
        secrets.append(added.raise_for_status().json()["secret"])
        renewed = client.post(f"/v1/webhooks/{added.json()['webhook']['id']}/secret", json={})
        secrets.append(renewed.raise_for_status().json()["secret"])
        keep(client.post(f"/v1/webhooks/{added.json()['webhook']['id']}/test"))
        for word in ("plain", *REFUSALS):
            body = {"text": f"{word} words", "guidelines": ["mood"]}
            keep(client.post("/v1/documents", json=body, headers={"Prefer": "wait=45"}))
        bad = {"text": "x", "guidelines": [key]}
        client.post("/v1/documents", json=bad)  # says again what was sent, to who sent it
        for path in ("/v1/documents", "/v1/webhooks", "/v1/keys", "/v1/audit-log", "/metrics"):
            keep(client.get(path))
        for path in ("/readyz", "/openapi.json", "/v1/metrics/costs", "/v1/reviews", "/nowhere"):
            keep(client.get(path))
    with httpx.Client(base_url=address, timeout=90) as browser:
        signed_in = browser.post("/v1/session", json={"key": key})
        keep(browser.get("/v1/documents"))
        secrets += list(signed_in.cookies.values())
        assert secrets[-1] not in signed_in.text
    return secrets


def around(words: str, secret: str) -> str:
    """The place where a secret stands, without it."""
    at = words.index(secret)
    return words[max(0, at - 200) : at] + "…" + words[at + len(secret) :][:100]


UNUSABLE = (
    "postgresql+psycopg://ada:{}@127.0.0.1:1/labels",
    "postgresql+psycopg://ada:{}@127.0.0.1:notaport/labels",
    "postgresql+psycopg://ada:{}@[::1/labels",
    "nosuch+driver://ada:{}@127.0.0.1/labels",
    "mysql://ada:{}@127.0.0.1/labels",
    "ada:{}@127.0.0.1/labels",
)


@pytest.mark.parametrize("url", UNUSABLE)
def test_a_database_that_cannot_be_used_is_told_of_without_its_password(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(LlmlabelError) as refused:
        Store.open(url.format(DATABASE_PASSWORD), recordings=tmp_path)
    told = "".join(traceback.format_exception(refused.value, chain=False))
    assert DATABASE_PASSWORD not in told + refused.value.detail


def test_the_command_line_tells_of_it_without_its_password(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "LLMLABEL_HOME": str(tmp_path),
        "LLMLABEL_DATABASE_URL": UNUSABLE[0].format(DATABASE_PASSWORD),
        "LLMLABEL_LOG_LEVEL": "debug",
    }
    done = subprocess.run(
        [*CLI, "serve"], env=environment, capture_output=True, text=True, check=False, timeout=150
    )
    assert done.returncode != 0
    assert "127.0.0.1" in done.stdout + done.stderr
    assert DATABASE_PASSWORD not in done.stdout + done.stderr
