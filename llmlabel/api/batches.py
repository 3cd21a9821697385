"""`/v1/batches`: files of many lines, sent in one piece or several, labeled, and given back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from llmlabel.api.batch_shapes import (
    BatchChangeIn,
    BatchIn,
    BatchOut,
    BatchPage,
    BatchWithProgress,
    FileOut,
    batch_url,
)
from llmlabel.api.documents import Cursor, Limit
from llmlabel.api.problems import documented
from llmlabel.api.receiving import receive
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.batches.batching import Batching
from llmlabel.batches.results import (
    MEDIA_TYPES,
    ErrorFormat,
    ResultFormat,
    write_errors,
    write_results,
)
from llmlabel.domain.batch import BatchStatus

router = APIRouter(prefix="/v1/batches", tags=["batches"], route_class=Route)

After = Annotated[int, Query(ge=0, le=2**53, description="Only lines after this one.")]

_OFFSET = {"Upload-Offset": {"schema": {"type": "integer"}, "description": "Bytes that are here."}}
_COMPLETE = {"Upload-Complete": {"schema": {"type": "string", "enum": ["?0", "?1"]}}}
SENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "How much is here.", "headers": {**_OFFSET, **_COMPLETE}},
}
BYTES = {"schema": {"type": "string", "format": "binary"}}
FILE_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file, or the part of it that Content-Range names.",
        "content": {"application/octet-stream": BYTES},
    }
}


def _files(*formats: str) -> dict[int | str, dict[str, Any]]:
    kinds = {MEDIA_TYPES[format].partition(";")[0]: BYTES for format in formats}
    return {200: {"description": "The file, as long as it is.", "content": kinds}}


@router.post(
    "", status_code=201, summary="Create a batch", responses=documented(400, 404, 409, 413, 415)
)
def create(service: TheService, body: BatchIn, response: Response) -> BatchOut:
    """Say what is about to be sent; then `PUT` the file to `urls.file`.

    Every good line becomes a document, as if it had been sent to `/v1/documents`; what is wrong
    with others is found at `urls.errors`.
    """
    batch = service.batches.create(
        body.guidelines,
        format=body.format,
        columns=body.columns.value(),
        delimiter=body.delimiter,
        budget_usd=body.budget_usd,
        metadata=body.metadata,
    )
    response.headers["Location"] = batch_url(batch.id)
    return BatchOut.of(batch)


@router.get("", summary="List batches", responses=documented())
def page(
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[BatchStatus | None, Query(description="Only with this one.")] = None,
) -> BatchPage:
    """List batches, newest first, page by page."""
    found, more = service.batches.page(limit=limit, cursor=cursor, status=status)
    return BatchPage(batches=[BatchOut.of(batch) for batch in found], next_cursor=more)


@router.get("/{id}", summary="One batch", responses=documented(404))
def get(service: TheService, id: str) -> BatchWithProgress:
    """Give a batch with its progress: labeled, waiting, failed, in review, money, expected end."""
    return _whole(service.batches, id)


@router.patch("/{id}", summary="Change a batch's budget", responses=documented(400, 404, 409, 415))
def change(service: TheService, id: str, body: BatchChangeIn) -> BatchOut:
    """Change what may be spent; a batch that was stopped for it goes on within seconds."""
    return BatchOut.of(service.batches.set_budget(id, body.budget_usd))


@router.put(
    "/{id}/file",
    summary="Send the file of a batch",
    responses={**documented(400, 404, 408, 409, 413), **SENT},
    openapi_extra=FILE_BODY,
)
async def upload(
    request: Request,
    service: TheService,
    id: str,
    response: Response,
    content_range: Annotated[
        str | None,
        Header(
            max_length=100,
            description="`bytes FIRST-LAST/SIZE` of a part; `SIZE` is `*` while it is not known. "
            "`bytes */SIZE` with an empty body: all of it was sent before. Without it the body is "
            "the whole file, and begins anew what was sent before.",
        ),
    ] = None,
) -> FileOut:
    """Send the file, in one request of any length: `curl -T lines.jsonl URL`.

    If that breaks, what came is kept: ask for the offset (`curl -I URL`) and send the rest
    (`curl -T lines.jsonl -C OFFSET URL`). Reading begins when the last byte is here.
    """
    answer = await receive(request, service.batches, id, content_range)
    _tell(response, answer)
    return answer


@router.get(
    "/{id}/file",
    summary="How much of a file is here",
    responses={**documented(404), **SENT},
)
def file(service: TheService, id: str, response: Response) -> FileOut:
    """Say with which byte an upload that broke goes on."""
    return _standing(service.batches, id, response)


@router.head(
    "/{id}/file",
    summary="How much of a file is here, in headers",
    responses={**documented(404), **SENT},
)
def file_headers(service: TheService, id: str, response: Response) -> None:
    """Say the same as `GET` in `Upload-Offset` and `Upload-Complete`."""
    _standing(service.batches, id, response)


@router.post("/{id}/pause", summary="Pause a batch", responses=documented(404, 409))
def pause(service: TheService, id: str) -> BatchWithProgress:
    """Read no more lines; documents that were accepted are still labeled."""
    service.batches.pause(id)
    return _whole(service.batches, id)


@router.post("/{id}/resume", summary="Go on with a batch", responses=documented(404, 409))
def resume(service: TheService, id: str) -> BatchWithProgress:
    """Go on with a batch that was paused, or stopped for want of money."""
    service.batches.resume(id)
    return _whole(service.batches, id)


@router.post("/{id}/cancel", summary="Cancel a batch", responses=documented(404, 409))
def cancel(service: TheService, id: str) -> BatchWithProgress:
    """Label nothing more of it, for good. Labels that are there stay; its file is deleted."""
    service.batches.cancel(id)
    return _whole(service.batches, id)


@router.get(
    "/{id}/results",
    summary="The results of a batch",
    response_class=StreamingResponse,
    responses={**documented(404), **_files("jsonl", "csv", "parquet")},
)
async def results(
    service: TheService,
    id: str,
    format: Annotated[
        ResultFormat,
        Query(description="`jsonl`: labels as everywhere, with `line` and `status`; else a table."),
    ] = "jsonl",
    after: After = 0,
    opinions: Annotated[
        bool, Query(description="Of `jsonl`: with what each labeler said; much less without.")
    ] = True,
) -> StreamingResponse:
    """Give what became of the accepted lines, in their order, while it runs or when it is done.

    One record per line and guideline. A download that broke goes on with `after`.
    """
    wanted = opinions and format == "jsonl"
    pages = await run_in_threadpool(service.batches.results, id, after=after, opinions=wanted)
    return _streamed(write_results(pages, format), format, f"{id}-results")


@router.get(
    "/{id}/errors",
    summary="The lines that were refused",
    response_class=StreamingResponse,
    responses={**documented(404), **_files("jsonl", "csv")},
)
async def errors(
    service: TheService,
    id: str,
    format: Annotated[ErrorFormat, Query(description="Of the file.")] = "jsonl",
    after: After = 0,
) -> StreamingResponse:
    """Give the lines that were not accepted: `line`, `field`, `code`, and what to do in `detail`.

    Good lines were accepted all the same.
    """
    found = await run_in_threadpool(service.batches.errors, id, after)
    return _streamed(write_errors(found, format), format, f"{id}-errors")


def _whole(batches: Batching, id: str) -> BatchWithProgress:
    shown = BatchOut.of(batches.get(id))
    return BatchWithProgress(**dict(shown), progress=batches.progress(id))


def _standing(batches: Batching, id: str, response: Response) -> FileOut:
    batch = batches.get(id)
    answer = FileOut(
        offset=batches.offset(id),
        complete=batch.bytes is not None,
        max_bytes=batches.limits.max_bytes,
    )
    _tell(response, answer)
    return answer


def _tell(response: Response, answer: FileOut) -> None:
    response.headers["Upload-Offset"] = str(answer.offset)
    response.headers["Upload-Complete"] = "?1" if answer.complete else "?0"
    response.headers["Cache-Control"] = "no-store"


def _streamed(pieces: Any, format: str, name: str) -> StreamingResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{format}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(pieces, media_type=MEDIA_TYPES[format], headers=headers)
