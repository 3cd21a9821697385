"""`/v1/audio`: submit recordings; each becomes a document when it is transcribed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, UploadFile
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from llmlabel.api.accept import Sound, accept_recording
from llmlabel.api.document_shapes import Body, DocumentOut, Id, Language, Ref, url_of
from llmlabel.api.documents import ACCEPTED
from llmlabel.api.guard import charge_documents
from llmlabel.api.preferences import WaitSeconds, settled
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import TheService

router = APIRouter(prefix="/v1/audio", tags=["documents"], route_class=Route)


class AudioForm(Body):
    """A recording to transcribe and label."""

    file: UploadFile = Field(description="wav, flac, mp3, ogg, m4a, mp4, webm, …")
    guidelines: list[Ref] = Field(
        default=["transcription"],
        min_length=1,
        max_length=50,
        description="Sent once per guideline. `transcription` labels the transcript itself.",
    )
    id: Id | None = None
    language: Language | None = None
    metadata: str | None = Field(default=None, description="A JSON object.")


@router.post(
    "",
    status_code=202,
    summary="Submit a recording",
    response_model=DocumentOut,
    responses={
        **documented(400, 404, 409, 413, 415),
        200: {"description": "Transcribed and labeled.", "model": DocumentOut},
        **ACCEPTED,
    },
)
async def submit_recording(
    request: Request,
    form: Annotated[AudioForm, Form(media_type="multipart/form-data")],
    service: TheService,
    response: Response,
    wait: WaitSeconds,
) -> DocumentOut:
    """Submit a recording with the guidelines to label its transcript under.

    What is not a recording is refused at once; otherwise as `POST /v1/documents`.
    """
    charge_documents(request, 1)
    upload = form.file
    stored = await run_in_threadpool(
        accept_recording,
        service,
        Sound(upload.file, upload.filename or "recording", upload.content_type),
        form.guidelines,
        id=form.id,
        language=form.language,
        metadata=form.metadata,
    )
    response.headers["Location"] = url_of(stored.id)
    if await settled(service.jobs, [stored.id], wait):
        response.status_code = 200
        stored = await run_in_threadpool(service.store.documents.get, stored.id)
    return DocumentOut.of(stored)
