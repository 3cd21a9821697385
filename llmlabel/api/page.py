"""`/review`: the page of reviewers and evaluators, a client of `/v1` like any other."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

import llmlabel

BUILT = Path(llmlabel.__file__).parent / "web" / "dist"
"""Where the page lies once it is built; it is built when the package is."""

NONCE = "__NONCE__"
"""Stands in the built page wherever the value that changes with every answer belongs."""

MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"

UNBUILT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>llmlabel: the review page is not built</title>
<style nonce="__NONCE__">
  :root { color-scheme: light dark; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem;
         margin: 4rem auto; padding: 0 1rem; }
  code { font: 14px ui-monospace, monospace; }
</style>
</head>
<body>
<main>
<h1>The review page is not built</h1>
<p>llmlabel was installed where neither Node.js nor the npm registry could be reached. Everything
else works; reviews can be taken and decided over <code>/v1/reviews</code> (see
<a href="/docs">the documentation</a>).</p>
<p>To build the page, with Node.js 20.19 or newer and the network at hand:</p>
<ul>
<li>in a checkout: <code>make page</code></li>
<li>elsewhere: <code>pip install --force-reinstall --no-deps --no-cache-dir --no-binary llmlabel
llmlabel</code></li>
</ul>
<p>Then load this page again; the service need not be restarted.</p>
</main>
</body>
</html>
"""


def add_page(app: FastAPI, built: Path = BUILT) -> None:
    """Serve the page, or say how to build it."""

    async def index(_: Request) -> Response:
        try:
            page, status = (built / "index.html").read_text("utf-8"), 200
        except FileNotFoundError:
            page, status = UNBUILT, 503
        nonce = secrets.token_urlsafe(18)
        headers = {**_guarded(nonce), "Cache-Control": "no-cache"}
        return HTMLResponse(page.replace(NONCE, nonce), status, headers)

    async def asset(request: Request) -> Response:
        file = built / "assets" / request.path_params["name"]
        return _file(request, file, FOR_EVER)  # its name holds the hash of its content

    async def icon(request: Request) -> Response:
        return _file(request, built / "icon.svg", "public, max-age=86400")

    async def plain(_: Request) -> Response:
        return RedirectResponse("/review", 308)

    app.router.add_route("/review", index, include_in_schema=False)
    app.router.add_route("/review/", plain, include_in_schema=False)
    app.router.add_route("/review/icon.svg", icon, include_in_schema=False)
    app.router.add_route("/review/assets/{name}", asset, include_in_schema=False)


def _file(request: Request, file: Path, caching: str) -> Response:
    media_type = MEDIA_TYPES.get(file.suffix)
    there = os.path.isfile(file)  # noqa: PTH113 - `is_file` fails on a name that is too long
    if media_type is None or not there:
        raise HTTPException(
            404, f"There is no {request.url.path}; load /review again, it may have been renewed."
        )
    headers = {**_guarded(), "Cache-Control": caching, "Vary": "Accept-Encoding"}
    packed = file.with_name(f"{file.name}.gz")
    if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
        return FileResponse(
            packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=media_type
        )
    return FileResponse(file, headers=headers, media_type=media_type)


def _guarded(nonce: str | None = None) -> dict[str, str]:
    """Headers that leave the page nothing but itself; styles made by its scripts bear the nonce."""
    styles = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    policy = {
        "default-src": "'self'",
        "style-src": styles,
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
