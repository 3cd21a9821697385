"""CSV files (RFC 4180) whose broken records do not cost the others."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from llmlabel.domain.document import Document
from llmlabel.errors import LlmlabelError
from llmlabel.exchange.items import BadLine, Item, ReadOptions, TextItem
from llmlabel.exchange.lines import decode, numbered_lines, too_long

DELIMITERS = (",", ";", "\t")
PATIENCE = 50
"""So many times the longest record is looked through for quotes that never close."""


class _Problem(str):
    """Why a record could not be read, in place of the record."""

    __slots__ = ()


def read_csv(
    stream: BinaryIO,
    name: str,
    options: ReadOptions,
    delimiter: str | None = None,
    after: int = 0,
) -> Iterator[Item | BadLine]:
    """One document a record; the first record names the columns.

    Args:
        stream: The file, opened for bytes.
        name: What to call it in messages.
        options: Which columns hold the text and the id.
        delimiter: Known from the file's suffix; `options.delimiter` goes first.
        after: Records that begin up to this line are passed over.
    """
    lines = numbered_lines(stream, options.max_line_bytes)
    first = next(lines, None)
    if first is None:
        yield BadLine(name, "The file is empty; its first line must name the columns.", 1)
        return
    number, raw = first
    try:
        if raw is None:
            raise ValueError(too_long(options.max_line_bytes))
        header = decode(raw).rstrip("\r\n")
        mark = options.delimiter or delimiter or delimiter_of(header, options.column)
        columns = [column.strip() for column in _fields(header, mark, options.max_line_bytes)]
        if options.column not in columns:
            raise ValueError(
                f"No column has this name; the file has: {', '.join(columns)}. "
                "Name one of these as the column to read."
            )
        if len(set(columns)) != len(columns):
            raise ValueError("Two columns have the same name; rename one.")
    except ValueError as exc:
        yield BadLine(name, str(exc), number, options.column)
        return
    for line, record in _records(lines, mark, options.max_line_bytes):
        if line <= after:
            continue
        if isinstance(record, _Problem):
            yield BadLine(name, record, line)
        elif record.strip():
            try:
                document = _document(record, columns, mark, options)
                yield TextItem(document, f"{name}:{line}")
            except LlmlabelError as exc:
                field = options.column if exc.field == "text" else exc.field
                yield BadLine(name, exc.detail, line, field)
            except ValueError as exc:
                yield BadLine(name, str(exc), line)


def delimiter_of(header: str, column: str) -> str:
    """The delimiter under which the header names the column, else the most frequent one."""
    for mark in DELIMITERS:
        try:
            names = [name.strip() for name in _fields(header, mark, len(header) + 1)]
        except ValueError:
            continue
        if len(names) > 1 and column in names:
            return mark
    return max(DELIMITERS, key=header.count)


def _document(record: str, columns: list[str], mark: str, options: ReadOptions) -> Document:
    values = _fields(record, mark, options.max_line_bytes)
    if len(values) != len(columns):
        raise ValueError(
            f"The record has {len(values)} fields, the header {len(columns)}; put fields that "
            f"hold {'a tab' if mark == chr(9) else mark} or line breaks in double quotes."
        )
    row = dict(zip(columns, values, strict=True))
    text = row.pop(options.column)
    identity = row.pop(options.id_column, "").strip() or None
    language = row.pop(options.language_column, "").strip() or None
    return Document.of_text(
        text, id=identity, language=language, metadata=dict(row), max_chars=options.max_chars
    )


def _records(
    lines: Iterator[tuple[int, bytes | None]], mark: str, limit: int
) -> Iterator[tuple[int, str]]:
    """Logical records, or a `_Problem` in place of one, with the number of their first line.

    A quote that never closes would swallow the rest of the file: when the record passes the
    limit, or the file ends, only its first line is bad and reading goes on with the next one.
    """
    waiting: deque[tuple[int, bytes | None]] = deque()
    in_vain = 0

    def pull() -> tuple[int, bytes | None] | None:
        return waiting.popleft() if waiting else next(lines, None)

    while (first := pull()) is not None:
        taken = [first]
        parts: list[str] = []
        size, inside = 0, False
        problem = ""
        current: tuple[int, bytes | None] | None = first
        while True:
            if current is None or size > limit:
                problem = "A double quote opens here and never closes; close it, or double it."
                waiting.extendleft(reversed(taken[1:]))
                in_vain += size
                break
            number, raw = current
            if raw is None:
                problem = too_long(limit)
                break
            try:
                text = decode(raw)
            except ValueError as exc:
                problem = problem or (str(exc) if number == first[0] else f"Line {number}: {exc}")
                text = raw.decode(errors="replace")
            parts.append(text)
            size += len(raw)
            inside = ends_in_quotes(text, mark, inside)
            if not inside:
                break
            current = pull()
            if current is not None:
                taken.append(current)
        if in_vain > PATIENCE * limit:
            # Each such line is looked through to the limit: a file of them would never end.
            rest = " Too many lines are like this one, so what comes after it was not read."
            yield first[0], _Problem(problem + rest)
            return
        yield first[0], _Problem(problem) if problem else "".join(parts).rstrip("\r\n")


def ends_in_quotes(line: str, mark: str, inside: bool) -> bool:
    """Whether a quoted field is still open at the end of the line."""
    at = 0
    while True:
        if inside:
            at = line.find('"', at)
            if at < 0:
                return True
            if line.startswith('""', at):
                at += 2
                continue
            inside = False
            at += 1
        elif at == 0 and line.startswith('"'):
            inside, at = True, 1
        else:
            at = line.find(mark, at)
            if at < 0:
                return False
            at += 1
            if line.startswith('"', at):
                inside, at = True, at + 1


def _fields(record: str, mark: str, limit: int) -> list[str]:
    # The csv module has one limit for the process, lower than our longest text: only raise it.
    if csv.field_size_limit() < limit:
        csv.field_size_limit(limit)
    try:
        rows = list(csv.reader([record], delimiter=mark, strict=True))
    except csv.Error as exc:
        raise ValueError(
            f"Not valid CSV ({exc}); put the field in double quotes and double those inside it."
        ) from exc
    return rows[0] if rows else [""]
