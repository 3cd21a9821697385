"""Rows of a Parquet file as lines of JSON, a few at a time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from llmlabel.batches.limits import BatchLimits
from llmlabel.domain.batch import Columns
from llmlabel.errors import InvalidInput
from llmlabel.exchange.lines import decode, too_long

ROWS_AT_ONCE = 200


class Wrong(str):
    """What is wrong with a value, in its place."""

    __slots__ = ()


def rows_of(path: Path, columns: Columns, limits: BatchLimits) -> Iterator[bytes]:
    """One line per row, in order: a JSON object, or a list of a field and what is wrong with it.

    Dates and decimal numbers are written as text, what is not a number as null.

    Raises:
        InvalidInput: It has no such column, or more columns or rows than may be.
        pyarrow.ArrowException, OSError: It is broken.
    """
    with pq.ParquetFile(str(path), memory_map=False, pre_buffer=False) as file:
        names = _wanted(file.schema_arrow.names, columns, limits)
        if file.metadata.num_rows > limits.max_lines:
            raise InvalidInput(
                f"The file has {file.metadata.num_rows:,} rows, the limit is "
                f"{limits.max_lines:,}; split it, or raise LLMLABEL_MAX_BATCH_LINES."
            )
        # Never more bytes of one value than a line may have.
        longest = 6 * limits.max_text_chars + 65_536
        for part in file.iter_batches(ROWS_AT_ONCE, columns=names, use_threads=False):
            values = [_column(part.column(name), longest) for name in names]
            for row in zip(*values, strict=True):
                yield _line(names, row)


def _wanted(there: Sequence[str], columns: Columns, limits: BatchLimits) -> list[str]:
    if len(there) > limits.max_columns:
        raise InvalidInput(
            f"The file has {len(there):,} columns, the limit is {limits.max_columns:,}; write only "
            "those that are needed."
        )
    if len(set(there)) < len(there):
        raise InvalidInput("Two columns of the file have the same name; rename one.")
    if columns.text not in there:
        raise InvalidInput(
            f"No column is named `{columns.text}`; the file has: {', '.join(there)[:500]}. Create "
            "the batch with one of these as `columns.text`."
        )
    if columns.metadata is None:
        return list(there)
    named = {columns.text, columns.id, columns.language, *columns.metadata}
    return [name for name in there if name in named]


def _column(column: Any, longest: int) -> list[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        if not _is_words(kind.value_type):
            return list(column.to_pylist())
        words = _column(column.dictionary, longest)  # each once, however often it occurs
        return [None if place is None else words[place] for place in column.indices.to_pylist()]
    if not _is_words(kind):
        return list(column.to_pylist())
    lengths = pc.binary_length(column).to_pylist()
    if max((length or 0 for length in lengths), default=0) <= longest:
        return list(column.to_pylist())
    return [
        Wrong(too_long(longest))
        if length is not None and length > longest
        else column[place].as_py()
        for place, length in enumerate(lengths)
    ]


def _is_words(kind: Any) -> bool:
    return any(
        (
            pa.types.is_string(kind),
            pa.types.is_large_string(kind),
            pa.types.is_binary(kind),
            pa.types.is_large_binary(kind),
        )
    )


def _line(names: Sequence[str], row: Sequence[Any]) -> bytes:
    values = {name: _plain(value) for name, value in zip(names, row, strict=True)}
    for name, value in values.items():
        if isinstance(value, Wrong):
            return json.dumps([name, value]).encode() + b"\n"
    line = json.dumps({name: value for name, value in values.items() if value is not None})
    return line.encode() + b"\n"


def _plain(value: Any) -> Any:
    """A value as JSON has it; what is missing, or not a number, is null."""
    found: Any = str(value)
    match value:
        case None | str() | int():
            found = value
        case float():
            found = value if math.isfinite(value) else None
        case bytes():
            try:
                found = decode(value)
            except ValueError as error:
                found = Wrong(error)
        case dict():
            found = {str(key): _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            found = [_plain(inner) for inner in value]
        case datetime() | date() | time():
            found = value.isoformat()
        case timedelta():
            found = value.total_seconds()
    return found
