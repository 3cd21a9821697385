"""Files that are packed, broken or not what they were said to be."""

from __future__ import annotations

import gzip
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_service import BatchService

from llmlabel.batches import reader
from llmlabel.batches.limits import BatchLimits
from llmlabel.batches.unpack import unpack
from llmlabel.batches.unpacking import BLOCK, PACKED
from llmlabel.domain.batch import Columns


def _lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatchService]:
    """One service for all of them: what a file is has nothing to do with databases."""
    folder = tmp_path_factory.mktemp("batches")
    with BatchService(f"sqlite:///{folder / 'store.db'}", folder).working() as service:
        yield service


@pytest.mark.parametrize("kind", ["gzip", "zstd", "members"])
def test_compressed_lines_are_unpacked(one: BatchService, kind: str) -> None:
    content = _lines(*({"text": f"text {n}"} for n in range(50)))
    packed = {
        "gzip": gzip.compress(content),
        "zstd": pa.compress(content, codec="zstd", asbytes=True),
        "members": gzip.compress(content[:300]) + gzip.compress(content[300:]),
    }[kind]
    batch = one.done(packed)
    assert (batch.status, batch.accepted, batch.bytes) == ("done", 50, len(packed))


@pytest.mark.parametrize("block", [PACKED, BLOCK])
def test_a_member_that_begins_at_the_end_of_a_block_is_read(one: BatchService, block: int) -> None:
    first = gzip.compress(_lines({"text": "first"}), mtime=0)
    name = b"n" * (block - 2 - len(first)) + b"\0"
    first = first[:3] + b"\x08" + first[4:10] + name + first[10:]
    assert len(first) == block - 1
    batch = one.done(first + b"\0" * 9 + gzip.compress(_lines({"text": "second"})) + b"\0" * 99)
    assert (batch.status, batch.accepted) == ("done", 2)


def test_nobody_waits_for_a_file_whose_batch_was_cancelled(
    one: BatchService, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, left = threading.Event(), threading.Event()

    def slow(*_: object, going_on: Callable[[], bool], **__: object) -> int:
        begun.set()
        while going_on():
            time.sleep(0.01)
        left.set()
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(reader, "unpack", slow)
        id = one.send(gzip.compress(b'{"text": "never read"}')).id
        assert begun.wait(30)
        one.batches.cancel(id)
        assert left.wait(30)
    assert one.done(gzip.compress(b'{"text": "read"}')).accepted == 1


def test_what_a_killed_process_left_half_unpacked_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "unpacking-before").write_bytes(b"half a fi")
    sent = tmp_path / "sent"
    sent.write_bytes(gzip.compress(b"one\n"))
    unpack(
        sent,
        tmp_path / "lines",
        columns=Columns(),
        limits=BatchLimits(),
        going_on=lambda: True,
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["lines", "sent"]


@pytest.mark.parametrize(
    ("content", "format", "words"),
    [
        (b"", "jsonl", "empty"),
        (b"PK\x03\x04 and so on", "jsonl", "zip"),
        (gzip.compress(b'{"text": "a"}\n' * 99)[:-9], "jsonl", "ends too early"),
        (gzip.compress(b'{"text": "a"}\n' * 99)[:20] + b"\0" * 9, "jsonl", "broken"),
        (gzip.compress(b'{"text": "a"}\n') + b'{"text": "b"}\n', "jsonl", "broken"),
        (b"\x28\xb5\x2f\xfd nothing", "jsonl", "broken"),
        (b"PAR1 and nothing", "parquet", "broken"),
        (b"PAR1 and nothing", "jsonl", "create the batch with `format`: `parquet`"),
        (b"a,b\n1,2\n", "parquet", "not Parquet"),
        (b"a,b\n1,2\n", "csv", "the file has: a, b"),
        (b"text,text\n1,2\n", "csv", "Two columns"),
        (_parquet(review=["a"]), "parquet", "the file has: review"),
    ],
)
def test_a_file_that_cannot_be_read_ends_its_batch(
    one: BatchService, content: bytes, format: str, words: str
) -> None:
    batch = one.done(content, format=format)
    assert batch.status == "failed"
    assert words in (batch.problem or "")
    assert batch.accepted == 0
    one.wait_until_empty()


def test_quotes_that_never_close_take_no_more_time_than_is_given_them(one: BatchService) -> None:
    # Each line opens quotes whether they are open or not, so each would be looked through anew.
    batch = one.done(b"text,id\n" + b'x"y,"z\n' * 100_000, format="csv")
    assert batch.status == "done"
    assert (batch.accepted, batch.lines_read) == (0, 100_001)
    assert "Too many lines are like this one" in list(one.errors(batch.id).values())[-1]
