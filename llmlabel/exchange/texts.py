"""Plain text files and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from llmlabel.domain.document import Document
from llmlabel.errors import LlmlabelError
from llmlabel.exchange.items import BadLine, Item, ReadOptions, Recording, TextItem
from llmlabel.exchange.lines import decode, numbered_lines, too_long


def read_text(stream: BinaryIO, name: str, options: ReadOptions) -> Iterator[Item | BadLine]:
    """One document: the whole stream, byte for byte but for a leading BOM."""
    raw = stream.read(options.max_bytes + 4).removeprefix(b"\xef\xbb\xbf")
    try:
        if len(raw) > options.max_bytes:
            raise ValueError(
                f"The file is larger than {options.max_bytes:,} bytes; split it, read it with one "
                "document a line, or raise LLMLABEL_MAX_TEXT_CHARS."
            )
        document = Document.of_text(
            decode(raw), id=None if name == "-" else name, max_chars=options.max_chars
        )
        yield TextItem(document, name)
    except (ValueError, LlmlabelError) as exc:
        yield BadLine(name, str(exc))


def read_text_lines(stream: BinaryIO, name: str, options: ReadOptions) -> Iterator[Item | BadLine]:
    """One document a line, without its line end; blank lines are passed over."""
    for number, raw in numbered_lines(stream, options.max_line_bytes):
        if raw is None:
            yield BadLine(name, too_long(options.max_line_bytes), number)
        elif raw.strip():
            try:
                text = decode(raw).rstrip("\r\n")
                document = Document.of_text(text, max_chars=options.max_chars)
                yield TextItem(document, f"{name}:{number}")
            except (ValueError, LlmlabelError) as exc:
                yield BadLine(name, str(exc), number)


def read_jsonl(
    stream: BinaryIO, name: str, options: ReadOptions, after: int = 0
) -> Iterator[Item | BadLine]:
    """One JSON object a line: a text, or the path of a recording under `file`.

    The first `after` lines are passed over.
    """
    for number, raw in numbered_lines(stream, options.max_line_bytes):
        item = None if number <= after else read_json_line(raw, name, number, options)
        if item is not None:
            yield item


def read_json_line(
    raw: bytes | None, name: str, number: int, options: ReadOptions
) -> Item | BadLine | None:
    """What one line says; None of a blank one. `raw` is None where it was too long to be read."""
    if raw is None:
        return BadLine(name, too_long(options.max_line_bytes), number)
    if not raw.strip():
        return None
    try:
        return _item_of(_object(decode(raw)), name, number, options)
    except LlmlabelError as exc:
        return BadLine(name, exc.detail, number, exc.field)
    except _FieldError as exc:
        return BadLine(name, str(exc), number, exc.field)
    except ValueError as exc:
        return BadLine(name, str(exc), number)


class _FieldError(ValueError):
    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as exc:
        raise ValueError(
            f"Invalid JSON at column {exc.colno}: {exc.msg}; write one JSON object a line."
        ) from exc
    except (RecursionError, ValueError) as exc:
        raise ValueError(
            "The JSON is nested too deeply or holds a number too large; simplify the line."
        ) from exc
    if not isinstance(value, dict):
        raise ValueError(
            f'The line holds {_kind(value)}, not an object; write {{"text": …}} on it.'
        )
    return value


def _item_of(value: dict[str, Any], name: str, number: int, options: ReadOptions) -> Item:
    origin = f"{name}:{number}"
    language = value.pop(options.language_column, None)
    if language is not None and not isinstance(language, str):
        found = f'Found {_kind(language)}; write a code such as "en".'
        raise _FieldError(options.language_column, found)
    identity = value.pop(options.id_column, None)
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    if identity is not None and (not isinstance(identity, str) or not identity.strip()):
        raise _FieldError(
            options.id_column, "An id is a string of at least one character, or left out."
        )
    text = value.pop(options.column, None)
    if text is None and isinstance(value.get("file"), str):
        path = Path(name).parent / value["file"]
        return Recording(identity or printable(path), path, origin, language)
    if text is None:
        found = ", ".join(f"`{key}`" for key in value) or "none"
        raise _FieldError(
            options.column,
            f"The line has no such field (others: {found}); add it or name the field to read.",
        )
    if not isinstance(text, str):
        raise _FieldError(options.column, f"Found {_kind(text)}; the text must be a string.")
    metadata = value.pop("metadata", None)
    if metadata is not None and not isinstance(metadata, dict):
        raise _FieldError("metadata", f"Found {_kind(metadata)}; it must be an object.")
    document = Document.of_text(
        text,
        id=identity,
        language=language,
        metadata={**value, **(metadata or {})},
        max_chars=options.max_chars,
    )
    return TextItem(document, origin)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def printable(path: Path | str) -> str:
    """A path as an id: bytes of a file name that are not UTF-8 are written as escapes."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
