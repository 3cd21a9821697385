"""Files become documents: every good line once, every bad one with its reason."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_service import BatchService

from llmlabel.batches.limits import BatchLimits
from llmlabel.domain.batch import Columns


def _lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _parquet(**columns: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_every_line_is_labeled_in_its_order(service: BatchService) -> None:
    texts = [{"id": f"d{n}", "text": f"text {n}", "shop": n % 3} for n in range(1203)]
    batch = service.done(_lines(*texts))
    assert (batch.status, batch.lines, batch.accepted, batch.refused) == ("done", 1203, 1203, 0)
    progress = service.batches.progress(batch.id)
    assert (progress.labels, progress.labeled, progress.waiting) == (1203, 1203, 0)
    found = service.results(batch.id)
    assert [each.line for each in found] == list(range(1, 1204))
    assert [each.document_id for each in found] == [row["id"] for row in texts]
    assert {each.status for each in found} == {"done"}
    assert found[7].label["answer"]["label"] == "positive"
    assert service.store.documents.get("d4").metadata == {"shop": 1}
    service.wait_until_empty()


def test_what_is_wrong_with_a_line_is_told_and_the_others_go_on(service: BatchService) -> None:
    good = [b'{"text": "fine"}', b'{"text": "fine too", "language": "en"}', b'{"text": "why?"}']
    bad = [
        b"{",
        b"[1]",
        b'{"text": 3}',
        b'{"no": "text"}',
        b'{"text": "  "}',
        b'{"text": "nul \\u0000"}',
        b'{"text": "half \\ud800"}',
        b'{"text": "a", "id": ""}',
        b'{"text": "a", "id": "' + b"x" * 300 + b'"}',
        b'{"text": "a", "language": "English, please"}',
        b'{"text": "a", "language": "\\u0000"}',
        b'{"text": "a", "metadata": [1]}',
        b'{"text": "a", "n": NaN}',
        b'{"text": "a", "n": "\\u0000"}',
        b'{"text": "\xff\xfe"}',
        b'{"text": "' + b"x" * 2001 + b'"}',
        b'{"text": "' + b"x" * 200_000 + b'"}',
        b'{"text": "a", "n": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"text": "a", "n": ' + b"9" * 5000 + b"}",
        b'{"file": "call.mp3"}',
        b'{"text": "a", "big": "' + b"x" * 70_000 + b'"}',
    ]
    batch = service.done(b"\n".join([good[0], *bad, b"", good[1], good[2]]))
    assert batch.status == "done"
    assert (batch.accepted, batch.refused) == (3, len(bad))
    errors = service.errors(batch.id)
    assert sorted(errors) == list(range(2, len(bad) + 2))
    assert [each.line for each in service.results(batch.id)] == [1, len(bad) + 3, len(bad) + 4]
    assert errors[2].startswith("None: Invalid JSON at column")
    assert errors[4].startswith("text: Found a number")
    assert "id: " in errors[10]
    assert service.batches.progress(batch.id).in_review == 1
    assert all(len(detail) < 600 for detail in errors.values())


def test_an_id_of_another_text_is_refused_and_the_same_document_is_found(
    service: BatchService,
) -> None:
    batch = service.done(
        _lines(
            {"id": "a", "text": "first"},
            {"id": "a", "text": "second"},
            {"id": "a", "text": "first"},
            {"id": "b", "text": "break"},
        )
    )
    assert (batch.accepted, batch.refused) == (3, 1)
    assert "exists with other text" in service.errors(batch.id)[2]
    again = service.done(_lines({"id": "a", "text": "first"}, {"id": "b", "text": "else"}))
    assert (again.accepted, again.refused) == (1, 1)
    progress = service.batches.progress(batch.id)
    assert (progress.labels, progress.labeled, progress.failed) == (3, 2, 1)
    [failed] = [each for each in service.results(batch.id) if each.status == "failed"]
    assert failed.code == "internal-error"
    assert service.store.counts().documents == 2


def test_a_csv_file_is_read_by_its_header(service: BatchService) -> None:
    content = (
        b"shop,review,key,lang\r\n"
        b'north,"two\r\nlines, one text",r1,en\r\n'
        b"south,short\r\n"
        b'south,"never closed,r3,en\r\n'
        b"west,last one,r4,en\r\n"
    )
    columns = Columns(text="review", id="key", language="lang", metadata=())
    batch = service.done(content, format="csv", columns=columns)
    assert (batch.status, batch.accepted, batch.refused) == ("done", 2, 2)
    assert sorted(service.errors(batch.id)) == [4, 5]
    assert [(each.line, each.document_id) for each in service.results(batch.id)] == [
        (2, "r1"),
        (6, "r4"),
    ]
    stored = service.store.documents.get("r1")
    assert stored.document.text == "two\r\nlines, one text"
    assert (stored.language, stored.metadata) == ("en", {})


def test_rows_of_parquet_are_lines(service: BatchService) -> None:
    content = _parquet(
        text=["one", None, "three", "four"],
        id=pa.array([1, 2, 3, None], pa.int64()),
        score=[0.5, float("nan"), None, 2.0],
        raw=pa.array([b"x", b"y", b"\xff", b"z"], pa.binary()),
        day=pa.array([0, 1, 2, 3], pa.date32()),
    )
    batch = service.done(content, format="parquet")
    assert (batch.status, batch.lines, batch.accepted, batch.refused) == ("done", 4, 2, 2)
    errors = service.errors(batch.id)
    assert errors[2].startswith("text: ") and errors[3].startswith("raw: Byte 0")
    assert service.store.documents.get("1").metadata == {
        "score": 0.5,
        "raw": "x",
        "day": "1970-01-01",
    }
    assert [each.line for each in service.results(batch.id)] == [1, 4]


@pytest.mark.parametrize("kind", ["gzip", "zstd", "members"])
def test_compressed_lines_are_unpacked(quick: BatchService, kind: str) -> None:
    content = _lines(*({"text": f"text {n}"} for n in range(50)))
    packed = {
        "gzip": gzip.compress(content),
        "zstd": pa.compress(content, codec="zstd", asbytes=True),
        "members": gzip.compress(content[:300]) + gzip.compress(content[300:]),
    }[kind]
    batch = quick.done(packed)
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
    quick: BatchService, content: bytes, format: str, words: str
) -> None:
    batch = quick.done(content, format=format)
    assert batch.status == "failed"
    assert words in (batch.problem or "")
    assert batch.accepted == 0
    quick.wait_until_empty()


def test_quotes_that_never_close_take_no_more_time_than_is_given_them(quick: BatchService) -> None:
    # Each line opens quotes whether they are open or not, so each would be looked through anew.
    batch = quick.done(b"text,id\n" + b'x"y,"z\n' * 100_000, format="csv")
    assert batch.status == "done"
    assert (batch.accepted, batch.lines_read) == (0, 100_001)
    assert "Too many lines are like this one" in list(quick.errors(batch.id).values())[-1]


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


SMALL = BatchLimits(
    max_bytes=1 << 20,
    max_unpacked_bytes=32 << 20,
    max_ratio=100,
    max_lines=1000,
    max_columns=20,
    max_memory=1 << 30,
    max_text_chars=2000,
)


@pytest.mark.parametrize(
    ("content", "format", "words"),
    [
        (gzip.compress(b'{"text": "' + b"a" * (64 << 20) + b'"}'), "jsonl", "times as large"),
        (gzip.compress(gzip.compress(b"\0" * (1 << 27))), "jsonl", ""),
        (pa.compress(b"\n" * (40 << 20), codec="zstd", asbytes=True), "jsonl", "1,000 lines"),
        (b'{"text": "a"}\n' * 1001, "jsonl", "LLMLABEL_MAX_BATCH_LINES"),
        (_parquet(text=["a"] * 1001), "parquet", "1,001 rows"),
        (_parquet(text=["a"], **{f"c{n}": [1] for n in range(20)}), "parquet", "21 columns"),
        (_dictionary_bomb(), "parquet", "1,000"),
        (_plain_bomb(), "parquet", "MiB"),
    ],
)
def test_a_bomb_ends_its_batch_and_nothing_else(
    tmp_path: Path, content: bytes, format: str, words: str
) -> None:
    assert len(content) < 1 << 20
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with BatchService(url, tmp_path, limits=SMALL).working() as service:
        batch = service.done(content, format=format)
        if words:
            assert batch.status == "failed", batch
            assert words in (batch.problem or "")
        assert batch.accepted == 0
        assert service.done(b'{"text": "all is well"}').accepted == 1
