"""Files that would take all memory, disk or time."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_service import BatchService

from llmlabel.batches.limits import BatchLimits

SMALL = BatchLimits(
    max_bytes=1 << 20,
    max_unpacked_bytes=32 << 20,
    max_ratio=100,
    max_lines=1000,
    max_columns=20,
    max_memory=1 << 30,
    max_text_chars=2000,
)


def _parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BatchService]:
    """With limits that a bomb passes soon."""
    folder = tmp_path_factory.mktemp("batches")
    with BatchService(
        f"sqlite:///{folder / 'store.db'}", folder, limits=SMALL
    ).working() as service:
        yield service


def _dictionary_bomb() -> bytes:
    """Two kilobytes that claim a terabyte: one long text, repeated."""
    words = pa.array(["x" * (40 << 20)])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 25_000, pa.int32()), words)
    out = io.BytesIO()
    table = pa.table({"text": column})
    pq.write_table(table, out, compression="zstd", dictionary_pagesize_limit=1 << 30)
    return out.getvalue()


def _plain_bomb() -> bytes:
    """As above, read as plain strings."""
    out = io.BytesIO()
    table = pa.table({"text": ["x" * (40 << 20)] * 60})
    pq.write_table(table, out, compression="zstd", store_schema=False)
    return out.getvalue()


# Made when they are needed: they take a while.
BOMBS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "one long line": (
        lambda: gzip.compress(b'{"text": "' + b"a" * (64 << 20) + b'"}'),
        "jsonl",
        "times as large",
    ),
    "packed twice": (lambda: gzip.compress(gzip.compress(b"\0" * (1 << 25))), "jsonl", ""),
    "empty lines": (
        lambda: pa.compress(b"\n" * (40 << 20), codec="zstd", asbytes=True),
        "jsonl",
        "1,000 lines",
    ),
    "too many lines": (
        lambda: b'{"text": "a"}\n' * 1001,
        "jsonl",
        "LLMLABEL_MAX_BATCH_LINES",
    ),
    "too many rows": (lambda: _parquet(text=["a"] * 1001), "parquet", "1,001 rows"),
    "too many columns": (
        lambda: _parquet(text=["a"], **{f"c{n}": [1] for n in range(20)}),
        "parquet",
        "21 columns",
    ),
    "one long text, repeated": (_dictionary_bomb, "parquet", "1,000"),
    "many long texts": (_plain_bomb, "parquet", "MiB"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_its_batch_and_nothing_else(small: BatchService, name: str) -> None:
    make, format, words = BOMBS[name]
    content = make()
    assert len(content) < 1 << 20
    batch = small.done(content, format=format)
    if words:
        assert batch.status == "failed", batch
        assert words in (batch.problem or "")
    assert batch.accepted == 0
    assert small.done(b'{"text": "all is well"}').accepted == 1
