"""How fast a batch of many lines is accepted and labeled, and how much memory that takes.

Labeling itself takes no time, so what is measured is the service: reading, checking, storing,
queueing, saving labels, and the results read back.

Run: python -m eval.batch_load [--lines 1000000] [--url postgresql://...] [--format csv] [--gzip]
     [--accept-only]
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from eval.instant_labels import at_once, nobody
from llmlabel.batches.batching import Batching
from llmlabel.batches.files import BatchFiles
from llmlabel.batches.limits import BatchLimits
from llmlabel.batches.paying import PaidByBatch
from llmlabel.batches.reader import BatchReader, Desk
from llmlabel.batches.results import write_results
from llmlabel.domain.batch import BatchFormat
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.jobs import Jobs, Runner
from llmlabel.shipped import search_folders
from llmlabel.store import Store

TEXT = "The delivery came two days late, but the shop was kind about it and sent a gift. "
MANY = 1 << 40


class Memory:
    """Samples what this process holds, in MiB, until it is stopped."""

    def __init__(self, every: float = 0.5) -> None:
        self._every = every
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._begun = time.perf_counter()
        self.samples: list[tuple[float, float]] = []

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            self.samples.append((time.perf_counter() - self._begun, resident()))

    def curve(self, points: int = 10) -> str:
        """The samples at even times, as `seconds: MiB`."""
        step = max(1, len(self.samples) // points)
        return "  ".join(f"{at:.0f}s {held:.0f}" for at, held in self.samples[::step])


def resident() -> float:
    """MiB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def lines(count: int, format: BatchFormat) -> Iterator[bytes]:
    """A file of so many documents, in pieces."""
    if format == "csv":
        yield b"id,text,shop\n"
    for start in range(0, count, 1000):
        numbers = range(start, min(count, start + 1000))
        if format == "csv":
            yield "".join(f'd{n},"{TEXT}{n}",{n % 7}\n' for n in numbers).encode()
        else:
            rows = ({"id": f"d{n}", "text": f"{TEXT}{n}", "shop": n % 7} for n in numbers)
            yield "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(count: int, target: Path) -> None:
    """The same as a Parquet file."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    kinds = pa.schema([("id", pa.string()), ("text", pa.string()), ("shop", pa.int64())])
    with pq.ParquetWriter(target, kinds) as writer:
        for piece in lines(count, "jsonl"):
            rows = [json.loads(line) for line in piece.splitlines()]
            writer.write_table(pa.Table.from_pylist(rows, schema=kinds))


class Bench:
    """A service without HTTP."""

    def __init__(self, url: str, folder: Path, *, labels: bool, chunk: int) -> None:
        self.store = Store.open(url, recordings=folder / "recordings")
        self.files = BatchFiles(folder / "batches")
        limits = BatchLimits(max_lines=MANY, max_bytes=MANY, max_unpacked_bytes=MANY)
        self.reader: BatchReader | None = None
        self.runner = Runner(
            self.store,
            lambda _: self.jobs,
            queues=("text",) if labels else ("audio",),
            beside=[self],
        )
        label = PaidByBatch(self.store, at_once)
        self.jobs = Jobs(self.store, label, nobody, self.runner, chunk=chunk, max_waiting=MANY)
        self._limits = limits
        guidelines = GuidelineLibrary(search_folders("guidelines"))
        self.batches = Batching(lambda: self.store, self.files, guidelines.get, limits)

    def start(self) -> None:
        """Begin to read batches, beside the jobs."""
        desk = Desk(self.store, self.files, self.jobs)
        self.reader = BatchReader(desk, "bench", self._limits, poll_seconds=0.05)
        self.reader.start()

    def stop(self, timeout: float) -> None:
        """Stop reading."""
        assert self.reader is not None
        self.reader.stop(timeout)

    def send(self, count: int, format: BatchFormat, folder: Path, *, packed: bool) -> str:
        """Send a batch of so many lines; gives its id."""
        batch = self.batches.create(["sentiment"], format=format)
        with self.batches.receiving(batch.id, None) as upload:
            if format == "parquet":
                path = folder / "sent.parquet"
                parquet(count, path)
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        upload.write(block)
            else:
                for piece in lines(count, format):
                    upload.write(gzip.compress(piece, 1) if packed else piece)
            self.batches.received(batch.id, upload)
        return batch.id


def main() -> None:
    """Print rates and the curve of memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--url", help="a database; by default an SQLite file")
    parser.add_argument("--format", choices=["jsonl", "csv", "parquet"], default="jsonl")
    parser.add_argument("--gzip", action="store_true", help="send it compressed")
    parser.add_argument("--chunk", type=int, default=50, help="documents in one job")
    parser.add_argument(
        "--accept-only", action="store_true", help="label nothing, to see how fast lines come in"
    )
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = options.url or f"sqlite:///{folder}/bench.db"
        bench = Bench(url, folder, labels=not options.accept_only, chunk=options.chunk)
        id = bench.send(options.lines, options.format, folder, packed=options.gzip)
        before = resident()
        bench.runner.start()
        with Memory() as memory:
            _report(bench, id, options.accept_only)
        peak = max((held for _, held in memory.samples), default=before)
        print(f"memory: {before:.0f} MiB before, {peak:.0f} MiB at most")
        print(f"memory over time (MiB): {memory.curve()}")
        bench.runner.stop()
        bench.store.close()


def _report(bench: Bench, id: str, accept_only: bool) -> None:
    begin, worked = time.perf_counter(), time.process_time()
    while bench.batches.get(id).status == "reading":
        time.sleep(0.1)
    batch = bench.batches.get(id)
    accepted = time.perf_counter() - begin
    print(
        f"accepted: {batch.accepted:,} of {batch.lines_read:,} lines in {accepted:.1f} s, "
        f"{batch.accepted / accepted:,.0f} documents/s; {_each(worked, batch.accepted)} so far"
    )
    if accept_only:
        return
    while not bench.batches.get(id).ended:
        time.sleep(0.25)
    labeled = time.perf_counter() - begin
    begun = time.perf_counter()
    progress = bench.batches.progress(id)
    took = time.perf_counter() - begun
    print(
        f"labeled: {progress.labeled:,} in {labeled:.1f} s, {progress.labeled / labeled:,.0f} "
        f"documents/s; {_each(worked, progress.labeled)} in all; progress takes "
        f"{took * 1000:.0f} ms"
    )
    for opinions, format in ((True, "jsonl"), (False, "csv"), (False, "parquet")):
        begun, size = time.perf_counter(), 0
        pages = bench.batches.results(id, opinions=opinions)
        for piece in write_results(pages, format):  # type: ignore[arg-type]
            size += len(piece)
        took = time.perf_counter() - begun
        print(
            f"results as {format}: {size / (1 << 20):,.1f} MiB in {took:.1f} s, "
            f"{batch.accepted / took:,.0f} lines/s"
        )


def _each(since: float, documents: int) -> str:
    """Processor time of this process a document: what others do on the machine does not count."""
    return f"{(time.process_time() - since) / max(documents, 1) * 1e3:.2f} ms of a processor each"


if __name__ == "__main__":
    main()
