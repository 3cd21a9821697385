"""What a file is by its first bytes, and why one cannot be read."""

from __future__ import annotations

from pathlib import Path

_MARKS = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "parquet": b"PAR1",
    "zip": b"PK\x03\x04",
}


class Unreadable(Exception):
    """The file as a whole cannot be read; the words say why, and the remedy."""


def kind_of(path: Path) -> str:
    """`gzip`, `zstd`, `parquet`, `zip` or `plain`."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((kind for kind, mark in _MARKS.items() if start.startswith(mark)), "plain")
