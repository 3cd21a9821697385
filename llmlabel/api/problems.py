"""Every error as RFC 9457 problem details: one shape, made in one place."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.exceptions import HTTPException
from starlette.responses import Response

from llmlabel.api.headers import guard
from llmlabel.api.middleware import request_id_of
from llmlabel.domain.review import Verdict
from llmlabel.errors import (
    AlreadyReviewed,
    LlmlabelError,
    ModelBusy,
    RateLimited,
    UploadMismatch,
)
from llmlabel.telemetry import told

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:llmlabel:problem:"

log = structlog.get_logger()


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Path in the body, or name of the parameter or header.")
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable name of the kind of error; compare this one.")
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do.")
    errors: list[FieldProblem] = Field(default_factory=list)
    request_id: str


# Python's own names for these changed between versions; a code must not.
_PHRASES = {413: "Content too large", 422: "Unprocessable content"}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for its OpenAPI description."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": _phrase(status),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in sorted({*statuses, 422, 500, 503})
    }


def install(app: FastAPI) -> None:
    """Have every error of an application answered as a problem."""

    async def ours(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, LlmlabelError)
        return problem_of(request, exc)

    async def invalid(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, RequestValidationError)
        return _invalid(request, exc.errors())

    async def http(request: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException)
        return _http(request, exc)

    async def unexpected(request: Request, exc: Exception) -> Response:
        log.error("unexpected error", request_id=request_id_of(request), exc_info=exc)
        answer = respond(
            request,
            code="internal-error",
            title="Internal error",
            status=500,
            detail="Something went wrong that should not have. Ask the operator to look into the "
            f"log for request {request_id_of(request)}.",
        )
        guard(answer.headers, https=request.url.scheme == "https")  # it passes by what does so
        return answer

    app.add_exception_handler(LlmlabelError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)


def problem_of(request: Request, error: LlmlabelError) -> Response:
    """One of our errors as a problem."""
    headers = {}
    if isinstance(error, ModelBusy) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    elif error.status == 503:
        headers["Retry-After"] = "5"
    elif isinstance(error, RateLimited) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="llmlabel"'
    if isinstance(error, UploadMismatch):
        headers["Upload-Offset"] = str(error.offset)
    extra: dict[str, JsonValue] = {}
    if isinstance(error, AlreadyReviewed) and isinstance(error.winner, Verdict):
        extra["winner"] = error.winner.model_dump(mode="json")
    if error.status >= 500:
        log.warning("request failed", **told(error))
    return respond(
        request,
        code=error.code,
        title=error.title,
        status=error.status,
        detail=error.detail,
        errors=[FieldProblem(field=error.field, message=error.detail)] if error.field else [],
        headers=headers,
        extra=extra,
    )


def respond(
    request: Request,
    *,
    code: str,
    title: str,
    status: int,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: dict[str, str] | None = None,
    extra: dict[str, JsonValue] | None = None,
) -> Response:
    """A problem as a response."""
    problem = Problem(
        type=TYPE_PREFIX + code,
        title=title,
        status=status,
        detail=detail,
        errors=list(errors),
        request_id=request_id_of(request),
        **(extra or {}),
    )
    # What a client sent may be quoted; a lone surrogate in it must not break the answer.
    body = json.dumps(problem.model_dump(), ensure_ascii=False).encode(errors="replace")
    return Response(
        body,
        status_code=status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), "X-Request-ID": problem.request_id},
    )


def _http(request: Request, exc: HTTPException) -> Response:
    phrase, detail = _phrase(exc.status_code), str(exc.detail)
    headers = dict(exc.headers or {})
    if detail == HTTPStatus(exc.status_code).phrase and exc.status_code == 404:
        detail = f"There is nothing at {request.url.path}; /docs lists what there is."
    elif exc.status_code == 405:
        # The framework names the methods of the first route of that path alone.
        headers["Allow"] = allowed = ", ".join(_methods(request)) or headers.get("Allow", "")
        use = f"use {allowed}" if allowed else "/docs lists what there is"
        detail = f"{request.method} cannot be used on {request.url.path}; {use}."
    elif exc.status_code == 400:
        detail = f"The body cannot be read ({detail}); send it as the documentation shows."
    return respond(
        request,
        code=phrase.lower().replace(" ", "-"),
        title=phrase,
        status=exc.status_code,
        detail=detail,
        headers=headers,
    )


def _methods(request: Request) -> list[str]:
    """Every method that some route takes at the request's path."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        regex = getattr(route, "path_regex", None)
        if regex is not None and regex.match(request.scope["path"]):
            found |= route.methods or set()
    return sorted(found)


def _phrase(status: int) -> str:
    return _PHRASES.get(status) or HTTPStatus(status).phrase.capitalize()


def _invalid(request: Request, found: Sequence[Any]) -> Response:
    broken = next((error for error in found if error["type"] == "json_invalid"), None)
    if broken is not None:
        return respond(
            request,
            code="malformed-json",
            title="Malformed JSON",
            status=400,
            detail=f"The body is not JSON: {broken['ctx']['error']} at character "
            f"{broken['loc'][-1]}.",
        )
    errors = [FieldProblem(field=_path(e["loc"]), message=_message(e)) for e in found]
    first = errors[0]
    more = f" {len(errors) - 1} more under `errors`." if len(errors) > 1 else ""
    return respond(
        request,
        code="invalid-input",
        title="Invalid input",
        status=422,
        detail=f"{first.field}: {first.message}{more}",
        errors=errors,
    )


def _path(location: Sequence[str | int]) -> str:
    place, *rest = location
    if place == "header":
        return "-".join(word.capitalize() for word in str(rest[0]).split("-"))
    # A union's tag (`<one>`) is ours and no part of what the client wrote.
    named = [str(step) for step in rest if not str(step).startswith("<")]
    return ".".join(named) or str(place)


def _message(error: Any) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        return "Unknown field; remove it (the documentation lists the fields)."
    if kind == "string_unicode":
        return "It holds a lone surrogate; decode the source as UTF-8 or UTF-16 before sending it."
    if kind == "missing":
        return "Required, but not sent."
    return str(error["msg"]).removeprefix("Value error, ")
