"""Names of worker processes: no two alike, and who lives on this machine can be told."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path


def worker_id() -> str:
    """A name for this process that no other ever has: host, process space, process, chance.

    It is new at every start. What an earlier process of this machine left is found by its name,
    which says that it is gone (`is_gone`); nothing has to be set for it.
    """
    return f"{_here()}:{os.getpid()}:{secrets.token_hex(3)}"


def is_gone(worker: str) -> bool:
    """Whether a worker was a process of this machine that does not live any more.

    Of one of another machine or container, or under another kind of name, this is not known.
    """
    here, _, rest = worker.rpartition(":")[0].rpartition(":")
    if os.name != "posix" or here != _here() or not rest.isdigit():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it lives, and is somebody else's
    return False


def _here() -> str:
    # Containers may share a host name, and number their processes each from 1.
    try:
        space = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        space = 0
    boot = Path("/proc/sys/kernel/random/boot_id")
    try:
        booted = boot.read_text("ascii")[:8]
    except OSError:
        booted = ""
    return f"{socket.gethostname()}:{booted}.{space:x}"
