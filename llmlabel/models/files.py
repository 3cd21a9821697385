"""Checksums of a model's files, and the stamp that saves computing them again."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from llmlabel.errors import CacheFull, InvalidSetting
from llmlabel.models.catalogue import ModelEntry, ModelFile

STAMP = ".verified.json"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}


def sha256_of_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def absent_files(entry: ModelEntry, folder: Path) -> list[str]:
    """Files that are not there or do not have their size."""
    return [file.path for file in entry.files if not _has_size(folder, file)]


def wrong_files(entry: ModelEntry, folder: Path) -> list[str]:
    """Files whose bytes are not those of the catalogue; reads every byte."""
    return [
        file.path
        for file in entry.files
        if not _has_size(folder, file) or sha256_of_file(folder / file.path) != file.sha256
    ]


def write_stamp(entry: ModelEntry, folder: Path) -> None:
    """Note that the files were verified as they are now.

    A folder that cannot be written (an image baked read-only) simply has no stamp.
    """
    state = {file.path: [*_mark(folder / file.path), file.sha256] for file in entry.files}
    fresh = folder / f"{STAMP}.{os.getpid()}"
    with suppress(OSError):
        fresh.write_text(json.dumps(state, indent=1), encoding="utf-8")
        fresh.replace(folder / STAMP)


def is_stamped(entry: ModelEntry, folder: Path) -> bool:
    """Whether all files were verified and have not been touched since."""
    try:
        state = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return all(
            state.get(file.path) == [*_mark(folder / file.path), file.sha256]
            for file in entry.files
        )
    except (OSError, ValueError, AttributeError):
        return False


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses into errors that say what to do.

    Raises:
        CacheFull: No space, no quota, or a file larger than may be written.
        InvalidSetting: The folder may not be written.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise cache_full(folder) from exc
        if exc.errno in _REFUSED:
            raise InvalidSetting(
                f"The model cache {folder} cannot be written ({exc.strerror}); "
                "set LLMLABEL_HOME to a folder that can.",
                field="home",
            ) from exc
        raise


def is_disk_error(exc: BaseException) -> bool:
    """Whether it is the disk that refuses, and not a source."""
    return isinstance(exc, OSError) and exc.errno in _FULL | _REFUSED


def cache_full(folder: Path, need: int | None = None, free: int | None = None) -> CacheFull:
    """The error for a full disk, with the numbers where they are known."""
    numbers = f" ({need:,} bytes needed, {free:,} free)" if need and free is not None else ""
    return CacheFull(
        f"The disk that holds the model cache {folder} is full{numbers}; "
        "free some space or set LLMLABEL_HOME to a folder on another disk, then run it again: "
        "what was fetched so far is kept.",
        field="home",
    )


def _has_size(folder: Path, file: ModelFile) -> bool:
    path = folder / file.path
    return path.is_file() and path.stat().st_size == file.bytes


def _mark(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
