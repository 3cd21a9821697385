"""`llmlabel label`: files in, labels out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer

from llmlabel.bootstrap import Application, build
from llmlabel.cli.console import errors
from llmlabel.cli.progress import Bar
from llmlabel.cli.table import LabelTable
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label
from llmlabel.errors import InvalidInput
from llmlabel.exchange import (
    BadLine,
    Done,
    LabelWriter,
    Reader,
    ReadOptions,
    Recording,
    TextItem,
    resume,
)
from llmlabel.settings import Settings

T = TypeVar("T")

CHUNK = 32
"""Items between two steps of the progress bar, and the most that is lost when stopped."""


def label(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE…",
            help="Texts (.txt .jsonl .csv), recordings, folders, or - for standard input.",
        ),
    ],
    guideline: Annotated[
        list[str] | None,
        typer.Option(
            "--guideline",
            "-g",
            help="A guideline, the newest version or a given one (ner@1.0.0). May be repeated. "
            "[default: sentiment]",
        ),
    ] = None,
    format: Annotated[
        Literal["table", "jsonl"] | None,
        typer.Option(
            help="How labels are shown. [default: table on a terminal, jsonl otherwise]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write JSON lines here. If the file exists, what it holds is not done again.",
        ),
    ] = None,
    column: Annotated[str, typer.Option(help="Field or CSV column that holds the text.")] = "text",
    id_column: Annotated[str, typer.Option(help="Field or CSV column that holds the id.")] = "id",
    lines: Annotated[
        bool, typer.Option("--lines", help="A .txt file holds one text per line.")
    ] = False,
    delimiter: Annotated[
        str | None, typer.Option(help="Of CSV files. [default: found in the header]")
    ] = None,
    stdin_form: Annotated[
        Literal["auto", "text", "jsonl", "csv"],
        typer.Option("--stdin", help="What standard input holds."),
    ] = "auto",
    language: Annotated[
        str | None,
        typer.Option(help="Language of recordings (ISO 639-1). [default: detected]"),
    ] = None,
    llm: Annotated[
        str | None,
        typer.Option(
            help="Language model: a name of `llmlabel models list`, a GGUF file, or a litellm "
            "name such as openai/gpt-4o-mini. [default: LLMLABEL_LLM]"
        ),
    ] = None,
) -> None:
    """Label texts and recordings.

    Every label comes with its confidence and its route: accepted, or review and why.

        llmlabel label reviews.csv --column review -g sentiment -o labels.jsonl

    A run that was stopped goes on where it was when started again with the same --out.
    Exit code 1 when a line or file could not be read or labeled; the others are labeled.
    """
    settings = Settings() if llm is None else Settings(llm=llm)
    options = ReadOptions(
        column=column,
        id_column=id_column,
        lines=lines,
        delimiter=delimiter,
        stdin=stdin_form,
        max_chars=settings.max_text_chars,
    )
    shown = format or ("table" if out is None and sys.stdout.isatty() else "jsonl")
    run = _Run(build(settings), options, language)
    problems = asyncio.run(run.label(files, guideline or ["sentiment"], shown, out))
    if problems:
        raise typer.Exit(1)


class _Run:
    """One run of the command: reads, labels in chunks, writes as it goes."""

    def __init__(self, app: Application, options: ReadOptions, language: str | None) -> None:
        self._app = app
        self._options = options
        self._language = language
        self.problems = 0

    async def label(
        self, files: Sequence[str], refs: Sequence[str], shown: str, out: Path | None
    ) -> int:
        """Label everything; gives the number of lines and files that failed."""
        try:
            guidelines = [self._app.guidelines.get(ref) for ref in dict.fromkeys(refs)]
            done = resume(out) if out is not None else Done()
            if done.labels:
                errors.print(f"{out} holds {done.labels:,} labels already; going on from there.")
            reader = Reader(files, self._options)
            table = LabelTable() if shown == "table" else None
            target = out if out is not None else (None if table else sys.stdout)
            writer = LabelWriter(target, append=out is not None) if target is not None else None
            with Bar("labeling", self._total(files)) as bar:
                for items in _chunks(iter(reader), CHUNK):
                    texts: dict[str, str] = {}
                    labels = await self._label_items(items, guidelines, done, bar, texts)
                    for each in labels:
                        if writer is not None:
                            writer.write(each)
                    if table is not None:
                        table.add(labels, texts)
            if writer is not None:
                writer.close()
            if table is not None:
                table.print()
            _summary(reader, bar, out)
        finally:
            await self._app.close()
        return self.problems

    def _total(self, files: Sequence[str]) -> int | None:
        """Documents to come, counted where that is cheap."""
        if any(source == "-" for source in files):
            return None
        size = sum(p.stat().st_size for p in map(Path, files) if p.is_file())
        if size > 256 << 20:
            return None
        quiet = Reader(files, self._options)
        return sum(1 for _ in quiet)

    async def _label_items(
        self,
        items: Sequence[TextItem | Recording | BadLine],
        guidelines: Sequence[Guideline],
        done: Done,
        bar: Bar,
        text_of: dict[str, str],
    ) -> list[Label]:
        labels: list[Label] = []
        texts: list[Document] = []
        for item in items:
            if isinstance(item, BadLine):
                self._complain(str(item))
            elif isinstance(item, TextItem):
                texts.append(item.document)
        recordings = [item for item in items if isinstance(item, Recording)]
        for heard in await asyncio.gather(
            *(self._label_recording(item, guidelines, done, bar, text_of) for item in recordings)
        ):
            labels += heard
        for guideline in guidelines:
            todo = [d for d in texts if not done.has(d.id, guideline.ref, d.text_sha256)]
            labels += await self._app.label(todo, guideline)
        bar.advance(sum(not isinstance(item, Recording) for item in items))
        text_of.update((d.id, d.text) for d in texts)
        order = {d.id: n for n, d in enumerate(texts)}
        return sorted(labels, key=lambda each: order.get(each.document_id, -1))

    async def _label_recording(
        self,
        item: Recording,
        guidelines: Sequence[Guideline],
        done: Done,
        bar: Bar,
        text_of: dict[str, str],
    ) -> list[Label]:
        refs = [g.ref for g in guidelines]
        try:
            if all(done.has(item.id, ref) for ref in [self._app.transcription.ref, *refs]):
                return []
            document, heard = await self._app.transcribe(
                item.path, language=item.language or self._language, id=item.id
            )
            text_of[item.id] = document.text or item.path.name
            labels = [heard]
            tasks = [each for each in guidelines if each.kind != "transcript"]
            if tasks and not document.text:
                errors.print(f"{item.origin}: nobody speaks; only the transcript is labeled.")
                tasks = []
            for guideline in tasks:
                labels += await self._app.label([document], guideline)
            return [each for each in labels if not done.has(item.id, each.guideline)]
        except InvalidInput as exc:
            self._complain(f"{item.origin}: {exc.detail}")
            return []
        finally:
            bar.advance(1)

    def _complain(self, message: str) -> None:
        self.problems += 1
        errors.print(f"[red]not labeled[/] {message}", highlight=False)


def _chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    while chunk := list(islice(items, size)):
        yield chunk


def _summary(reader: Reader, bar: Bar, out: Path | None) -> None:
    counts = reader.counts
    parts = [f"{counts.texts:,} texts"] if counts.texts or not counts.recordings else []
    if counts.recordings:
        parts.append(f"{counts.recordings:,} recordings")
    if counts.repeated:
        parts.append(f"{counts.repeated:,} repeated and labeled once")
    if counts.bad:
        parts.append(f"{counts.bad:,} that could not be read")
    if counts.ignored_total:
        parts.append(f"{counts.ignored_total:,} files of other kinds passed over")
    errors.print(f"{', '.join(parts)} in {bar.seconds:.1f} s", highlight=False)
    if out is not None:
        errors.print(f"labels: {out}", highlight=False)
