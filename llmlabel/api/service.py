"""What the HTTP interface needs of the application."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Protocol

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from llmlabel.access import Access
from llmlabel.batches.batching import Batching
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.domain.promise import Promise
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.jobs import Jobs, Runner
from llmlabel.learning.erase import Erasing
from llmlabel.learning.relabel import Relabeling
from llmlabel.learning.watch import Watch
from llmlabel.llm.budget import Spent
from llmlabel.llm.provider import ProviderStanding
from llmlabel.models import ModelStore
from llmlabel.review import ReviewQueue
from llmlabel.store import Store
from llmlabel.telemetry import Telemetry
from llmlabel.webhooks.endpoints import Endpoints


class Configured(Protocol):
    """The settings that requests meet."""

    @property
    def max_text_chars(self) -> int: ...  # noqa: D102 - see llmlabel.settings
    @property
    def max_documents(self) -> int: ...  # noqa: D102
    @property
    def max_batch_bytes(self) -> int: ...  # noqa: D102
    @property
    def max_audio_bytes(self) -> int: ...  # noqa: D102
    @property
    def max_audio_seconds(self) -> float: ...  # noqa: D102
    @property
    def llm(self) -> str: ...  # noqa: D102
    @property
    def llm_fallbacks(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def spacy_model(self) -> str: ...  # noqa: D102
    @property
    def whisper_model(self) -> str: ...  # noqa: D102


class Providers(Protocol):
    """The providers of remote models; `llmlabel.providers.Providers` is one."""

    def standings(self) -> list[ProviderStanding]:
        """How each of them is doing, as all workers see it."""
        ...


class Service(Protocol):
    """The use cases behind the routes, of one project; `llmlabel.bootstrap.Application` is one."""

    @property
    def project(self) -> str:
        """Its name."""
        ...

    def ready(self, project: str) -> Service | None:
        """The use cases of another project of this service, if they are at hand."""
        ...

    def of(self, project: str) -> Service:
        """The same, made ready where they are not; it may take a moment."""
        ...

    def each(self) -> Sequence[Service]:
        """The use cases of every project."""
        ...

    @property
    def settings(self) -> Configured:
        """Limits, and the names of the models in use."""
        ...

    @property
    def telemetry(self) -> Telemetry:
        """Told of all that happens."""
        ...

    @property
    def access(self) -> Access:
        """Who may come in."""
        ...

    @property
    def store(self) -> Store:
        """Documents, labels, recordings."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Accepts work."""
        ...

    @property
    def runner(self) -> Runner:
        """Does the work; started and stopped with the service."""
        ...

    @property
    def reviews(self) -> ReviewQueue:
        """Leases and verdicts."""
        ...

    @property
    def relabel(self) -> Relabeling:
        """Has people look at labels again."""
        ...

    @property
    def batches(self) -> Batching:
        """Files of many lines."""
        ...

    @property
    def webhooks(self) -> Endpoints:
        """Endpoints that are told what happens."""
        ...

    @property
    def erase(self) -> Erasing:
        """Deletes documents with everything made of them."""
        ...

    @property
    def guidelines(self) -> GuidelineLibrary:
        """The tasks."""
        ...

    @property
    def watch(self) -> Watch:
        """Weighs audits and days."""
        ...

    def promise_for(self, guideline: Guideline) -> Promise | None:
        """What is promised of a guideline's labels, if anything."""
        ...

    def spent(self) -> list[Spent]:
        """What was spent on remote models, and what may be."""
        ...

    @property
    def providers(self) -> Providers:
        """How the providers of remote models are doing."""
        ...

    @property
    def models(self) -> ModelStore:
        """Which weights are here."""
        ...

    @property
    def loaded(self) -> Collection[str]:
        """Names of the models in memory now."""
        ...

    async def close(self) -> None:
        """Free everything."""
        ...


# Async, like every dependency that only looks at the request: others are sent to a thread and
# waited for, and under load that takes longer than what they do.
async def service_of(request: Request) -> Service:
    """The use cases of the project that a request is about: its key's, else the default one.

    Raises:
        NotFound: The project is gone.
    """
    service: Service = request.app.state.service
    project: str = getattr(request.state, "project", DEFAULT_PROJECT)
    if project == DEFAULT_PROJECT:
        return service
    ready = service.ready(project)
    return await run_in_threadpool(service.of, project) if ready is None else ready


TheService = Annotated[Service, Depends(service_of)]
"""A route's parameter of this type is the application, for the project of the request."""
