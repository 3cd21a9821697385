"""Scripts that run as processes of a test and are killed at its end, or before."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Process = subprocess.Popen[str]


@contextmanager
def processes() -> Iterator[Callable[..., Process]]:
    """Gives what starts a script with words, its input and output in pipes."""
    running: list[Process] = []
    # As pytest has it, so that a script shares modules with the tests.
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def begin(script: object, *words: object) -> Process:
        command = [sys.executable, str(script), *map(str, words)]
        running.append(
            subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
        )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()
