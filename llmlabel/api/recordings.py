"""`/v1/documents/{id}/recording`: a document's sound, and what a player needs beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from llmlabel.access import Principal
from llmlabel.api.identity import ThePrincipal
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import Service, TheService
from llmlabel.audio.listening import write_flac, write_peaks
from llmlabel.audio.media_type import FIRST_BYTES, media_type_of
from llmlabel.errors import Forbidden, NotFound
from llmlabel.store import Recording

router = APIRouter(route_class=Route)

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")
_ENTITY_TAGS = re.compile(r'"[^"]*"|\*')

SOUND: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The sound.",
        "content": {"audio/*": {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"ETag": {"schema": {"type": "string"}}},
    },
    206: {"description": "The bytes that `Range` asked for."},
    304: {"description": "It is what you have."},
}

Form = Annotated[
    Literal["submitted", "flac"],
    Query(
        description="`submitted`: byte for byte. `flac`: mono at 16 kHz, for a player that does "
        "not know the submitted kind; made when first asked for."
    ),
]


class Peaks(BaseModel):
    """How loud a recording is from moment to moment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"seconds": 0.1, "per_second": 50.0, "peaks": [0, 12, 48, 31, 2]}]
        }
    )

    seconds: float
    per_second: float = Field(description="50; less for recordings of more than 24 minutes.")
    peaks: list[int] = Field(description="The loudest sample of each part; 99 is full scale.")


@router.get(
    "/{id:path}/recording/peaks",
    summary="The outline of a recording",
    response_model=Peaks,
    responses=documented(404, 410, 413),
)
async def peaks(
    request: Request, service: TheService, principal: ThePrincipal, id: str
) -> Response:
    """Give the outline of a recording, so that a player can draw it without decoding it all.

    The first time it is asked for, the whole recording is decoded; then it is kept.
    """
    recording = await run_in_threadpool(_recording_of, service, principal, id)
    path = await _derived(request, service, recording, ".peaks.json", write_peaks)
    return FileResponse(path, media_type="application/json", headers=_CACHED)


@router.get(
    "/{id:path}/recording",
    summary="The sound of a document",
    response_class=FileResponse,
    responses={**documented(404, 410, 413, 416), **SOUND},
)
async def recording(
    request: Request,
    service: TheService,
    principal: ThePrincipal,
    id: str,
    form: Form = "submitted",
    range: Annotated[str | None, Header(description="One range of bytes.")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Give the recording that a document was transcribed from, or the part that `Range` names.

    A reviewer hears the recordings of the items that they took.
    """
    found = await run_in_threadpool(_recording_of, service, principal, id)
    tag = f'"{found.sha256}"' if form == "submitted" else f'"{found.sha256}.flac"'
    headers = {**_CACHED, **_INERT, "ETag": tag}
    if form == "flac":
        path = await _derived(request, service, found, ".flac", write_flac)
        media_type = "audio/flac"
    else:
        path = await run_in_threadpool(service.store.recordings.path, found.sha256)
        media_type = await run_in_threadpool(_media_type, path)
    if {tag, "*"} & set(_ENTITY_TAGS.findall(if_none_match or "")):
        return Response(status_code=304, headers=headers)
    _check_range(request, range, (await run_in_threadpool(path.stat)).st_size)
    return FileResponse(
        path,
        media_type=media_type,
        headers=headers,
        filename=found.file_name + ("" if form == "submitted" else ".flac"),
        content_disposition_type="inline",
    )


_CACHED = {"Cache-Control": "private, max-age=3600"}
"""An id never gets another recording; short all the same, for machines that people share."""

_INERT = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
"""What others sent must not act as a page of this service, whatever it is made to look like."""


def _recording_of(service: Service, principal: Principal, id: str) -> Recording:
    if principal.only_reviews and not service.reviews.is_given(id, principal.name or ""):
        raise Forbidden(
            "A reviewer hears the recordings of the items that they took; take one of this "
            "document first.",
            field="id",
        )
    found = service.store.documents.get(id).recording
    if found is None:
        raise NotFound(f"The document {id[:80]!r} was submitted as text; it has no recording.")
    return found


async def _derived(
    request: Request, service: Service, found: Recording, ending: str, write: Callable[..., None]
) -> Path:
    limits = service.settings
    make = partial(write, max_seconds=limits.max_audio_seconds, max_bytes=limits.max_audio_bytes)
    # One at a time: the next in line then finds the file made, and decoding leaves room to serve.
    return await run_sync(
        service.store.recordings.derived,
        found.sha256,
        ending,
        make,
        limiter=request.app.state.decoding,
    )


def _media_type(path: Path) -> str:
    with path.open("rb") as file:
        return media_type_of(file.read(FIRST_BYTES))


def _check_range(request: Request, asked: str | None, size: int) -> None:
    """Refuse a range beyond the end; one that is not understood is passed over.

    Source: RFC 9110, section 14.2: a server may ignore a Range header, and ignores a broken one.
    """
    if asked is None:
        return
    match = _RANGE.fullmatch(asked.replace(" ", ""))
    first, last, suffix = match.groups() if match else (None, None, None)
    backwards = bool(first and last) and int(last or 0) < int(first or 0)
    if match is None or backwards:
        kept = [(name, value) for name, value in request.scope["headers"] if name != b"range"]
        request.scope["headers"] = kept
    elif (first is not None and int(first) >= size) or (suffix is not None and not int(suffix)):
        raise HTTPException(
            416,
            f"The recording has {size:,} bytes; ask for a range that begins before its end.",
            {"Content-Range": f"bytes */{size}"},
        )
