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
from pathlib import Path
from typing import Any

from made_labels import made_label

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.jobs import Jobs, Patience, Runner, Transcription
from llmlabel.store import Store

GUIDELINE = "sentiment@1.0.0"


def label(document: Document, guideline: str) -> Label:
    return made_label(
        document, guideline, doubtful=document.id.endswith("7"), value=0.9, model=str(os.getpid())
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
