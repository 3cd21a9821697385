"""`/docs`: the interface for people, on one page that needs nothing from elsewhere."""

from __future__ import annotations

from importlib import resources

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse


def add_docs(app: FastAPI) -> None:
    """Serve the page, which reads /openapi.json."""
    page = resources.files("llmlabel.api").joinpath("docs.html").read_text(encoding="utf-8")

    async def docs(_: Request) -> HTMLResponse:
        return HTMLResponse(page)

    app.router.add_route("/docs", docs, include_in_schema=False)
