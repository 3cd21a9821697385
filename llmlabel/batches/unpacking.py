"""Compressed files and Parquet become plain lines: what the process of its own does.

It has a limit of memory and of time, and everything it writes is counted. `llmlabel.batches.unpack`
runs it: python -m llmlabel.batches.unpacking, with the order as JSON on standard input.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO

from llmlabel.batches.kinds import Unreadable, kind_of
from llmlabel.batches.limits import CPU_SECONDS, RATIO_FROM, BatchLimits
from llmlabel.domain.batch import Columns
from llmlabel.errors import InvalidInput

BLOCK = 1 << 20
PACKED = 1 << 15
"""Read at once of what is compressed: each end of a member copies what is left of it."""

CODE = "unreadable-file"
FULL = "disk-full"


class _Out:
    """A file that counts what is written, and refuses more than may be."""

    def __init__(self, file: BinaryIO, sent: int, limits: BatchLimits) -> None:
        self._file = file
        self._most = limits.max_unpacked_bytes
        self._ratio = limits.max_ratio
        self._by_ratio = max(RATIO_FROM, sent * limits.max_ratio)
        self._max_lines = limits.max_lines
        self._bytes = self.lines = 0
        self._last = b"\n"

    def write(self, data: bytes) -> None:
        if not data:
            return
        self._bytes += len(data)
        self.lines += data.count(b"\n")
        self._last = data[-1:]
        if self._bytes > self._most:
            raise Unreadable(
                f"Unpacked, the file has more than {self._most:,} bytes; split it, or raise "
                "LLMLABEL_MAX_BATCH_UNPACKED_BYTES."
            )
        if self._bytes > self._by_ratio:
            raise Unreadable(
                f"Unpacked, the file is more than {self._ratio} times as large as it was sent; "
                "send it with less or no compression, or raise LLMLABEL_MAX_BATCH_RATIO."
            )
        if self.lines > self._max_lines:
            raise Unreadable(
                f"The file has more than {self._max_lines:,} lines; split it, or raise "
                "LLMLABEL_MAX_BATCH_LINES."
            )
        self._file.write(data)

    def end(self) -> int:
        self._file.flush()
        os.fsync(self._file.fileno())  # what was sent is deleted then
        return self.lines + (self._last != b"\n")


def _gunzip(source: Path, out: _Out) -> None:
    with source.open("rb") as file:
        member = zlib.decompressobj(wbits=31)
        data = file.read(PACKED)
        while data:
            out.write(member.decompress(data, BLOCK))
            data = member.unconsumed_tail
            if member.eof:
                # Several members are one file, with zeros between them and at its end.
                data = member.unused_data.lstrip(b"\0")
                while not data:
                    data = file.read(PACKED)
                    if not data:
                        return
                    data = data.lstrip(b"\0")
                member = zlib.decompressobj(wbits=31)
            elif not data:
                data = file.read(PACKED)
        out.write(member.flush())
        if not member.eof:
            raise Unreadable("The gzip file ends too early; compress and send it again.")


def _unzstd(source: Path, out: _Out) -> None:
    import pyarrow  # type: ignore[import-untyped]  # noqa: PLC0415 - large, and only for this

    with pyarrow.input_stream(str(source), compression="zstd") as stream:
        while data := stream.read(BLOCK):
            out.write(data)


def _limit_memory(most: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # not every system has it
        import resource  # noqa: PLC0415

        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _unpacked(order: dict[str, Any]) -> dict[str, Any]:
    source, limits = Path(order["source"]), BatchLimits(**order["limits"])
    try:
        with Path(order["target"]).open("wb") as file:
            out = _Out(file, source.stat().st_size, limits)
            _write(source, out, Columns(**order["columns"]), limits)
            return {"lines": out.end()}
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return {"code": CODE, "detail": _why(error, limits)}
        why = f"There is no room to unpack the file of a batch ({error.strerror}); make some."
        return {"code": FULL, "detail": why}
    except Exception as error:  # what a library says of a broken file has no one kind
        return {"code": CODE, "detail": _why(error, limits)}


def _write(source: Path, out: _Out, columns: Columns, limits: BatchLimits) -> None:
    kind = kind_of(source)
    if kind == "gzip":
        _gunzip(source, out)
    elif kind == "zstd":
        _unzstd(source, out)
    else:
        from llmlabel.batches.parquet import rows_of  # noqa: PLC0415 - loads Arrow

        for line in rows_of(source, columns, limits):
            out.write(line)


def _why(error: Exception, limits: BatchLimits) -> str:
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, InvalidInput):
        return error.detail
    if isinstance(error, MemoryError):
        return (
            f"To unpack the file takes more than {limits.max_memory >> 20:,} MiB of memory; write "
            "it anew in smaller row groups, or send it as JSON lines."
        )
    return (
        f"The file is broken ({type(error).__name__}: {str(error)[:200]}); write it anew and send "
        "it again."
    )


def main() -> None:
    """Do what standard input orders; the answer goes to standard output as JSON."""
    order = json.loads(sys.stdin.buffer.read())
    _limit_memory(order["limits"]["max_memory"])
    answer = json.dumps(_unpacked(order))
    sys.stdout.write(answer)


if __name__ == "__main__":
    main()
