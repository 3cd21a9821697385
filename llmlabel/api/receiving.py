"""A file received piece by piece: what came before a connection broke is kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import NamedTuple

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from llmlabel.api.batch_shapes import FileOut
from llmlabel.batches.batching import Batching
from llmlabel.batches.files import Upload
from llmlabel.errors import InvalidInput

WRITE_BYTES = 1 << 20
"""So many are gathered for one write."""

IDLE_SECONDS = 60.0
"""A sender that is silent for so long has gone; the next one can go on."""

_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_WHOLE = re.compile(r"bytes \*/(\d{1,18})")

log = structlog.get_logger()


class Part(NamedTuple):
    """Which bytes of a file are sent; `size` is None while it is not known.

    `last` is before `first` where nothing is sent but that the file is whole.
    """

    first: int
    last: int
    size: int | None


async def receive(
    request: Request, batches: Batching, id: str, content_range: str | None
) -> FileOut:
    """Write the body of a request to the file of a batch, and say how much is here then.

    Raises:
        InvalidInput: The range cannot be read, or is not what was sent.
        NotFound, Conflict, UploadMismatch, UploadTooLarge: As `Batching.receiving`.
    """
    part = _part(content_range)
    complete = part is None
    with ExitStack() as stack:
        opened = batches.receiving(id, None if part is None else part.first)
        upload = await run_in_threadpool(stack.enter_context, opened)
        begun = upload.offset
        try:
            async for piece in _pieces(request):
                await run_in_threadpool(upload.write, piece)
        except (ClientDisconnect, TimeoutError) as error:
            log.info("upload broke", batch=id, offset=upload.offset)
            raise HTTPException(
                408,
                f"The upload broke after {upload.offset:,} bytes of the file; go on with byte "
                f"{upload.offset}.",
                {"Upload-Offset": str(upload.offset), "Connection": "close"},
            ) from error
        if part is not None:
            _check_length(part, upload.offset - begun)
            complete = part.size == upload.offset
        if complete:
            await run_in_threadpool(batches.received, id, upload)
    return FileOut(offset=upload.offset, complete=complete, max_bytes=batches.limits.max_bytes)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in larger pieces; what came before it broke comes first."""
    stream = request.stream()
    gathered = bytearray()
    broke: Exception | None = None
    while broke is None:
        try:
            gathered += await asyncio.wait_for(anext(stream), IDLE_SECONDS)
        except StopAsyncIteration:
            break
        except (ClientDisconnect, TimeoutError) as error:
            broke = error
        if len(gathered) >= WRITE_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)
    if broke is not None:
        raise broke


def _part(content_range: str | None) -> Part | None:
    if content_range is None:
        return None
    whole = _WHOLE.fullmatch(content_range.strip())
    if whole is not None:
        return Part(int(whole[1]), int(whole[1]) - 1, int(whole[1]))
    match = _RANGE.fullmatch(content_range.strip())
    if match is None:
        raise InvalidInput(
            "Content-Range is not one that is read; write `bytes FIRST-LAST/SIZE`, with `*` for a "
            "size that is not known yet, or `bytes */SIZE` where all of it was sent before.",
            field="Content-Range",
        )
    first, last = int(match[1]), int(match[2])
    size = None if match[3] == "*" else int(match[3])
    if last < first or (size is not None and size <= last):
        raise InvalidInput(
            f"Content-Range `{content_range}` ends before it begins, or after the end of the file.",
            field="Content-Range",
        )
    return Part(first, last, size)


def _check_length(part: Part, received: int) -> None:
    wanted = part.last - part.first + 1
    if received != wanted:
        raise InvalidInput(
            f"Content-Range names {wanted:,} bytes, but {received:,} came; they are kept. Ask for "
            "the offset and go on there.",
            field="Content-Range",
        )


__all__ = ["IDLE_SECONDS", "Part", "Upload", "receive"]
