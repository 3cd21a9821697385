"""What clients order of batches, and what they are told."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pydantic import JsonValue

from llmlabel.batches.files import BatchFiles, Upload
from llmlabel.batches.limits import BatchLimits
from llmlabel.domain.batch import (
    ENDED,
    Batch,
    BatchFormat,
    BatchStatus,
    Columns,
    LineError,
    Progress,
)
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.metadata import check_metadata
from llmlabel.errors import Conflict, InvalidInput, Unsupported, UploadTooLarge
from llmlabel.store import Store
from llmlabel.store.batch_reads import Result

LOOK_AGAIN = 20
"""Progress is counted anew when it is so many times as old as the counting took."""

MAX_BUDGET_USD = 1e6


class Batching:
    """Batches of one project.

    Args:
        store: Gives its database.
        files: Their files.
        guideline: Finds a guideline by name or `name@version`; raises UnknownGuideline.
        limits: Of their files.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        files: BatchFiles,
        guideline: Callable[[str], Guideline],
        limits: BatchLimits,
    ) -> None:
        self._store = store
        self._files = files
        self._guideline = guideline
        self.limits = limits
        self._counted: dict[str, tuple[float, float, Progress]] = {}
        self._counting = threading.Lock()

    def create(
        self,
        guidelines: Sequence[str],
        *,
        format: BatchFormat = "jsonl",
        columns: Columns | None = None,
        delimiter: str | None = None,
        budget_usd: float | None = None,
        metadata: dict[str, JsonValue] | None = None,
    ) -> Batch:
        """A new batch that waits for its file.

        Raises:
            UnknownGuideline: There is none of that name or version.
            Unsupported: A guideline is for recordings.
            InvalidInput: A field cannot be used.
            Conflict: Too many files are awaited or unread.
        """
        if not guidelines:
            raise InvalidInput("Name at least one guideline.", field="guidelines")
        found = [self._guideline(ref) for ref in guidelines]
        for guideline in found:
            if guideline.kind == "transcript":
                raise Unsupported(
                    f"{guideline.ref} is for recordings; send them to /v1/audio.",
                    field="guidelines",
                )
        check_metadata(metadata or {})
        _check_words(columns or Columns(), delimiter)
        store = self._store()
        self._check_open(store)
        batch = Batch(
            id=f"b-{uuid.uuid4().hex}",
            status="uploading",
            guidelines=tuple(dict.fromkeys(guideline.ref for guideline in found)),
            format=format,
            columns=columns or Columns(),
            delimiter=delimiter,
            metadata=metadata or {},
            budget_usd=_checked_budget(budget_usd),
            created_at=store.database.clock(),
        )
        return store.batches.add(batch)

    def _check_open(self, store: Store) -> None:
        counts = store.batch_reads.counts().batches
        still = sum(n for status, n in counts.items() if status not in (*ENDED, "labeling"))
        if still >= self.limits.max_open:
            raise Conflict(
                f"{still:,} batches wait for their file or are not read to their end, as many as "
                "may; send their files, or cancel those that nobody goes on with (`llmlabel "
                "batches list --status uploading`), or raise LLMLABEL_MAX_OPEN_BATCHES.",
            )

    def get(self, id: str) -> Batch:
        """One batch.

        Raises:
            NotFound: There is none under that id.
        """
        return self._store().batches.get(id)

    def page(
        self, *, limit: int = 50, cursor: str | None = None, status: BatchStatus | None = None
    ) -> tuple[list[Batch], str | None]:
        """Batches, newest first, and the cursor of the next page."""
        return self._store().batches.page(limit=limit, cursor=cursor, status=status)

    def offset(self, id: str) -> int:
        """How many bytes of the file are here.

        Raises:
            NotFound: There is no such batch.
        """
        batch = self.get(id)
        return self._files.offset(id) if batch.bytes is None else batch.bytes

    @contextmanager
    def receiving(self, id: str, at: int | None) -> Iterator[Upload]:
        """Write the file, from a byte on or anew; see `BatchFiles.receiving`.

        Raises:
            NotFound: There is no such batch.
            Conflict: It has its file already, or another request is sending it.
            UploadMismatch: The file does not end at that byte.
        """
        self._wants_file(id)
        # Asked again under the lock: a file that is being read must not be begun anew.
        with self._files.receiving(id, at, lambda: self._wants_file(id)) as upload:
            yield _Limited(upload, self.limits.max_bytes)

    def _wants_file(self, id: str) -> None:
        batch = self.get(id)
        if batch.status != "uploading":
            raise Conflict(
                f"The batch has its file already (it is `{batch.status}`); create another one.",
                field="id",
            )

    def received(self, id: str, upload: Upload) -> Batch:
        """The file is here whole: from now on it is read.

        Raises:
            Conflict: The batch was cancelled meanwhile.
        """
        upload.sync()
        return self._store().batches.received(id, upload.offset)

    def pause(self, id: str) -> Batch:
        """Read no more of it; see `store.Batches.pause`."""
        self._look_anew(id)
        return self._store().batches.pause(id)

    def resume(self, id: str) -> Batch:
        """Go on with it; see `store.Batches.resume`."""
        self._look_anew(id)
        return self._store().batches.resume(id)

    def cancel(self, id: str) -> Batch:
        """Label no more of it; see `store.Batches.cancel`."""
        done = self._store().batches.cancel(id)
        self._files.remove(id)
        self._look_anew(id)
        return done

    def set_budget(self, id: str, usd: float | None) -> Batch:
        """Change what may be spent on it; see `store.Batches.set_budget`."""
        return self._store().batches.set_budget(id, _checked_budget(usd))

    def progress(self, id: str) -> Progress:
        """How far its labels are; of a large batch it may be some seconds old."""
        now = time.monotonic()
        with self._counting:
            known = self._counted.get(id)
            if known is not None and now - known[0] < LOOK_AGAIN * known[1]:
                return known[2]
        found = self._store().batch_reads.progress(id)
        with self._counting:
            took = time.monotonic() - now
            self._counted = {
                other: kept
                for other, kept in self._counted.items()
                if now - kept[0] < LOOK_AGAIN * kept[1]
            }
            # What takes a moment only is counted whenever it is asked for.
            if took > 0.1:
                self._counted[id] = (time.monotonic(), took, found)
        return found

    def _look_anew(self, id: str) -> None:
        with self._counting:
            self._counted.pop(id, None)

    def errors(self, id: str, after: int = 0) -> Iterator[LineError]:
        """The lines that were refused, in order.

        Raises:
            NotFound: There is no such batch.
        """
        self.get(id)
        return self._store().batch_reads.errors(id, after)

    def results(
        self, id: str, *, after: int = 0, opinions: bool = True
    ) -> Iterator[Sequence[Result]]:
        """What became of its lines, in order, page by page.

        Raises:
            NotFound: There is no such batch.
        """
        self.get(id)
        return self._store().batch_reads.results(id, after=after, opinions=opinions)


