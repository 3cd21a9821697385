"""`llmlabel worker` does what a service without a worker accepted, and stops in good order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import mood_service as mood
import pytest
from test_reaper import status

from llmlabel.bootstrap import Application, build
from llmlabel.domain.document import Document
from llmlabel.testing import FakeProvider

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with mood.provider() as fake:
        yield fake


@pytest.fixture
def service(database_url: str, tmp_path: Path, provider: FakeProvider) -> Iterator[Application]:
    """An application that accepts and does nothing."""
    folder = mood.write_guideline(tmp_path / "guidelines", promise="")
    given = {"database_url": database_url, "queues": (), "train_after": 0}
    application = build(mood.settings(tmp_path / "home", provider.url, folder, **given))
    application.runner.start()
    yield application
    application.runner.stop()
    application.store.close()


@pytest.fixture
def start(service: Application) -> Iterator[Start]:
    settings = service.settings
    env = {
        **os.environ,
        "LLMLABEL_HOME": str(settings.home),
        "LLMLABEL_DATABASE_URL": settings.resolved_database_url,
        "LLMLABEL_GUIDELINE_PATHS": str(settings.guideline_paths[0]),
        "LLMLABEL_LLM": settings.llm,
        "LLMLABEL_LLM_API_KEY": "none",
        "LLMLABEL_LLM_API_BASE": str(settings.llm_api_base),
    }
    running: list[subprocess.Popen[bytes]] = []

    def begin(*options: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        code = "from llmlabel.cli.main import run; run()"
        with (log or Path(os.devnull)).open("wb") as out:
            command = [sys.executable, "-c", code, "worker", *options]
            running.append(subprocess.Popen(command, env=env, stderr=out))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < end, "it did not come so far"
        time.sleep(0.05)


def with_metrics(start: Start) -> tuple[subprocess.Popen[bytes], int]:
    """A worker of the text queue that answers Prometheus, and where."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = start("--queues", "text", "--metrics-port", str(port))
        until(lambda: answers(port) or process.poll() is not None)  # noqa: B023
        if process.poll() is None:
            return process, port  # else another program was faster, and took the port


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_a_worker_labels_what_a_service_without_one_accepted(
    service: Application, start: Start
) -> None:
    documents = [Document.of_text(text) for text in mood.texts(60, 0)]
    service.jobs.submit(documents, [mood.REF])
    process, port = with_metrics(start)
    assert service.jobs.wait([each.id for each in documents], 120)
    assert service.store.counts().requests == {"queued": 0, "done": 60, "failed": 0}
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert 'llmlabel_jobs_total{outcome="done",queue="label"' in answer.read().decode()
    [worker] = service.store.work.signs()
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert worker not in service.store.work.signs()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_told_twice_to_stop_hands_back_what_it_had_begun(
    service: Application, start: Start, provider: FakeProvider, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    provider._think_seconds = 3600
    [stored] = service.jobs.submit([Document.of_text("good day 1")], [mood.REF])
    process = start(log=log)
    until(lambda: bool(provider.requests))
    process.send_signal(signal.SIGTERM)
    until(lambda: b"Stop it again" in log.read_bytes())
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert status(service.store) == "ENQUEUED"
    assert service.store.documents.get(stored.id).requests[0].attempts == 0


def test_a_worker_without_work_is_refused(tmp_path: Path) -> None:
    code = "from llmlabel.cli.main import run; run()"
    env = {**os.environ, "LLMLABEL_HOME": str(tmp_path), "LLMLABEL_QUEUES": ""}
    command = [sys.executable, "-c", code, "worker"]
    done = subprocess.run(command, capture_output=True, env=env, check=False)
    assert done.returncode == 1
    assert b"needs something to work on" in done.stderr
