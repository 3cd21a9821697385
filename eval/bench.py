"""Quality and speed on this machine: `make bench`, or `python -m eval.bench`.

With LLMLABEL_DATA naming a folder of data sets (`text/<set>/test.jsonl`, `audio/manifest.jsonl`)
it runs the sets below; without it, the suites that come with llmlabel. It prints one Markdown
table and writes the whole reports as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llmlabel.bootstrap import Application, build
from llmlabel.cli.console import errors
from llmlabel.cli.progress import Bar
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label
from llmlabel.errors import LlmlabelError
from llmlabel.evaluation.cases import CaseFile, load
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.evaluation.report import Report
from llmlabel.evaluation.run import evaluate
from llmlabel.evaluation.task import guideline_for
from llmlabel.settings import Settings
from llmlabel.shipped import shipped_folder

MAPS = Path(__file__).parent / "maps"
HEADLINE = ("accuracy", "span_f1_strict", "token_accuracy", "wer")


@dataclass(frozen=True)
class Target:
    """One row: what is run, and the score that is aimed at (an error rate has none)."""

    name: str
    file: str
    guideline: str | None = None
    labels_from_data: bool = False
    label_map: str | None = None
    labelers: tuple[str, ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    goal: float | None = None
    limited: bool = True


SETS = (
    Target("sst2", "text/sst2", "sentiment", labels_from_data=True, goal=0.92),
    Target("banking77", "text/banking77", labels_from_data=True),
    Target("clinc150", "text/clinc150", labels_from_data=True),
    Target("ud_ewt", "text/ud_ewt", "pos", goal=0.92),
    Target("uner_ewt", "text/uner_ewt", "ner", label_map="uner_ewt", goal=0.59),
    Target(
        "uner_ewt, spaCy alone", "text/uner_ewt", "ner", label_map="uner_ewt", labelers=("spacy",)
    ),
    Target("wikigold", "text/wikigold", "ner", label_map="wikigold", goal=0.58),
    Target(
        "wikigold, spaCy alone", "text/wikigold", "ner", label_map="wikigold", labelers=("spacy",)
    ),
    Target(
        "recordings",
        "audio/manifest.jsonl",
        "transcription",
        where=(("reference", "corpus"),),
        limited=False,
    ),
)
SUITES = tuple(
    Target(name, name, name, limited=False)
    for name in ("sentiment", "intent", "ner", "pos", "transcription")
)


@dataclass(frozen=True)
class Row:
    """A target with its report and the processor time it took."""

    target: Target
    report: Report
    cpu_seconds: float


def main(words: Sequence[str] | None = None) -> int:
    """Run all, or the rows named; exit code 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", help="rows to run, by name (default: all)")
    parser.add_argument("--limit", type=int, default=200, help="cases of each set (default 200)")
    parser.add_argument("--batch", type=int, default=64, help="documents labeled at once")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    given = parser.parse_args(words)
    data = os.environ.get("LLMLABEL_DATA")
    targets = SETS if data else SUITES
    unknown = set(given.rows) - {target.name for target in targets}
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    chosen = [target for target in targets if not given.rows or target.name in given.rows]
    rows, failed = asyncio.run(_run(chosen, Path(data) if data else None, given.limit, given.batch))
    for line in table(rows):
        print(line)
    for name, problem in failed:
        print(f"\n{name} could not be run: {problem}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(_record(rows), indent=2) + "\n")
    print(f"\nReports: {given.out}")
    return 1 if failed or any(_reached(row) is False for row in rows) else 0


async def _run(
    targets: Sequence[Target], folder: Path | None, limit: int, batch: int
) -> tuple[list[Row], list[tuple[str, str]]]:
    # A cached reply costs nothing, which is not what is measured here.
    app = build(Settings(llm_cache=False))
    rows, failed = [], []
    try:
        for target in targets:
            try:
                row = await _one(app, target, folder, limit if target.limited else None, batch)
                rows.append(row)
                errors.print(f"done: {target.name}", highlight=False)
            except LlmlabelError as exc:
                failed.append((target.name, f"{exc.title}: {exc.detail}"))
    finally:
        await app.close()
    return rows, failed


async def _one(
    app: Application, target: Target, folder: Path | None, limit: int | None, batch: int
) -> Row:
    data = _cases(target, folder)
    names = LabelMap.read(MAPS / f"{target.label_map}.yaml") if target.label_map else LabelMap()
    base = app.guidelines.get(target.guideline) if target.guideline else None
    task = guideline_for(data, base, labels_from_data=target.labels_from_data)
    if target.labelers:
        steps = tuple(step for step in task.labelers if step.name in target.labelers)
        task = task.model_copy(update={"labelers": steps})
    total = min(len(data.cases), limit or len(data.cases))
    clock = _CpuClock(app.label)
    with Bar(target.name, total) as bar:
        report = await evaluate(
            data,
            task,
            clock.label,
            transcribe=_transcriber(app),
            label_map=names,
            limit=limit,
            batch=batch,
            workers=app.settings.whisper_workers,
            progress=bar.advance,
            options={"row": target.name, "llm": app.settings.llm},
        )
    return Row(target, report, clock.seconds)


def _cases(target: Target, folder: Path | None) -> CaseFile:
    if folder is None:
        return load(target.file, [shipped_folder("suites")])
    path = folder / target.file
    file = path if path.suffix == ".jsonl" else path / "test.jsonl"
    return load(str(file), [], where=dict(target.where))


class _CpuClock:
    """Processor time of labeling, the first call (which loads the models) left out."""

    def __init__(self, label: Callable[..., Any]) -> None:
        self._label = label
        self._warm = False
        self.seconds = 0.0

    async def label(self, documents: Sequence[Document], guideline: Guideline) -> list[Label]:
        began = time.process_time()
        labels: list[Label] = await self._label(documents, guideline)
        self.seconds += time.process_time() - began if self._warm else 0.0
        self._warm = True
        return labels


def _transcriber(app: Application) -> Callable[..., Any]:
    async def transcribe(path: Path, id: str, language: str | None) -> tuple[Document, Label]:
        return await app.transcribe(path, id=id, language=language)

    return transcribe


def table(rows: Sequence[Row]) -> list[str]:
    """The rows in Markdown."""
    heads = (
        "set",
        "n",
        "metric",
        "value",
        "95% interval",
        "goal",
        "AUROC",
        "ECE",
        "accepted",
        "right of accepted",
        "per second",
        "per CPU-second",
    )
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in rows]
    return lines


