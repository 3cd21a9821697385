"""A file made ready to be read: what its lines are in, and how many there are.

What a compressed file or a Parquet file claims of itself cannot be trusted, and what reads it is
large and not ours: a file that takes all memory, or ends the process that reads it, must not take
the service with it. So `llmlabel.batches.unpacking` does it in a process of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmlabel.batches.kinds import Unreadable, kind_of
from llmlabel.batches.limits import CPU_SECONDS, BatchLimits
from llmlabel.batches.unpacking import FULL
from llmlabel.domain.batch import BatchFormat, Columns
from llmlabel.errors import StoreUnavailable

BLOCK = 1 << 20
PART = "unpacking-"


def needs_unpacking(path: Path, format: BatchFormat) -> bool:
    """Whether the lines of the file have to be unpacked.

    Raises:
        Unreadable: It is not what it was said to be.
    """
    kind = kind_of(path)
    if kind == "zip":
        raise Unreadable("The file is a zip archive; send the file in it, or compress it by gzip.")
    if (kind == "parquet") != (format == "parquet"):
        if kind == "parquet":
            raise Unreadable("The file is Parquet; create the batch with `format`: `parquet`.")
        raise Unreadable(
            "The file is not Parquet; create the batch with `format`: `jsonl` or `csv`, or send "
            "the Parquet file as it is, without another compression around it."
        )
    return kind != "plain"


def count_lines(path: Path, limits: BatchLimits, going_on: Callable[[], bool]) -> int:
    """How many lines a plain file has.

    Raises:
        Unreadable: There are none, or more than may be.
        InterruptedError: `going_on` said no.
    """
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            lines += block.count(b"\n")
            last = block[-1:]
            if not going_on():
                raise InterruptedError
            if lines > limits.max_lines:
                break
    lines += last != b"\n"
    return _checked(lines, limits)


def _checked(lines: int, limits: BatchLimits) -> int:
    if lines > limits.max_lines:
        raise Unreadable(
            f"The file has more than {limits.max_lines:,} lines; split it, or raise "
            "LLMLABEL_MAX_BATCH_LINES."
        )
    if lines == 0:
        raise Unreadable("The file is empty; send one document a line.")
    return lines


def unpack(
    source: Path,
    target: Path,
    *,
    columns: Columns,
    limits: BatchLimits,
    going_on: Callable[[], bool],
) -> int:
    """Write the lines of a compressed or Parquet file; gives how many there are.

    A row of a Parquet file becomes a line of JSON.

    Args:
        source: The file.
        target: Is there once all is written.
        columns: Which columns of a Parquet file are read.
        limits: What ends it.
        going_on: Asked every moment; False ends it.

    Raises:
        Unreadable: The file is broken or beyond a limit.
        StoreUnavailable: There is no room on the disk.
        InterruptedError: `going_on` said no.
    """
    for left in target.parent.glob(f"{PART}*"):
        left.unlink(missing_ok=True)  # by a process that was killed
    part = target.with_name(f"{PART}{uuid.uuid4().hex}")  # another worker may do the same
    order = {
        "source": str(source),
        "target": str(part),
        "columns": columns.model_dump(),
        "limits": limits.model_dump(),
    }
    # Memory that is only reserved would count against the limit.
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}
    process = subprocess.Popen(
        [sys.executable, "-m", "llmlabel.batches.unpacking"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        with contextlib.suppress(BrokenPipeError):
            _ask(process, order)
        while process.poll() is None:
            if not going_on():
                raise InterruptedError
            time.sleep(0.05)
        assert process.stdout is not None
        lines = _answered(process.returncode, process.stdout.read(), limits)
        part.replace(target)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        part.unlink(missing_ok=True)
    return lines


def _ask(process: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    assert process.stdin is not None
    with process.stdin as pipe:
        pipe.write(json.dumps(order).encode())


def _answered(status: int, said: bytes, limits: BatchLimits) -> int:
    try:
        answer = json.loads(said)
    except ValueError:
        answer = {"code": "", "detail": _died(status, limits)}
    if answer.get("code") == FULL:
        raise StoreUnavailable(answer["detail"])
    if "code" in answer:
        raise Unreadable(answer["detail"])
    return _checked(int(answer["lines"]), limits)


def _died(status: int, limits: BatchLimits) -> str:
    name = signal.Signals(-status).name if -status in set(signal.Signals) else str(status)
    return (
        f"What unpacks the file ended without an answer ({name}): the file is broken, or unpacking "
        f"it takes more than {limits.max_memory >> 20:,} MiB or {CPU_SECONDS // 60} minutes; write "
        "it anew in smaller row groups, or send it as JSON lines."
    )
