"""Reads the files of batches in the background, beside the jobs: each line once, in any crash."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from llmlabel.batches.files import BatchFiles
from llmlabel.batches.kinds import Unreadable
from llmlabel.batches.limits import BatchLimits
from llmlabel.batches.lines import BadHeader, read_lines
from llmlabel.batches.unpack import count_lines, needs_unpacking, unpack
from llmlabel.batches.unpacking import CODE
from llmlabel.domain.batch import Batch, LineError
from llmlabel.errors import NotFound
from llmlabel.jobs.resume import EXHAUSTED, LEFT_ALONE
from llmlabel.llm.budget import dollars
from llmlabel.llm.prices import nano
from llmlabel.store import Asked, Store
from llmlabel.store.batch_work import LeaseLost, Line, Slice
from llmlabel.store.batches import HELD
from llmlabel.telemetry import told

if TYPE_CHECKING:
    from sqlalchemy import Connection

SLICE = 500
"""Lines accepted in one transaction: few enough that others who write wait for a moment only."""

SLICE_CHARS = 4_000_000
"""Fewer lines where their texts are together as long as this: what a slice takes is bounded."""

AT_ONCE = 8
"""Batches that one process reads at once, a slice of each in turn."""

LOOK_SECONDS = 1.0
"""How often it is looked whether a batch is done, or has money again."""

REST_SECONDS = 5.0
"""How long a batch is left alone that could not be read."""

ABSENT_SECONDS = 30.0
"""How long a batch is left to other hosts whose file is not on this one."""

NOT_HERE = (
    "A worker does not see the file; have all hosts share the folder LLMLABEL_HOME or, if the file "
    "was lost, cancel the batch and send it again."
)

TIDY_SECONDS = 300.0
PASSING = (EXHAUSTED, LEFT_ALONE)

log = structlog.get_logger()


class Queue(Protocol):
    """Where work is queued; `llmlabel.jobs.Jobs` is one."""

    def enqueue(self, connection: Connection, asked: Sequence[Asked]) -> None:
        """Queue what was asked, within a transaction of the store."""
        ...

    def room(self) -> int:
        """How many more documents may wait, counted once for each guideline asked of them."""
        ...

    def took(self, places: int) -> None:
        """So many of these places were filled."""
        ...


class Desk(NamedTuple):
    """A project whose batches are read.

    Attributes:
        store: Its database.
        files: Its files.
        queue: Where its work is queued.
        spare: Places that batches leave to what is sent otherwise.
    """

    store: Store
    files: BatchFiles
    queue: Queue
    spare: int = 0


class _Open:
    """A batch that is being read by this process."""

    def __init__(self) -> None:
        self.place = -1
        self.lines: Iterator[Line | LineError] | None = None
        self.preparing: Future[int] | None = None
        self.left = threading.Event()
        self.rests_until = 0.0
        self.money_at = 0.0
        self.finish_at = 0.0


class BatchReader:
    """Takes up batches whose file is here and accepts their lines. Any process may run one.

    Args:
        desk: The project whose batches are read.
        worker: Name of this process, unlike any other's on the same database.
        limits: Of files.
        poll_seconds: How often batches are looked for where none is read.
        hold_seconds: After so long without a sign of life another process goes on with what this
            one was reading.
        keep: Batches that ended, or rest, for so long are forgotten.
    """

    def __init__(
        self,
        desk: Desk,
        worker: str,
        limits: BatchLimits,
        *,
        poll_seconds: float = 0.5,
        hold_seconds: float = 30.0,
        keep: timedelta = timedelta(days=30),
    ) -> None:
        self._desk = desk
        self._worker = worker
        self._limits = limits
        self._poll_seconds = poll_seconds
        self._hold_seconds = hold_seconds
        self._keep = keep
        self._open: dict[str, _Open] = {}
        self._absent: dict[str, float] = {}
        self._stopping = threading.Event()
        self._unpacker = ThreadPoolExecutor(1, thread_name_prefix="unpacking")
        self._thread = threading.Thread(target=self._run, name="batches", daemon=True)

    def start(self) -> None:
        """Begin to read. Once per instance."""
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Stop in good order: what was begun is left to other processes.

        Args:
            timeout: Seconds for the slice under way.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._unpacker.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        tidy_at = 0.0
        while not self._stopping.is_set():
            worked = self._guarded(self._round)
            if time.monotonic() >= tidy_at:
                tidy_at = time.monotonic() + TIDY_SECONDS
                self._guarded(self._tidy)
            if not worked:
                self._stopping.wait(self._poll_seconds)
        self._guarded(lambda: self._desk.store.batches.leave(self._worker))

    def _guarded(self, work: Callable[[], object]) -> bool:
        try:
            return bool(work())
        except Exception as error:
            # The next round does what this one could not.
            log.warning("batches cannot be read now", **told(error))
            return False

    def _round(self) -> bool:
        worked = False
        now = time.monotonic()
        self._absent = {id: until for id, until in self._absent.items() if until > now}
        taken = self._desk.store.batches.take(
            self._worker, self._hold_seconds, AT_ONCE, self._absent
        )
        for id in set(self._open) - {batch.id for batch in taken}:
            self._forget(id)
        for batch in taken:
            known = self._open.setdefault(batch.id, _Open())
            if self._stopping.is_set() or time.monotonic() < known.rests_until:
                continue
            try:
                worked |= self._step(batch, known)
            except LeaseLost:
                self._forget(batch.id)
            except Exception as error:
                self._forget(batch.id)
                self._open[batch.id] = anew = _Open()
                anew.rests_until = time.monotonic() + REST_SECONDS
                log.warning("a batch cannot be read now", batch=batch.id, **told(error))
        return worked

    def _step(self, batch: Batch, known: _Open) -> bool:
        now = time.monotonic()
        paid = batch.budget_usd is not None or batch.code == HELD
        if paid and now >= known.money_at:
            known.money_at = now + (REST_SECONDS if batch.status == "stopped" else LOOK_SECONDS)
            batch = self._look_at_money(batch)
        if batch.status == "labeling" and now >= known.finish_at:
            known.finish_at = now + LOOK_SECONDS
            if self._desk.store.batches.finish(batch.id, self._worker, PASSING):
                log.info("batch done", batch=batch.id, lines=batch.lines_read)
                self._end(batch)
        if batch.status != "reading":
            return False
        if batch.lines is None:
            return self._prepare(batch, known)
        return self._accept(batch, known)

    def _look_at_money(self, batch: Batch) -> Batch:
        """Stop a batch whose money is used up, go on with one that has some again."""
        work = self._desk.store.batches
        if batch.code != HELD and not work.held(batch.id):
            return batch
        ceilings = {} if batch.budget_usd is None else {"total": nano(batch.budget_usd)}
        if self._desk.store.spending.has_room(batch.scope, ceilings):
            work.go_on(batch.id, self._worker, self._enqueue)
        elif batch.status != "stopped":
            spent, ceiling = (
                self._desk.store.spending.spent(batch.scope)["total"],
                ceilings["total"],
            )
            work.stop(
                batch.id,
                self._worker,
                f"The batch's budget is used up: {dollars(spent)} of {dollars(ceiling)} are spent, "
                "and the next call might pass it. Raise `budget_usd`, and it goes on by itself.",
            )
            log.warning("batch stopped: its budget is used up", batch=batch.id)
        return work.get(batch.id)

    def _prepare(self, batch: Batch, known: _Open) -> bool:
        """Unpack the file and count its lines, while other batches go on."""
        if known.preparing is None:
            if not self._is_here(batch):
                return False
            known.preparing = self._unpacker.submit(self._prepared, batch, known.left)
        if not known.preparing.done():
            return False
        done, known.preparing = known.preparing, None
        try:
            lines = done.result()
        except Unreadable as error:
            self._desk.store.batches.fail(batch.id, self._worker, CODE, str(error))
            log.warning("batch cannot be read", batch=batch.id)
            self._end(batch)
            return True
        except InterruptedError:
            return False
        self._desk.store.batches.counted(batch.id, self._worker, lines)
        return True

    def _is_here(self, batch: Batch) -> bool:
        """Whether this host has the file; if not, another may."""
        files = self._desk.files
        if files.sent(batch.id).exists() or files.lines(batch.id).exists():
            return True
        log.warning("the file of a batch is not on this host", batch=batch.id)
        self._absent[batch.id] = time.monotonic() + ABSENT_SECONDS
        self._desk.store.batches.pass_on(batch.id, self._worker, NOT_HERE)
        return False

    def _prepared(self, batch: Batch, left: threading.Event) -> int:
        files = self._desk.files
        sent, lines = files.sent(batch.id), files.lines(batch.id)

        def going_on() -> bool:
            return not self._stopping.is_set() and not left.is_set()

        if sent.exists() and needs_unpacking(sent, batch.format):
            count = unpack(
                sent, lines, columns=batch.columns, limits=self._limits, going_on=going_on
            )
            sent.unlink(missing_ok=True)  # unpacked, it is on the disk once
            return count
        return count_lines(sent if sent.exists() else lines, self._limits, going_on)

    def _accept(self, batch: Batch, known: _Open) -> bool:
        desk = self._desk
        places = desk.queue.room() - desk.spare
        wanted = min(SLICE, places // len(batch.guidelines))
        if wanted <= 0:
            return False
        if known.lines is None or known.place != batch.lines_read:
            path = self._desk.files.lines(batch.id)
            path = path if path.exists() else self._desk.files.sent(batch.id)
            if not path.exists():
                self._is_here(batch)
                return False
            known.place = batch.lines_read
            known.lines = read_lines(path, batch, self._limits, known.place)
        try:
            read, end = _some(known.lines, wanted)
        except BadHeader as error:
            self._desk.store.batches.fail(batch.id, self._worker, CODE, str(error))
            self._end(batch)
            return True
        part = _slice(read, batch, end=end)
        after = self._desk.store.batches.accept(
            batch.id, self._worker, known.place, part, self._enqueue
        )
        known.place = after.lines_read
        if part.end:
            self._forget(batch.id)
            self._desk.files.remove(batch.id)  # every text is a document now, or was refused
            log.info("batch read", batch=batch.id, lines=after.lines_read, refused=after.refused)
        return True

    def _enqueue(self, connection: Connection, asked: Sequence[Asked]) -> None:
        self._desk.queue.enqueue(connection, asked)
        self._desk.queue.took(len(asked))

    def _end(self, batch: Batch) -> None:
        self._forget(batch.id)
        self._desk.files.remove(batch.id)

    def _forget(self, id: str) -> None:
        known = self._open.pop(id, None)
        if known is None:
            return
        known.left.set()  # nobody waits for what is unpacked of it
        if known.lines is not None:
            known.lines.close()  # type: ignore[attr-defined]

    def _tidy(self) -> None:
        """Delete files that nothing needs any more, and forget what rests for long."""
        store, files = self._desk.store, self._desk.files
        for id in files.ids():
            try:
                batch = store.batches.get(id)
            except NotFound:
                files.remove(id)
                continue
            if batch.ended or batch.status == "labeling":
                files.remove(id)
        for id in store.batches.resting(store.database.clock() - self._keep):
            if self._stopping.is_set():
                return
            if not store.batches.get(id).ended:
                store.batches.cancel(id)
            files.remove(id)
            store.batches.forget(id)
            log.info("batch forgotten", batch=id)


def _some(lines: Iterator[Line | LineError], most: int) -> tuple[list[Line | LineError], bool]:
    """The next lines, at most so many, and whether nothing is left."""
    read: list[Line | LineError] = []
    chars = 0
    for item in islice(lines, most):
        read.append(item)
        chars += len(item.document.text) if isinstance(item, Line) else 0
        if chars >= SLICE_CHARS:
            return read, False
    return read, len(read) < most


def _slice(read: Sequence[Line | LineError], batch: Batch, *, end: bool) -> Slice:
    lines = [item for item in read if isinstance(item, Line)]
    errors = [item for item in read if isinstance(item, LineError)]
    if end:
        return Slice(lines, errors, max(batch.lines or 0, batch.lines_read), True)
    last = read[-1]
    return Slice(lines, errors, last.number if isinstance(last, Line) else last.line, False)
