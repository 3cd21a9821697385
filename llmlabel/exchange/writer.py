"""Labels to JSON lines, so that a crash costs at most the line being written."""

from __future__ import annotations

import contextlib
import json
import os
import time
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from llmlabel.domain.label import Label
from llmlabel.errors import InvalidInput, StoreUnavailable
from llmlabel.exchange.records import label_record

_SYNC_SECONDS = 5.0


class LabelWriter:
    """Writes one line per label, each flushed when written and synced to disk now and then."""

    def __init__(self, target: Path | TextIO, *, append: bool = False) -> None:
        """Open the file, or take the stream.

        Raises:
            InvalidInput: The file has content already and `append` is false, or it cannot be
                created.
        """
        self.written = 0
        self._synced = time.monotonic()
        self._stream: TextIO | None = None
        self._file: FileIO | None = None
        if not isinstance(target, Path):
            self._stream = target
            return
        if not append and target.exists() and target.stat().st_size > 0:
            raise InvalidInput(
                f"{target} exists and is not empty; resume it, name another file or remove it.",
                field="out",
            )
        try:
            self._file = target.open("ab", buffering=0)
        except OSError as exc:
            raise InvalidInput(
                f"{target} cannot be written ({exc.strerror}); create its folder or name another "
                "file.",
                field="out",
            ) from exc

    def write(self, label: Label) -> None:
        """Append one label as one line.

        Raises:
            StoreUnavailable: The disk is full or gone; the lines written before are whole.
        """
        line = json.dumps(label_record(label), ensure_ascii=False, separators=(",", ":")) + "\n"
        if self._stream is not None:
            self._stream.write(line)
            self._stream.flush()
        elif self._file is not None:
            self._append(self._file, line.encode())
        self.written += 1

    def _append(self, file: FileIO, data: bytes) -> None:
        start = file.seek(0, os.SEEK_END)
        try:
            at = 0
            while at < len(data):
                at += file.write(data[at:])
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                os.fsync(file.fileno())
                self._synced = time.monotonic()
        except OSError as exc:
            with contextlib.suppress(OSError):
                file.truncate(start)
            raise StoreUnavailable(
                f"The output cannot be written ({exc.strerror}); free some space and run the same "
                "command again to go on from here."
            ) from exc

    def close(self) -> None:
        """Sync and close the file; a stream that was passed in stays open."""
        if self._file is not None and not self._file.closed:
            with contextlib.suppress(OSError):  # a pipe or a device cannot be synced
                os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()