def _cells(row: Row) -> list[str]:
    report = row.report
    metric = _headline(report)
    interval = report.interval
    audio = report.throughput.audio_seconds_per_second
    speed = (
        f"{report.throughput.documents_per_second:.2f} documents"
        if audio is None
        else f"{audio:.1f} s of audio"
    )
    goal = "" if row.target.goal is None else f"{row.target.goal:.2f}"
    reached = _reached(row)
    mark = "" if reached is None else " reached" if reached else " missed"
    return [
        row.target.name,
        str(report.n),
        metric,
        _number(report.metrics.get(metric)),
        f"{interval.low:.3f} to {interval.high:.3f}" if interval else "",
        f"{goal}{mark}",
        _number(report.metrics.get("auroc")),
        _number(report.metrics.get("ece")),
        _number(report.metrics.get("coverage")),
        _number(report.metrics.get("accepted_accuracy")),
        speed,
        f"{report.n / row.cpu_seconds:.1f} documents" if row.cpu_seconds else "",
    ]


def _headline(report: Report) -> str:
    return next(metric for metric in HEADLINE if metric in report.metrics)


def _reached(row: Row) -> bool | None:
    value = row.report.metrics.get(_headline(row.report))
    return None if row.target.goal is None else value is not None and value >= row.target.goal


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _record(rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "created_at": datetime.now(UTC).isoformat(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "rows": [
            {
                "name": row.target.name,
                "goal": row.target.goal,
                "reached": _reached(row),
                "cpu_seconds": row.cpu_seconds,
                "report": row.report.model_dump(mode="json", exclude={"wrong", "curves"}),
            }
            for row in rows
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
