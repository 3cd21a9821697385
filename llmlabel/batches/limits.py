"""How large files may be, so that no file takes a service's memory or disk."""

from __future__ import annotations

from pydantic import Field

from llmlabel.domain.base import Value

RATIO_FROM = 16 << 20
"""So many bytes may come of any file: short ones of one repeated line shrink beyond all ratios."""

CPU_SECONDS = 3600
"""Of the process that unpacks a file."""


class BatchLimits(Value):
    """What a file of a batch may be, and how many there may be."""

    max_bytes: int = Field(default=2 << 30, description="As it was sent.")
    max_unpacked_bytes: int = Field(default=8 << 30, description="Unpacked.")
    max_ratio: int = Field(default=200, description="Unpacked bytes for one that was sent.")
    max_lines: int = 5_000_000
    max_open: int = Field(default=100, description="Batches at once that may need a file.")
    max_columns: int = Field(default=1000, description="Of a Parquet file.")
    max_memory: int = Field(default=2 << 30, description="Of the process that unpacks.")
    max_text_chars: int = 200_000
