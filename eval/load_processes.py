"""The processes of a load measurement, and what each of them uses of the processors."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import sqlalchemy as sa

START_SECONDS = 400
TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A process of the measurement.

    Args:
        name: For the reader.
        command: Arguments of this Python.
        log: File of what it prints.
        environment: In place of this process's.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 - commands of ours
                [sys.executable, *command], env=environment, stdout=out, stderr=out
            )

    @property
    def cpu_seconds(self) -> float:
        """Used so far."""
        return cpu_seconds(self._process.pid)

    def check(self) -> None:
        """Stop with the end of its log if it has ended."""
        if self._process.poll() is not None:
            said = self.log.read_text("utf-8", "replace")[-4000:]
            raise SystemExit(f"{self.name} ended:\n{said}")

    def stop(self) -> None:
        """End it in good order."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(40)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processors; 0 where that cannot be told."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS if fields else 0.0


class PostgresCpu:
    """What the server behind a URL has used of the processors: all its processes together."""

    def __init__(self, url: str) -> None:
        engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
        with engine.connect() as connection:
            pid = connection.execute(sa.text("select pg_backend_pid()")).scalar_one()
        engine.dispose()
        fields = _stat(pid)
        self._parent = int(fields[1]) if fields else 0

    @property
    def cpu_seconds(self) -> float:
        """Used so far, also by connections that are closed."""
        total = 0.0
        for folder in Path("/proc").glob("[0-9]*"):
            fields = _stat(int(folder.name))
            if fields and int(fields[1]) == self._parent:
                total += (int(fields[11]) + int(fields[12])) / TICKS
        own = _stat(self._parent)
        return total + (sum(int(each) for each in own[11:15]) / TICKS if own else 0.0)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def provider(folder: Path, seconds: float) -> Iterator[tuple[str, Process]]:
    """`eval.instant_provider`: its base URL, and its process."""
    port = free_port()
    command = ["-m", "eval.instant_provider", "--port", str(port), "--seconds", str(seconds)]
    process = Process("provider", command, folder / "provider.log")
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        yield f"http://127.0.0.1:{port}/v1", process
    finally:
        process.stop()


def llmlabel(
    name: str,
    folder: Path,
    command: Sequence[str],
    settings: Mapping[str, object],
    *,
    instant: bool,
    profile: bool,
) -> Process:
    """A process of `eval.load_service`.

    Args:
        name: Of the process, its log and its profile.
        folder: Where these are written.
        command: Of `llmlabel`.
        settings: By their names in `llmlabel.settings`.
        instant: With a model in the process.
        profile: With a look at where its time goes.
    """
    options = ["--instant"] if instant else []
    options += ["--profile", str(folder / f"{name}.profile")] if profile else []
    variables = {f"LLMLABEL_{key.upper()}": str(value) for key, value in settings.items()}
    return Process(
        name,
        ["-m", "eval.load_service", *options, "--", *command],
        folder / f"{name}.log",
        os.environ | variables,
    )


def wait_for(url: str, process: Process) -> None:
    """Wait until something answers there."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        process.check()
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{process.name} did not start")