class _Limited(Upload):
    """An upload that ends where it gets too large."""

    def __init__(self, upload: Upload, most: int) -> None:
        self._upload = upload
        self._most = most
        self.offset = upload.offset

    def write(self, data: bytes) -> None:
        if self.offset + len(data) > self._most:
            raise UploadTooLarge(
                f"The file has more than {self._most:,} bytes; split it, compress it by gzip or "
                "zstd, or raise LLMLABEL_MAX_BATCH_BYTES.",
            )
        self._upload.write(data)
        self.offset = self._upload.offset

    def sync(self) -> None:
        self._upload.sync()


def _check_words(columns: Columns, delimiter: str | None) -> None:
    named = [columns.text, columns.id, columns.language, *(columns.metadata or ())]
    for name in named:
        if not name.isprintable():
            raise InvalidInput(
                f"The column {name[:40]!r} holds a control character.", field="columns"
            )
    if columns.text in (columns.id, columns.language) or columns.id == columns.language:
        raise InvalidInput(
            "`text`, `id` and `language` need a column each; name different ones.",
            field="columns",
        )
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n\x00'):
        raise InvalidInput(
            "A delimiter is one character, and no quote or line break.", field="delimiter"
        )


def _checked_budget(usd: float | None) -> float | None:
    if usd is not None and not (math.isfinite(usd) and 0 <= usd <= MAX_BUDGET_USD):
        raise InvalidInput(
            f"A budget is a number of US dollars from 0 to {MAX_BUDGET_USD:,.0f}.",
            field="budget_usd",
        )
    return usd
