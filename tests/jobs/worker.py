"""A process that works until it is told to stop or killed.

python worker.py URL FOLDER NAME MODE N HOLD: MODE `submit` first accepts N documents; `poison`
does so too, and labeling d3 ends the process. After HOLD documents it is busy with the next ones
for ever.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.jobs import Jobs, Patience, Runner, Transcription
from llmlabel.store import Store

GUIDELINE = "sentiment@1.0.0"


def label(document: Document, guideline: str) -> Label:
    answer = ChoiceAnswer(label="positive")
    return Label(
        document_id=document.id,
        text_sha256=document.text_sha256,
        guideline=guideline,
        guideline_sha256="0" * 64,
        answer=answer,
        confidence=Confidence(value=0.9, method="label_path"),
        route=Route.REVIEW if document.id.endswith("7") else Route.ACCEPTED,
        reason="-",
        threshold=0.8,
        opinions=(
            Prediction(
                answer=answer,
                probability=0.9,
                source=Source(labeler="llm", model=str(os.getpid())),
            ),
        ),
        created_at=datetime.now(UTC),
    )


class Slowly:
    """Labels so many documents, and never ends the next."""

    def __init__(self, most: int) -> None:
        self._left = most

    async def __call__(self, documents: Sequence[Document], guideline: str) -> Sequence[Label]:
        if self._left <= 0:
            await asyncio.sleep(3600)
        self._left -= len(documents)
        await asyncio.sleep(0.02 * len(documents))
        return [label(document, guideline) for document in documents]


async def deadly(documents: Sequence[Document], guideline: str) -> Sequence[Label]:
    if any(document.id == "d3" for document in documents):
        os._exit(9)
    return [label(document, guideline) for document in documents]


async def no_sound(path: Path, language: str | None) -> Transcription:
    raise AssertionError(path)


def alone(store: Store, *work: Any, runner: dict[str, Any] | None = None, **given: Any) -> Jobs:
    """The jobs of a process with one project, and a runner of their own."""
    jobs: Jobs
    works = Runner(store, lambda _: jobs, **(runner or {}))
    jobs = Jobs(store, *work, works, **given)
    return jobs


def say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def main() -> None:
    url, folder, name, mode, count, hold = sys.argv[1:]
    store = Store.open(url, recordings=Path(folder))
    jobs = alone(
        store,
        deadly if mode == "poison" else Slowly(int(hold)),
        no_sound,
        chunk=10,
        runner={"worker": name},
        patience=Patience(crashes=2),
    )
    jobs.runner.start()
    if mode != "work":
        jobs.submit(
            [Document.of_text(f"text {n}", id=f"d{n}") for n in range(int(count))], [GUIDELINE]
        )
    say("accepted")
    jobs.wait([f"d{n}" for n in range(int(count))], 120)
    say("settled")
    sys.stdin.read()
    jobs.runner.stop()


if __name__ == "__main__":
    main()
