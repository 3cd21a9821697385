"""Files become documents: every good line once, every bad one with its reason."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_service import BatchService

from llmlabel.batches.limits import BatchLimits
from llmlabel.batches.reader import SLICE_CHARS
from llmlabel.domain.batch import Batch, Columns
from llmlabel.store.batch_work import Slice
from llmlabel.store.documents import Enqueue


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


def test_long_texts_are_accepted_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 200_000
    service = BatchService(f"sqlite:///{tmp_path / 'store.db'}", tmp_path, limits=BatchLimits())
    accept, chars = service.store.batches.accept, []

    def accepted(id: str, worker: str, place: int, part: Slice, enqueue: Enqueue) -> Batch:
        chars.append(sum(len(line.document.text) for line in part.lines))
        return accept(id, worker, place, part, enqueue)

    monkeypatch.setattr(service.store.batches, "accept", accepted)
    with service.working():
        batch = service.done(_lines(*({"text": f"{n} {'x' * (most - 4)}"} for n in range(45))))
    assert (batch.status, batch.accepted) == ("done", 45)
    assert max(chars) < SLICE_CHARS + most


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
    again = service.done(_lines({"id": "a", "text": "else"}, {"id": "a", "text": "first"}))
    assert (again.accepted, again.refused) == (1, 1)
    assert list(service.errors(again.id)) == [1]
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
