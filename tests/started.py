"""Scripts that run as processes of a test and are killed at its end, or before."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Process = subprocess.Popen[str]


@contextmanager
def processes() -> Iterator[Callable[..., Process]]:
    """Gives what starts a script with words, its input and output in pipes."""
    running: list[Process] = []

    def begin(script: object, *words: object) -> Process:
        command = [sys.executable, str(script), *map(str, words)]
        running.append(
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()
