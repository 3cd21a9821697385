"""From what a user names (files, folders, `-`) to documents and recordings, one by one."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from llmlabel.exchange.items import BadLine, Counts, Item, ReadOptions, Recording, TextItem
from llmlabel.exchange.seen import Seen
from llmlabel.exchange.tables import read_csv
from llmlabel.exchange.texts import printable, read_jsonl, read_text, read_text_lines

_AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".wma", ".aif", ".aiff")
_VIDEO = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".3gp")
RECORDING_SUFFIXES = frozenset(_AUDIO + _VIDEO)
TEXT_SUFFIXES = frozenset({".txt", ".text", ".md"})
JSONL_SUFFIXES = frozenset({".jsonl", ".ndjson"})
CSV_SUFFIXES = frozenset({".csv", ".tsv"})
_READABLE = RECORDING_SUFFIXES | {".txt"} | JSONL_SUFFIXES | CSV_SUFFIXES
_IGNORED_KEPT = 100


class Reader:
    """Reads sources in the order given, in bounded memory; a bad line does not stop the rest.

    A document's id is its own, else the path of a file that is one document, else made from its
    content. The same document met again (same id, same content) is passed over and counted; the
    same id with other content is a bad line.
    """

    def __init__(
        self,
        sources: Sequence[str | Path],
        options: ReadOptions | None = None,
        *,
        stdin: BinaryIO | None = None,
    ) -> None:
        """Remember what to read; nothing is opened before iteration.

        Args:
            sources: Files, folders (searched recursively) or `-` for standard input.
            options: How files become documents.
            stdin: In place of the process's standard input.
        """
        self._sources = tuple(sources)
        self._options = options or ReadOptions()
        self._stdin = stdin
        self.counts = Counts()

    def __iter__(self) -> Iterator[Item | BadLine]:
        """Yield texts, recordings and bad lines; `counts` grows along."""
        seen = Seen()
        try:
            for source in self._sources:
                for item in self._source(source):
                    checked = self._check(item, seen)
                    if checked is not None:
                        yield checked
        finally:
            seen.close()

    def _check(self, item: Item | BadLine, seen: Seen) -> Item | BadLine | None:
        if isinstance(item, BadLine):
            self.counts.bad += 1
            return item
        if isinstance(item, TextItem):
            identity, content = item.document.id, item.document.text_sha256
        else:
            identity, content = item.id, f"recording:{item.path}"
        earlier = seen.add((identity,), f"{content} {item.origin}")
        if earlier is None:
            if isinstance(item, TextItem):
                self.counts.texts += 1
            else:
                self.counts.recordings += 1
            return item
        known, _, where = earlier.partition(" ")
        if known == content.partition(" ")[0]:
            self.counts.repeated += 1
            return None
        self.counts.bad += 1
        file, line = _place(item.origin)
        detail = (
            f"The id {identity!r} was used before with other content ({where}); give each "
            "document an id of its own."
        )
        return BadLine(file, detail, line, self._options.id_column)

    def _source(self, source: str | Path) -> Iterator[Item | BadLine]:
        if str(source) == "-":
            yield from self._read_stdin()
            return
        path = Path(source)
        if path.is_dir():
            for file in self._walk(path):
                yield from self._read_file(file)
        else:
            yield from self._read_file(path)

    def _walk(self, folder: Path) -> Iterator[Path]:
        for place, folders, files in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(place) / name
                if name.startswith("."):
                    continue
                if path.suffix.lower() in _READABLE:
                    yield path
                else:
                    self.counts.ignored_total += 1
                    if len(self.counts.ignored) < _IGNORED_KEPT:
                        self.counts.ignored.append(printable(path))

    def _read_file(self, path: Path) -> Iterator[Item | BadLine]:
        name, suffix, options = printable(path), path.suffix.lower(), self._options
        try:
            if suffix in RECORDING_SUFFIXES:
                path.stat()
                yield Recording(name, path, name)
                return
            if suffix not in TEXT_SUFFIXES | JSONL_SUFFIXES | CSV_SUFFIXES and path.exists():
                kinds = ", ".join(sorted({".txt", ".jsonl", ".csv", ".tsv"}))
                yield BadLine(
                    name,
                    f"Files ending in {suffix or 'nothing'} are not read; give {kinds}, a "
                    "recording, a folder, or pipe the text to `-`.",
                )
                return
            with path.open("rb") as stream:
                if suffix in JSONL_SUFFIXES:
                    yield from read_jsonl(stream, name, options)
                elif suffix in CSV_SUFFIXES:
                    yield from read_csv(stream, name, options, "\t" if suffix == ".tsv" else None)
                elif options.lines:
                    yield from read_text_lines(stream, name, options)
                else:
                    yield from read_text(stream, name, options)
        except FileNotFoundError:
            yield BadLine(name, "There is no such file; check the path.")
        except OSError as exc:
            yield BadLine(name, f"The file cannot be read ({exc.strerror}); check its permissions.")

    def _read_stdin(self) -> Iterator[Item | BadLine]:
        stream = self._stdin or sys.stdin.buffer
        form = self._options.stdin
        buffered = cast(
            "io.BufferedReader",
            stream if hasattr(stream, "peek") else io.BufferedReader(cast("io.RawIOBase", stream)),
        )
        if form == "auto":
            start = buffered.peek(64)[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
            form = "jsonl" if start.startswith(b"{") else "text"
        if form == "jsonl":
            yield from read_jsonl(buffered, "-", self._options)
        elif form == "csv":
            yield from read_csv(buffered, "-", self._options)
        elif self._options.lines:
            yield from read_text_lines(buffered, "-", self._options)
        else:
            yield from read_text(buffered, "-", self._options)


def _place(origin: str) -> tuple[str, int | None]:
    file, _, line = origin.rpartition(":")
    return (file, int(line)) if file and line.isdigit() else (origin, None)
