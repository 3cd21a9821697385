"""Files that are packed, broken or not what they were said to be."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_service import BatchService


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


@pytest.mark.parametrize(
    ("content", "format", "words"),
    [
        (b"", "jsonl", "empty"),
        (b"PK\x03\x04 and so on", "jsonl", "zip"),
        (gzip.compress(b'{"text": "a"}\n' * 99)[:-9], "jsonl", "ends too early"),
        (gzip.compress(b'{"text": "a"}\n' * 99)[:20] + b"\0" * 9, "jsonl", "broken"),
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
