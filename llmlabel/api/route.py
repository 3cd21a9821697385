"""What all routes with a body share: its content type, and the Idempotency-Key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import params
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from llmlabel.api.permissions import permit
from llmlabel.api.service import service_of
from llmlabel.errors import InvalidInput
from llmlabel.store import StoredResponse

KEY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("content-type", "location", "preference-applied")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Route(APIRoute):
    """A route that refuses who may not use it, and other content types.

    It answers a repeated key as before, if it `repeats`.
    """

    repeats = True

    def get_route_handler(self) -> Handler:
        """Wrap the framework's handler."""
        handle = super().get_route_handler()
        expected = self._expected_type()

        async def checked(request: Request) -> Response:
            await permit(request)  # before anything of a body is read
            _check_address(request)
            if expected is not None:
                _check_type(request, expected)
            key = request.headers.get(KEY_HEADER)
            if request.method != "POST" or key is None or not self.repeats:
                return await handle(request)
            return await _once(request, handle, key)

        return checked

    def _expected_type(self) -> str | None:
        if self.body_field is None:
            return None
        is_form = isinstance(self.body_field.field_info, params.Form)
        return "multipart/form-data" if is_form else "application/json"


class OnceOnly(Route):
    """A route whose answer holds a secret, and is kept nowhere: a repeated key means nothing."""

    repeats = False


def _check_address(request: Request) -> None:
    parts = [*request.path_params.items(), *request.query_params.multi_items()]
    for name, value in parts:
        if "\x00" in str(value) or any("\ud800" <= char <= "\udfff" for char in str(value)):
            raise InvalidInput(
                f"`{name}` holds a character that no name has (NUL or a lone surrogate).",
                field=name,
            )


def _check_type(request: Request, expected: str) -> None:
    header = request.headers.get("content-type", "")
    media_type = header.partition(";")[0].strip().lower()
    json_like = media_type.startswith("application/") and media_type.endswith("+json")
    if media_type == expected or (json_like and expected == "application/json"):
        return
    sent = f"`{media_type[:80]}`" if media_type else "none"
    raise HTTPException(415, f"The content type must be `{expected}`, not {sent}.")


async def _once(request: Request, handle: Handler, key: str) -> Response:
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            "An Idempotency-Key has 1 to 255 visible ASCII characters.", field=KEY_HEADER
        )
    keys = (await service_of(request)).store.idempotency  # each project has its own
    earlier = await run_in_threadpool(keys.claim, key, await _fingerprint(request))
    if earlier is not None:
        return Response(earlier.body, earlier.status, {**earlier.headers, REPLAYED_HEADER: "true"})
    try:
        response = await handle(request)
        # Only what was carried out is kept; a refused request may be mended and sent again.
        await run_in_threadpool(keys.complete, key, _kept(response))
    except BaseException:
        await run_in_threadpool(keys.abandon, key)
        raise
    return response


def _kept(response: Response) -> StoredResponse:
    headers = {k: v for k, v in response.headers.items() if k in _KEPT_HEADERS}
    body = bytes(response.body).decode()
    return StoredResponse(status=response.status_code, headers=headers, body=body)


async def _fingerprint(request: Request) -> str:
    """What makes two requests the same: who asks, route, query, and the body's meaning."""
    digest = hashlib.sha256()

    def add(*words: str | bytes) -> None:
        for word in words:
            data = word.encode(errors="surrogatepass") if isinstance(word, str) else word
            digest.update(f"{len(data)}:".encode() + data)

    add(request.method, request.url.path, request.url.query)
    add(request.state.principal.id, request.headers.get("x-reviewer", ""))
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        add(await request.body())
        return digest.hexdigest()
    # The boundary differs whenever a form is sent again, so its fields are compared.
    for name, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            add(name, value.filename or "", await run_in_threadpool(_file_sha256, value))
        else:
            add(name, value)
    return digest.hexdigest()


def _file_sha256(upload: UploadFile) -> str:
    sha256 = hashlib.file_digest(upload.file, "sha256").hexdigest()  # type: ignore[arg-type]
    upload.file.seek(0)
    return sha256
