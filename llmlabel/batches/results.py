"""Results and errors of a batch as files, written piece by piece as they are read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from llmlabel.domain.batch import LineError
from llmlabel.exchange.records import record_of
from llmlabel.store.batch_reads import Result

ResultFormat = Literal["jsonl", "csv", "parquet"]
ErrorFormat = Literal["jsonl", "csv"]

MEDIA_TYPES = {
    "jsonl": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}

FIELDS = (
    "line",
    "id",
    "guideline",
    "status",
    "label",
    "answer",
    "confidence",
    "route",
    "verified",
    "reason",
    "failure",
)
"""Columns of the flat formats; `answer` is JSON, `label` the one of a choice."""

ERROR_FIELDS = ("line", "field", "code", "detail")
ROWS_IN_GROUP = 10_000
ERRORS_AT_ONCE = 500


def write_results(pages: Iterable[Sequence[Result]], format: ResultFormat) -> Iterator[bytes]:
    """The results as a file, piece by piece."""
    if format == "parquet":
        return _parquet(pages)
    if format == "csv":
        return _csv(FIELDS, ([_flat(result) for result in page] for page in pages))
    return _jsonl([_whole(result) for result in page] for page in pages)


def write_errors(errors: Iterable[LineError], format: ErrorFormat) -> Iterator[bytes]:
    """The errors as a file, piece by piece."""
    pages = ([error.model_dump() for error in some] for some in _some(errors))
    return _csv(ERROR_FIELDS, pages) if format == "csv" else _jsonl(pages)


def _some(errors: Iterable[LineError]) -> Iterator[list[LineError]]:
    some: list[LineError] = []
    for error in errors:
        some.append(error)
        if len(some) == ERRORS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _whole(result: Result) -> dict[str, Any]:
    """A line of JSON: the label as everywhere, or what became of it instead."""
    head = {"line": result.line, "status": result.status, "failure": _failure(result)}
    if result.label is None:
        return {**head, "id": result.document_id, "guideline": result.guideline}
    return {**head, **record_of(result.label)}


def _flat(result: Result) -> dict[str, Any]:
    label: dict[str, Any] = result.label or {}
    answer = label.get("answer")
    confidence = label.get("confidence")
    failure = _failure(result)
    return {
        "line": result.line,
        "id": result.document_id,
        "guideline": result.guideline,
        "status": result.status,
        "label": answer.get("label") if answer else None,
        "answer": json.dumps(answer, ensure_ascii=False) if answer else None,
        "confidence": confidence["value"] if confidence else None,
        "route": label.get("route"),
        "verified": label.get("verified") if label else None,
        "reason": label.get("reason"),
        "failure": f"{failure['code']}: {failure['detail']}" if failure else None,
    }


def _failure(result: Result) -> dict[str, str] | None:
    if result.code is None:
        return None
    return {"code": result.code, "detail": result.problem or ""}


def _jsonl(pages: Iterable[Sequence[dict[str, Any]]]) -> Iterator[bytes]:
    for page in pages:
        yield "".join(
            json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in page
        ).encode()


def _csv(fields: Sequence[str], pages: Iterable[Sequence[dict[str, Any]]]) -> Iterator[bytes]:
    def text(rows: Iterable[Sequence[Any]]) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out).writerows(rows)
        return out.getvalue().encode()

    yield text([fields])
    for page in pages:
        yield text([[row[name] for name in fields] for row in page])


class _Sink(io.RawIOBase):
    """Holds what is written until it is taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._parts.append(bytes(data))
        return len(self._parts[-1])

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _parquet(pages: Iterable[Sequence[Result]]) -> Iterator[bytes]:
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - large
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # noqa: PLC0415

    kinds = {"line": pa.int64(), "confidence": pa.float64(), "verified": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in FIELDS])
    sink = _Sink()
    rows: list[dict[str, Any]] = []
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        for page in pages:
            rows += [_flat(result) for result in page]
            if len(rows) >= ROWS_IN_GROUP:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                rows = []
                yield sink.take()
        if rows:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    yield sink.take()
