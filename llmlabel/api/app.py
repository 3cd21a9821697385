"""The HTTP service: routes over the use cases, errors and limits around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool

from llmlabel import __version__
from llmlabel.api import (
    audio,
    audit_log,
    batches,
    certificates,
    costs,
    documents,
    flags,
    guidelines,
    health,
    jobs,
    keys,
    problems,
    relabel,
    reviewers,
    reviews,
    session,
    webhooks,
)
from llmlabel.api.docs import add_docs
from llmlabel.api.guard import Guard
from llmlabel.api.headers import SecurityHeaders
from llmlabel.api.identity import Doorkeeper
from llmlabel.api.middleware import BodyLimit, RequestId
from llmlabel.api.observed import Observed, plain_routes
from llmlabel.api.openapi import DESCRIPTION, TAGS, describe
from llmlabel.api.page import add_page
from llmlabel.api.permissions import permit
from llmlabel.api.service import Service
from llmlabel.monitoring import Scrape

MAX_JSON_BYTES = 64 << 20
"""Room for a full list of ordinary texts; longer ones go in several requests."""

SIGN_IN_BYTES = 16 << 10
"""Of who has no key yet: room for one, and no more."""

FORM_BYTES = 1 << 20
"""Room around the file of a multipart form."""


def create_app(application: Service, *, loopback: bool = True) -> FastAPI:
    """The HTTP service of an application.

    The job queue runs as long as the service does; the application is closed after it.

    Args:
        application: What is served.
        loopback: It is reached from this machine only, so that it may do without keys.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(application.runner.start)
        try:
            yield
        finally:
            await run_in_threadpool(application.runner.stop)
            await application.close()

    app = FastAPI(
        title="llmlabel",
        version=__version__,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(permit)],
        generate_unique_id_function=lambda route: f"{route.tags[0]}_{route.name.strip('_')}",
    )
    app.state.service = application
    application.access.keys.refresh()  # what is known, should the database go away
    app.state.doorkeeper = Doorkeeper(application.access, loopback=loopback)
    app.state.decoding = CapacityLimiter(1)
    app.state.scrape = Scrape(
        application.telemetry, application.each, application.providers.standings
    )
    app.add_middleware(
        BodyLimit,
        default=MAX_JSON_BYTES,
        paths={
            "/v1/session": SIGN_IN_BYTES,
            "/v1/audio": application.settings.max_audio_bytes + FORM_BYTES,
            "/v1/batches/*/file": application.settings.max_batch_bytes,
        },
    )
    app.add_middleware(Guard, doorkeeper=app.state.doorkeeper)
    app.add_middleware(Observed, telemetry=application.telemetry, routes=plain_routes(app))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestId)
    problems.install(app)
    for resource in (
        documents,
        audio,
        batches,
        jobs,
        reviews,
        relabel,
        flags,
        reviewers,
        certificates,
        costs,
        guidelines,
        webhooks,
        keys,
        session,
        audit_log,
        health,
    ):
        app.include_router(resource.router)
    add_docs(app)
    add_page(app)
    describe(app)
    return app
