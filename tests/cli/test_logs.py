"""Whatever is logged goes to the standard error: results on the standard output stay clean."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from eval.listening import address_of
from llmlabel.cli.logs import log_to_stderr


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_a_warning_does_not_spoil_what_a_program_reads(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stderr()
    log = structlog.get_logger()
    log.info("begun")
    log.warning("certificate void", certificate="c-1")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "begun" not in captured.err
    assert "certificate void" in captured.err
    assert "c-1" in captured.err


def test_json_is_one_object_a_line_also_for_an_error_with_its_trace(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stderr("info", "json")
    log = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        log.info("begun")
    try:
        raise RuntimeError("of two\nlines")
    except RuntimeError:
        log.exception("unexpected error")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["request_id"]) == ("begun", "info", "abc")
    assert "RuntimeError: of two" in second["exception"]


def test_a_command_logs_to_the_standard_error(tmp_path: Path) -> None:
    code = (
        "import structlog, llmlabel.cli.quality as module\n"
        "real = module.build\n"
        "def build(settings):\n"
        "    structlog.get_logger().warning('heard')\n"
        "    return real(settings)\n"
        "module.build = build\n"
        "from llmlabel.cli.main import run\n"
        "run()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "quality", "sentiment", "--json"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"LLMLABEL_HOME": str(tmp_path)},
    )
    assert "heard" in done.stderr
    assert json.loads(done.stdout)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    written = tmp_path / "log"
    settings = {
        "LLMLABEL_HOME": str(tmp_path / "home"),
        "LLMLABEL_LOG_FORMAT": "json",
        "LLMLABEL_LOG_LEVEL": "info",
        "LLMLABEL_PORT": "0",
    }
    with written.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from llmlabel.cli.main import run; run()", "serve"],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | settings,
        )
        yield process, written
        process.kill()
        process.communicate()


def test_the_service_logs_json_where_it_is_asked_to(
    served: tuple[subprocess.Popen[str], Path],
) -> None:
    process, written = served

    def entries() -> list[dict[str, str]]:
        lines = written.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    address = address_of(process, written)
    assert httpx.get(f"{address}/healthz", timeout=120).status_code == 200
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert out == ""
    assert any("GET /healthz" in entry["event"] for entry in entries())
    assert {entry["level"] for entry in entries()} == {"info"}


def test_a_log_that_cannot_be_written_ends_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.open("/dev/full", os.O_WRONLY)  # as a disk without room
    try:
        monkeypatch.setattr(sys, "stderr", open(full, "w", closefd=False))  # noqa: SIM115
        for form in ("json", "text"):
            log_to_stderr("debug", form)
            log = structlog.get_logger()
            for told in (log.debug, log.info, log.warning, log.error, log.critical, log.exception):
                told("something happened")
    finally:
        os.close(full)
