"""Runs the cases through the system and scores what comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label
from llmlabel.errors import InvalidInput, InvalidText, LlmlabelError, ModelError, ModelUnauthorized
from llmlabel.evaluation.cases import Case, CaseFile
from llmlabel.evaluation.judging import Judged, judge
from llmlabel.evaluation.label_map import LabelMap
from llmlabel.evaluation.report import Report
from llmlabel.evaluation.summary import summarise

LabelBatch = Callable[[Sequence[Document], Guideline], Awaitable[Sequence[Label]]]
Transcribe = Callable[[Path, str, str | None], Awaitable[tuple[Document, Label]]]
Progress = Callable[[int], None]

_WARM_UP = "This sentence is labeled first, so that loading the models is not counted."


@dataclass(slots=True)
class _Work:
    """What running the cases gave: one label (or the error) a case, and the time it took."""

    labels: list[Label | None] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    audio_seconds: float = 0.0


async def evaluate(
    data: CaseFile,
    guideline: Guideline,
    label: LabelBatch,
    *,
    transcribe: Transcribe | None = None,
    label_map: LabelMap | None = None,
    limit: int | None = None,
    batch: int = 64,
    workers: int = 2,
    warm_up: bool = True,
    target: float = 0.95,
    progress: Progress | None = None,
    options: Mapping[str, str] | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Report:
    """Score a guideline on cases.

    Args:
        data: The cases, in order.
        guideline: The task, of the same kind as the cases.
        label: Labels a batch of documents, one label each, in order.
        transcribe: Of a recording (path, id, language): needed for transcripts.
        label_map: From the guideline's labels to the data's.
        limit: Take only the first so many cases.
        batch: Documents given to `label` at once.
        workers: Recordings transcribed at once.
        warm_up: Label one sentence before the clock starts.
        target: Accuracy of the accepted that a suggested threshold must reach.
        progress: Told how many more cases are done.
        options: How this was run, for the report.
        now: The clock.

    Raises:
        InvalidInput: The labels on the two sides do not fit together.
        MissingModel, ModelUnauthorized: Nothing can be labeled at all.
    """
    names = label_map or LabelMap()
    if data.kind != "transcript":
        names.check(guideline.label_names, data.labels)
    cases = data.cases[:limit]
    tell = progress or (lambda _: None)
    if data.kind == "transcript":
        if transcribe is None:
            raise InvalidInput("Transcripts are scored with a transcriber; none was given.")
        work = await _transcribe_all(cases, transcribe, workers, tell)
    else:
        work = await _label_all(cases, guideline, label, batch, warm_up, tell)
    judged: list[Judged] = []
    for case, said, problem in zip(cases, work.labels, work.problems, strict=True):
        found = judge(case, said, names, problem)
        if found is not None:
            judged.append(found)
    if not judged:
        raise InvalidInput("The label map leaves no case to score.", field="label_map")
    return summarise(
        data,
        guideline,
        judged,
        seconds=work.seconds,
        audio_seconds=work.audio_seconds,
        target=target,
        unscored=data.unscored + len(cases) - len(judged),
        options=dict(options or {}),
        created_at=now(),
    )


async def _label_all(
    cases: Sequence[Case],
    guideline: Guideline,
    label: LabelBatch,
    batch: int,
    warm_up: bool,
    tell: Progress,
) -> _Work:
    work = _Work()
    if warm_up:
        await label([Document.of_text(_WARM_UP)], guideline)
    began = time.perf_counter()
    for start in range(0, len(cases), batch):
        documents = [case.document for case in cases[start : start + batch] if case.document]
        labels = await label(documents, guideline)
        if [each.document_id for each in labels] != [each.id for each in documents]:
            raise RuntimeError("the labels do not come back one per document, in order")
        work.labels.extend(labels)
        work.problems.extend("" for _ in labels)
        tell(len(documents))
    work.seconds = time.perf_counter() - began
    return work


async def _transcribe_all(
    cases: Sequence[Case], transcribe: Transcribe, workers: int, tell: Progress
) -> _Work:
    work = _Work(labels=[None] * len(cases), problems=[""] * len(cases))
    gate = asyncio.Semaphore(workers)

    async def one(index: int, case: Case) -> None:
        async with gate:
            path = case.recording
            if path is None:
                raise RuntimeError(f"{case.place} is not a recording")
            try:
                document, label = await transcribe(path, case.id, case.language)
            except ModelUnauthorized:
                raise
            except (InvalidInput, InvalidText, ModelError) as exc:
                # This recording has no transcript, which is a wrong answer; the others go on.
                work.problems[index] = _sentence(exc)
            else:
                work.labels[index] = label
                if document.transcript is not None:
                    work.audio_seconds += document.transcript.duration_seconds
            tell(1)

    began = time.perf_counter()
    await asyncio.gather(*(one(index, case) for index, case in enumerate(cases)))
    work.seconds = time.perf_counter() - began
    return work


def _sentence(exc: LlmlabelError) -> str:
    return f"{exc.title}: {exc.detail}"
