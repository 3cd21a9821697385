"""`/healthz`, `/readyz` and `/metrics`: is it alive, can it work, and how does it do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from llmlabel import __version__
from llmlabel.access import Principal
from llmlabel.api.permissions import EVALUATOR
from llmlabel.api.problems import documented, respond
from llmlabel.api.route import Route
from llmlabel.api.service import Service, TheService
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.privacy import without_secrets
from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.llm.provider import ProviderStanding
from llmlabel.models import ModelState
from llmlabel.monitoring.readiness import Check, Checks, Look, database, disk, worker, written
from llmlabel.monitoring.scrape import Scrape
from llmlabel.store import Store

router = APIRouter(tags=["health"], route_class=Route)

EMBEDDER = "minilm-l6-int8"


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str


class ModelReadiness(BaseModel):
    """A model that some guideline needs.

    `loaded` in memory; `available` and loaded when first needed; `missing`: its weights are not
    on this machine; `external`: at a provider or in a package, tried when it is needed.
    """

    name: str
    state: Literal["loaded", "available", "missing", "external"]
    remedy: str | None = None


class CheckOut(BaseModel):
    """What was found of one thing that work needs; a check that takes too long has failed."""

    name: str = Field(description="database, worker, disk, …")
    ok: bool
    reason: str | None = Field(default=None, description="Why not, and what to do.")

    @classmethod
    def of(cls, check: Check) -> CheckOut:
        """As it is shown."""
        return cls(name=check.name, ok=check.ok, reason=check.reason)


class Ready(BaseModel):
    """Everything that is needed is there."""

    status: Literal["ready"] = "ready"
    store: Literal["ok"] = "ok"
    checks: list[CheckOut] = Field(description="Each thing that work needs.")
    models: list[ModelReadiness] = Field(description="Each model that a guideline needs.")
    providers: list[ProviderStanding] = Field(
        description="Each provider of remote models that has limits or was ever in trouble. While "
        "the circuit of one is `open`, work waits for it; the service is ready to accept more."
    )


@router.get("/healthz", summary="Alive?")
def healthz() -> Alive:
    """Answer as long as the process does."""
    return Alive(version=__version__)


@router.get("/readyz", summary="Ready?", response_model=Ready, responses=documented())
async def readyz(request: Request, service: TheService) -> Ready | Response:
    """Say whether work can be done: 503, with every reason, when it cannot.

    The database must answer and be up to date, some process must take jobs, the disk must have
    room, and the weights of every model that a guideline needs must be here. Each check ends
    within seconds. Where there are keys, only an evaluator or admin is told more than yes or no
    and the names of the checks.
    """
    found: list[ModelReadiness] = []

    def models() -> str | None:
        found[:] = readiness(service)
        missing = [f"{each.name}: {each.remedy}" for each in found if each.state == "missing"]
        return " ".join(missing) or None

    whole: Service = request.app.state.service
    checks = await Checks({**_looks(service.store, whole.store), "models": models}).run()
    if not _may_know(request):
        return _in_short(request, checks)
    reasons = [str(check.reason) for check in checks if not check.ok]
    store = next(check.ok for check in checks if check.name == "database")
    providers = await run_in_threadpool(service.providers.standings) if store else []
    if not reasons:
        told = [CheckOut.of(check) for check in checks]
        return Ready(checks=told, models=found, providers=providers)
    return respond(
        request,
        code="not-ready",
        title="Not ready",
        status=503,
        detail=" ".join(reasons),
        headers={"Retry-After": "5"},
        extra={
            "store": "ok" if store else "unavailable",
            "checks": [check.model_dump() for check in checks],
            "models": [each.model_dump() for each in found],
            "providers": [each.model_dump() for each in providers],
        },
    )


def _may_know(request: Request) -> bool:
    principal: Principal | None = request.state.principal
    return principal is not None and principal.may(EVALUATOR)


def _in_short(request: Request, checks: Sequence[Check]) -> Ready | Response:
    told = [CheckOut(name=check.name, ok=check.ok) for check in checks]
    wrong = [check.name for check in checks if not check.ok]
    if not wrong:
        return Ready(checks=told, models=[], providers=[])
    return respond(
        request,
        code="not-ready",
        title="Not ready",
        status=503,
        detail=f"Not ready: {', '.join(wrong)}. The key of an evaluator or admin is told why.",
        headers={"Retry-After": "5"},
        extra={"checks": [check.model_dump() for check in told]},
    )


@router.get(
    "/metrics",
    summary="Metrics",
    response_class=PlainTextResponse,
    responses={**documented(), 200: {"description": "In the format that `Accept` asks for."}},
)
def metrics(request: Request) -> Response:
    """Give the numbers of this process and those of the databases, for Prometheus.

    What is read from a database has the label `project`. A key of the default project is told of
    all projects, a key of another of that one only, and not of the process.
    """
    scrape: Scrape = request.app.state.scrape
    project: str = request.state.project
    body, media_type = scrape.render(
        request.headers.get("accept", ""), None if project == DEFAULT_PROJECT else project
    )
    return Response(body, headers={"Content-Type": media_type})


def readiness(service: Service) -> list[ModelReadiness]:
    """Every model that a guideline needs, and whether it is here."""
    return [
        _of_model(service, name)
        for name in dict.fromkeys(_needed(service, service.guidelines.list()))
    ]


def _needed(service: Service, guidelines: Iterable[Guideline]) -> Iterable[str]:
    settings = service.settings
    default = {
        "llm": settings.llm,
        "spacy": settings.spacy_model,
        "whisper": settings.whisper_model,
    }
    for guideline in guidelines:
        for step in guideline.labelers:
            yield step.model or default[step.name]
            if step.name == "llm":
                others = step.fallbacks
                yield from settings.llm_fallbacks if others is None else others
        asks_llm = any(step.name == "llm" for step in guideline.labelers)
        many = len(guideline.labels) > guideline.policy.shortlist
        if asks_llm and guideline.kind == "choice" and many:
            yield EMBEDDER


def _of_model(service: Service, name: str) -> ModelReadiness:
    if name in service.loaded:
        return ModelReadiness(name=without_secrets(name), state="loaded")
    entry = service.models.catalogue.find(name)
    if entry is None:
        here = Path(name).expanduser().exists()
        state: Literal["available", "external"] = "available" if here else "external"
        return ModelReadiness(name=without_secrets(name), state=state)
    if service.models.state(entry.name) in (ModelState.READY, ModelState.UNVERIFIED):
        return ModelReadiness(name=name, state="available")
    return ModelReadiness(
        name=name, state="missing", remedy=f"run: llmlabel models pull {entry.name}."
    )


def _looks(store: Store, service: Store) -> dict[str, Look]:
    # Workers are of the whole service, and give their signs of life in the default project.
    return {"database": database(store), "worker": worker(service), "disk": disk(*written(store))}
