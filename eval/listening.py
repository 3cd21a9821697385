"""Where a process that was given port 0 listens: no port is chosen for it that others may take."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

SECONDS = 180.0
"""Within which it listens, however busy the machine is."""


def address_of(process: subprocess.Popen[Any], log: Path) -> str:
    """Wait until the process listens at a TCP port; returns its address on loopback.

    Args:
        process: Started with port 0.
        log: What it writes, which is told if it ends before.
    """
    end = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            for each in psutil.Process(process.pid).net_connections("tcp"):
                if each.status == psutil.CONN_LISTEN:
                    return f"http://127.0.0.1:{each.laddr.port}"
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    raise RuntimeError(f"it does not listen: {log.read_text('utf-8', errors='replace')[-2000:]}")
