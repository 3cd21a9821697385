"""Rows of SQLite and PostgreSQL as the same values, and sums by which they are compared."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

_MODULUS = 1 << 256


@dataclass(frozen=True)
class Pair:
    """One table as it is on both sides.

    Attributes:
        source: Where rows come from.
        target: Where they go.
        columns: Names, in one order for both.
        key: Names of the primary key.
        booleans: Columns that one side keeps as 0 and 1.
        documents: Columns that one side keeps as JSON and the other as its text.
    """

    source: sa.Table
    target: sa.Table
    columns: tuple[str, ...]
    key: tuple[str, ...]
    booleans: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()

    @classmethod
    def of(cls, source: sa.Table, target: sa.Table) -> Pair:
        """Two tables that have the same columns."""
        both = [(source.c[column.name], column) for column in target.columns]
        return cls(
            source=source,
            target=target,
            columns=tuple(column.name for column in target.columns),
            key=tuple(column.name for column in target.primary_key) or tuple(target.columns.keys()),
            booleans=frozenset(
                b.name for a, b in both if any(isinstance(each.type, sa.Boolean) for each in (a, b))
            ),
            documents=frozenset(
                b.name for a, b in both if any(isinstance(each.type, sa.JSON) for each in (a, b))
            ),
        )

    @property
    def name(self) -> str:
        """Of the table."""
        return self.target.name

    def value(self, row: sa.RowMapping, column: str) -> Any:
        """A cell as both sides understand it."""
        found = row[column]
        if found is None:
            return None
        if column in self.booleans:
            return bool(found)
        if column in self.documents and isinstance(found, str):
            return json.loads(found)
        return found

    def written(self, row: sa.RowMapping) -> dict[str, Any]:
        """A row of the source as the target takes it."""
        values = {column: self.value(row, column) for column in self.columns}
        for column in self.documents:
            if values[column] is not None and not isinstance(self.target.c[column].type, sa.JSON):
                values[column] = json.dumps(values[column])
        return values


class Sum:
    """What rows amount to, in whatever order they come: their number, and a sum of their hashes.

    The sum of SHA-256 hashes modulo 2**256 needs no common order, which the two databases do not
    have for texts, and can be gone on with after a break.
    """

    def __init__(self, rows: int = 0, total: int = 0) -> None:
        self.rows = rows
        self._total = total

    @classmethod
    def from_hex(cls, rows: int, total: str) -> Sum:
        """As it was noted."""
        return cls(rows, int(total, 16))

    @property
    def hex(self) -> str:
        """The sum of the hashes."""
        return f"{self._total:064x}"

    def add(self, pair: Pair, rows: Iterable[sa.RowMapping]) -> int:
        """Count rows in; returns how many bytes they are."""
        size = 0
        for row in rows:
            content = b"".join(_parts([pair.value(row, column) for column in pair.columns]))
            size += len(content)
            digest = hashlib.sha256(content).digest()
            self._total = (self._total + int.from_bytes(digest, "big")) % _MODULUS
            self.rows += 1
        return size

    def __eq__(self, other: object) -> bool:
        """Whether these are the same rows."""
        return isinstance(other, Sum) and (self.rows, self._total) == (other.rows, other._total)

    def __hash__(self) -> int:
        """As `__eq__`."""
        return hash((self.rows, self._total))


def _parts(values: Sequence[Any]) -> Iterable[bytes]:
    for value in values:
        kind, content = _encoded(value)
        yield b"%s%d:" % (kind, len(content))
        yield content


def _encoded(value: Any) -> tuple[bytes, bytes]:
    """Bytes that are the same for a value of either database, and unlike any other value's."""
    match value:
        case None:
            found = b"n", b""
        case bool():
            found = b"b", b"1" if value else b"0"
        case int():
            found = b"i", str(value).encode()
        case float():
            # SQLite does not keep the sign of zero.
            found = b"f", struct.pack(">d", value + 0.0)
        case str():
            found = b"s", value.encode("utf-8", "surrogatepass")
        case bytes() | memoryview() | bytearray():
            found = b"x", bytes(value)
        case datetime():
            found = b"d", value.astimezone(UTC).isoformat().encode()
        case _:
            found = b"j", json.dumps(value, sort_keys=True, ensure_ascii=False).encode()
    return found
