"""`/docs`: the interface for people, on one page that needs nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib import resources

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse


def add_docs(app: FastAPI) -> None:
    """Serve the page, which reads /openapi.json."""
    page = resources.files("llmlabel.api").joinpath("docs.html").read_text(encoding="utf-8")

    headers = {
        "Content-Security-Policy": f"default-src 'none'; script-src {_hashes(page, 'script')}; "
        f"style-src {_hashes(page, 'style')}; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    }

    async def docs(_: Request) -> HTMLResponse:
        return HTMLResponse(page, headers=headers)

    app.router.add_route("/docs", docs, include_in_schema=False)


def _hashes(page: str, element: str) -> str:
    """The page's own scripts or styles, by their hashes: no others are carried out."""
    found = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", page, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in found)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
