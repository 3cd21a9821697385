"""`/v1/documents`: submit texts, see where they stand, get their labels."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from llmlabel.api import recordings
from llmlabel.api.accept import accept_documents
from llmlabel.api.document_shapes import (
    DocumentIn,
    DocumentLabeled,
    DocumentOut,
    DocumentPage,
    DocumentsOut,
    LabelOut,
    LabelsOut,
    Submission,
    url_of,
)
from llmlabel.api.guard import charge_documents
from llmlabel.api.preferences import WaitSeconds, settled
from llmlabel.api.problems import documented
from llmlabel.api.route import Route
from llmlabel.api.service import TheService
from llmlabel.store.erasure import Erased
from llmlabel.store.records import DocumentStatus

router = APIRouter(prefix="/v1/documents", tags=["documents"], route_class=Route)

Limit = Annotated[int, Query(ge=1, le=200, description="Items on a page.")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before.")
]
GuidelineName = Annotated[
    str | None, Query(max_length=100, description="Only of this one: a name or `name@version`.")
]

ACCEPTED: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "Accepted and durable; its labels come later, at `Location`.",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
}


@router.post(
    "",
    status_code=202,
    summary="Submit texts",
    response_model=DocumentOut | DocumentsOut,
    responses={
        **documented(400, 404, 409, 413, 415),
        200: {"description": "Labeled.", "model": DocumentOut | DocumentsOut},
        **ACCEPTED,
    },
)
async def submit(
    request: Request,
    body: Annotated[Submission, Body()],
    service: TheService,
    response: Response,
    wait: WaitSeconds,
) -> DocumentOut | DocumentsOut:
    """Submit one text, or a list of them as `documents`, with the guidelines to label it under.

    The answer is 202 once everything is stored for good, with the place to look at in
    `Location`. With `Prefer: wait=N` it is 200 with the labels, if they are there in time.
    Sending the same content again makes no second document.
    """
    charge_documents(request, 1 if isinstance(body, DocumentIn) else len(body.documents))
    stored, many = await run_in_threadpool(accept_documents, service, body)
    ids = [item.id for item in stored]
    response.headers["Location"] = "/v1/documents" if many else url_of(ids[0])
    if await settled(service.jobs, ids, wait):
        response.status_code = 200
        stored = await run_in_threadpool(service.store.documents.get_many, ids)
    if not many:
        return DocumentOut.of(stored[0])
    by_id = {item.id: DocumentLabeled.of(item) for item in stored}
    return DocumentsOut(documents=[by_id[id] for id in ids])


@router.get("", summary="List documents", responses=documented())
def page(
    service: TheService,
    limit: Limit = 50,
    cursor: Cursor = None,
    status: Annotated[DocumentStatus | None, Query(description="Only with this one.")] = None,
    guideline: GuidelineName = None,
) -> DocumentPage:
    """List documents, newest first, page by page."""
    return DocumentPage.of(
        service.store.documents.page(limit=limit, cursor=cursor, status=status, guideline=guideline)
    )


@router.get("/{id:path}/labels", summary="The labels of a document", responses=documented(404))
def labels(
    service: TheService,
    id: str,
    guideline: GuidelineName = None,
    history: Annotated[
        bool, Query(description="All that ever were, oldest first; else the current ones.")
    ] = False,
) -> LabelsOut:
    """Give the labels of a document, each with its confidence and makers."""
    stored = service.store.documents.get(id)
    found = service.store.labels.history(id, guideline) if history else stored.labels
    wanted = [
        item
        for item in found
        if guideline is None or guideline in (item.label.guideline, _name(item.label.guideline))
    ]
    return LabelsOut(labels=[LabelOut.of(item) for item in wanted])


router.include_router(recordings.router)  # before the next route, whose id may hold slashes


@router.get("/{id:path}", summary="One document", responses=documented(404))
def get(service: TheService, id: str) -> DocumentOut:
    """Give a document: status, text, transcript, labels."""
    return DocumentOut.of(service.store.documents.get(id))


@router.delete("/{id:path}", summary="Delete a document", responses=documented(404, 409))
def delete(service: TheService, id: str) -> Erased:
    """Delete a document with everything made of it, for good.

    With it go its labels, predictions, reviews, verdicts, transcript and recording, gold and hidden
    gold of the same text, kept answers and messages in which it occurs; learned versions lose it
    as an example. What was counted of it for audits and certificates stays, without a text. The
    answer says how many of each. It comes when the database holds nothing of it any more, which
    takes a moment: on SQLite the file is written anew.
    """
    return service.erase([id])


def _name(ref: str) -> str:
    return ref.partition("@")[0]
