"""A real service that is as talkative as it can be never repeats what it was sent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mood_service import write_guideline

from eval.listening import address_of
from llmlabel.testing import FakeProvider
from llmlabel.testing.faults import Fault
from llmlabel.testing.provider import ProviderRequest

SECRET = "Quennell-Okonkwo"


def rule(request: ProviderRequest) -> Fault | None:
    """Providers repeat what they were asked when they refuse it."""
    if "echoed" in request.text:
        return Fault.rejected(f"cannot process: {request.text}")
    return Fault.refusal() if "refused" in request.text else None


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with FakeProvider({"good": 0.6, "bad": 0.4}).fail(rule) as server:
        yield server


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_of_a_service_holds_no_text(
    tmp_path: Path, provider: FakeProvider, form: str
) -> None:
    given = {
        "HOME": str(tmp_path / "home"),
        "GUIDELINE_PATHS": str(write_guideline(tmp_path / "guidelines", promise="")),
        "LLM": "hosted_vllm/any",
        "LLM_API_KEY": "none",
        "LLM_API_BASE": provider.url,
        "LLM_ATTEMPTS": "1",
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": form,
        "PORT": "0",
    }
    log = tmp_path / "log"
    with log.open("wb") as out:
        service = subprocess.Popen(
            [sys.executable, "-c", "from llmlabel.cli.main import run; run()", "serve"],
            env={**os.environ, **{f"LLMLABEL_{name}": value for name, value in given.items()}},
            stdout=out,
            stderr=out,
            cwd=tmp_path,
        )
        try:
            with httpx.Client(base_url=address_of(service, log), timeout=120) as client:
                talk(client)
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(120)
    assert any(SECRET in request.text for request in provider.requests)
    written = log.read_text("utf-8", errors="replace")
    assert "/v1/documents" in written, "the log tells something at all"
    assert [line for line in written.splitlines() if SECRET in line] == []


def talk(client: httpx.Client) -> None:
    """Everything that takes a text, rightly and wrongly."""
    wait, ann = {"Prefer": "wait=60"}, {"X-Reviewer": "ann"}
    ids = []
    for kind in ("plain", "echoed", "refused"):
        body = {"text": f"{kind} {SECRET}", "guidelines": ["mood"], "metadata": {"of": SECRET}}
        answer = client.post("/v1/documents", json=body, headers=wait)
        assert answer.status_code == 200, answer.text
        ids.append(answer.json()["id"])
    for wrong in (
        {"text": SECRET, "guidelines": ["mood"], "id": 7},
        {"text": [SECRET], "guidelines": ["mood"]},
        {"text": SECRET, "guidelines": [SECRET]},
        {"text": f"{SECRET}\0", "guidelines": ["mood"]},
        {"id": ids[0], "text": f"another {SECRET}", "guidelines": ["mood"]},
        {"documents": [{"text": SECRET}] * 1001, "guidelines": ["mood"]},
    ):
        assert client.post("/v1/documents", json=wrong).status_code >= 400
    json_type = {"Content-Type": "application/json"}
    broken = client.post("/v1/documents", content=f'{{"text": "{SECRET}', headers=json_type)
    assert broken.status_code >= 400
    recording = {"file": ("call.wav", SECRET.encode(), "audio/wav")}
    said = client.post("/v1/audio", files=recording, data={"guidelines": "transcription"})
    assert said.status_code >= 400
    assert client.get("/v1/documents", params={"guideline": SECRET}).status_code < 500
    item = client.get("/v1/reviews/next", headers=ann).json()
    verdict = {
        "token": item["lease"]["token"],
        "kind": "correct",
        "answer": {"kind": "choice", "label": SECRET},
        "comment": SECRET,
    }
    address = f"/v1/reviews/{item['id']}/verdict"
    assert client.post(address, json=verdict, headers=ann).status_code >= 400
    verdict["answer"] = {"kind": "choice", "label": "bad"}
    assert client.post(address, json=verdict, headers=ann).status_code == 200
    assert client.delete(f"/v1/documents/{ids[0]}").status_code == 200
