"""What reading a source yields: a text, a recording, or a line that could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from llmlabel.domain.document import Document


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files become documents.

    Attributes:
        column: Field of a JSON line, or column of a CSV file, that holds the text.
        id_column: Field or column that holds the id; it may be absent.
        language_column: Field or column that holds the language; it may be absent.
        lines: A text file holds one document a line, not one document in all.
        delimiter: Of CSV files; without it, the header decides between `,`, `;` and tab.
        stdin: Form of standard input; `auto` takes it for JSON lines when it begins with `{`.
        max_chars: Longest text, in code points.
    """

    column: str = "text"
    id_column: str = "id"
    language_column: str = "language"
    lines: bool = False
    delimiter: str | None = None
    stdin: Literal["auto", "text", "jsonl", "csv"] = "auto"
    max_chars: int = 200_000

    @property
    def max_bytes(self) -> int:
        """Longest text in UTF-8."""
        return 4 * self.max_chars

    @property
    def max_line_bytes(self) -> int:
        """Longest line or CSV record read into memory: an escaped text and some metadata."""
        return 6 * self.max_chars + 65_536


@dataclass(frozen=True, slots=True)
class TextItem:
    """A text to label. `origin` is the file, with the line where it has several documents."""

    document: Document
    origin: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to transcribe and label."""

    id: str
    path: Path
    origin: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A file or line that could not be read; the others are read all the same.

    `detail` says what is wrong and what to do about it.
    """

    file: str
    detail: str
    line: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        """`file:line: field: detail`, with what is known."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        what = f"{self.field}: " if self.field else ""
        return f"{place}: {what}{self.detail}"


Item = TextItem | Recording


@dataclass(slots=True)
class Counts:
    """What a reader met so far; `repeated` lines are yielded once, being the same document."""

    texts: int = 0
    recordings: int = 0
    bad: int = 0
    repeated: int = 0
    ignored: list[str] = field(default_factory=list)
    """Files of other kinds in folders, the first hundred."""
    ignored_total: int = 0
