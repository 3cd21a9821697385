"""A process's share of batches, real but for its labeler: store, queue, reader, files."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from made_labels import made_label

from llmlabel.batches.batching import Batching
from llmlabel.batches.files import BatchFiles
from llmlabel.batches.limits import BatchLimits
from llmlabel.batches.paying import PaidByBatch
from llmlabel.batches.reader import BatchReader, Desk
from llmlabel.domain.batch import Batch, Progress
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.jobs import Jobs, LabelBatch, Patience, Runner
from llmlabel.shipped import search_folders
from llmlabel.store import Store

REF = "sentiment@1.0.0"


def label_of(document: Document, ref: str) -> Label:
    """Texts that end in `?` are doubted, `break` cannot be labeled."""
    if document.text == "break":
        raise ValueError("it broke")
    return made_label(document, ref, doubtful=document.text.endswith("?"))


async def at_once(documents: Sequence[Document], ref: str) -> Sequence[Label]:
    return [label_of(document, ref) for document in documents]


async def no_sound(path: Path, language: str | None) -> Any:
    raise AssertionError(path)


class Limited(Jobs):
    """A queue with as much room as a test says."""

    told: Callable[[], int]

    def room(self) -> int:
        return self.told()


class BatchService:
    """Begins to work when it is entered."""

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        label: LabelBatch = at_once,
        limits: BatchLimits | None = None,
        worker: str = "w",
        room: Callable[[], int] = lambda: 10_000,
        hold_seconds: float = 30.0,
        chunk: int = 50,
    ) -> None:
        self.store = Store.open(url, recordings=folder / "recordings")
        self.files = BatchFiles(folder / "batches")
        self.limits = limits or BatchLimits(max_text_chars=2000)
        self.guidelines = GuidelineLibrary(search_folders("guidelines"))
        # The reader is of the jobs, which are of the runner, beside whose work it is.
        self.runner = Runner(
            self.store, lambda _: self.jobs, worker=worker, poll_seconds=0.05, beside=[self]
        )
        self.jobs = Limited(
            self.store,
            PaidByBatch(self.store, label),
            no_sound,
            self.runner,
            chunk=chunk,
            patience=Patience(tries=1, first_wait=0.01),
        )
        self.jobs.told = room
        self.reader = BatchReader(
            Desk(self.store, self.files, self.jobs),
            worker,
            self.limits,
            poll_seconds=0.02,
            hold_seconds=hold_seconds,
        )
        self.batches = Batching(
            lambda: self.store,
            self.files,
            self.guidelines.get,
            self.limits,
        )

    def start(self) -> None:
        self.reader.start()

    def stop(self, timeout: float) -> None:
        self.reader.stop(timeout)

    @contextmanager
    def working(self):
        self.runner.start()
        try:
            yield self
        finally:
            self.runner.stop()
            self.store.close()

    def send(self, content: bytes, under: str = "sentiment", **wanted: Any) -> Batch:
        batch = self.batches.create([under], **wanted)
        with self.batches.receiving(batch.id, None) as upload:
            upload.write(content)
            return self.batches.received(batch.id, upload)

    def wait(self, id: str, *statuses: str, seconds: float = 60.0) -> Batch:
        end = time.monotonic() + seconds
        while True:
            batch = self.batches.get(id)
            if batch.status in (statuses or ("done", "failed", "cancelled")):
                return batch
            assert time.monotonic() < end, f"{batch} {self.batches.progress(id)}"
            time.sleep(0.02)

    def wait_until_empty(self) -> None:
        """Files are deleted just after it is noted that nobody needs them."""
        end = time.monotonic() + 20
        while self.files.ids():
            assert time.monotonic() < end, self.files.ids()
            time.sleep(0.01)

    def settle(self, id: str) -> Progress:
        """Wait until nothing of a batch is queued."""
        end = time.monotonic() + 60
        while (progress := self.batches.progress(id)).waiting:
            assert time.monotonic() < end, progress
            time.sleep(0.02)
        return progress

    def done(self, content: bytes, **wanted: Any) -> Batch:
        return self.wait(self.send(content, **wanted).id)

    def errors(self, id: str) -> dict[int, str]:
        return {error.line: f"{error.field}: {error.detail}" for error in self.batches.errors(id)}

    def results(self, id: str) -> list[Any]:
        return [result for page in self.batches.results(id) for result in page]
