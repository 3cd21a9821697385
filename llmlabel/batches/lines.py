"""From the lines of a file to documents, each checked so that nothing fails later for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from llmlabel.batches.limits import BatchLimits
from llmlabel.domain.batch import Batch, LineError
from llmlabel.domain.document import Document
from llmlabel.domain.metadata import check_metadata
from llmlabel.errors import InvalidInput, LlmlabelError
from llmlabel.exchange import BadLine, ReadOptions, Recording, TextItem
from llmlabel.exchange.lines import numbered_lines
from llmlabel.exchange.tables import read_csv
from llmlabel.exchange.texts import read_json_line
from llmlabel.store.batch_work import Line
from llmlabel.store.rows import checked_id

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
BAD_LINE = "bad-line"
LONGEST_DETAIL = 500


class BadHeader(Exception):
    """The first line of a CSV file does not name its columns; the words say what is wrong."""


def read_lines(
    path: Path, batch: Batch, limits: BatchLimits, after: int
) -> Iterator[Line | LineError]:
    """The documents of a file's lines and what is wrong with others, in order.

    Args:
        path: A plain file: JSON lines or CSV; of Parquet, its rows as they were unpacked.
        batch: How it is to be read.
        limits: Of a text.
        after: The lines up to this one are passed over.

    Raises:
        BadHeader: As the class says.
        OSError: The file cannot be read now.
    """
    columns = batch.columns
    options = ReadOptions(
        column=columns.text,
        id_column=columns.id,
        language_column=columns.language,
        delimiter=batch.delimiter,
        max_chars=limits.max_text_chars,
    )
    with path.open("rb") as stream:
        if batch.format == "csv":
            items = _of_csv(stream, options, after)
        else:
            items = _of_json(stream, options, after, rows=batch.format == "parquet")
        for number, item in items:
            yield _checked(number, item, batch)


def _of_csv(
    stream: BinaryIO, options: ReadOptions, after: int
) -> Iterator[tuple[int, TextItem | Recording | BadLine]]:
    for item in read_csv(stream, "", options, after=after):
        if isinstance(item, BadLine):
            if item.line == 1:
                raise BadHeader(f"The header cannot be used. {item.detail}")
            yield item.line or 0, item
        else:
            yield int(item.origin.rpartition(":")[2]), item


def _of_json(
    stream: BinaryIO, options: ReadOptions, after: int, *, rows: bool
) -> Iterator[tuple[int, TextItem | Recording | BadLine]]:
    for number, raw in numbered_lines(stream, options.max_line_bytes):
        if number <= after:
            continue
        if rows and raw is not None and raw.startswith(b"["):
            field, detail = json.loads(raw)
            yield number, BadLine("", detail, number, field)
            continue
        item = read_json_line(raw, "", number, options)
        if item is not None:
            yield number, item


def _checked(number: int, item: TextItem | Recording | BadLine, batch: Batch) -> Line | LineError:
    if isinstance(item, Recording):
        detail = "The line names a recording; send recordings to /v1/audio."
        return _error(number, detail, field="file")
    if isinstance(item, BadLine):
        return _error(number, item.detail, field=item.field)
    try:
        return Line(number, _document(item.document, batch))
    except LlmlabelError as error:
        return _error(number, error.detail, field=error.field, code=error.code)


def _document(document: Document, batch: Batch) -> Document:
    wanted = batch.columns.metadata
    if wanted is not None:
        kept = {name: value for name, value in document.metadata.items() if name in wanted}
        document = document.model_copy(update={"metadata": kept})
    checked_id(document.id)
    if document.language is not None and not LANGUAGE.fullmatch(document.language):
        raise InvalidInput(
            'The language is no ISO 639 code; write one such as "en", or leave it out.',
            field=batch.columns.language,
        )
    check_metadata(document.metadata)
    return document


def _error(
    number: int, detail: str, *, field: str | None = None, code: str = BAD_LINE
) -> LineError:
    # A field's name is the client's own and may hold what no database carries.
    words = [None if word is None else _printable(word) for word in (field, detail)]
    return LineError(line=number, field=words[0], code=code, detail=words[1] or "")


def _printable(word: str) -> str:
    safe = word.replace("\x00", "�").encode("utf-8", "replace").decode()
    return safe if len(safe) <= LONGEST_DETAIL else safe[: LONGEST_DETAIL - 1] + "…"
