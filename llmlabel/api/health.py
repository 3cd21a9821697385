"""`/healthz` and `/readyz`: is it alive, and can it do its work."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from llmlabel import __version__
from llmlabel.api.problems import documented, respond
from llmlabel.api.service import Service, TheService
from llmlabel.domain.guideline import Guideline
from llmlabel.errors import StoreUnavailable
from llmlabel.models import ModelState

router = APIRouter(tags=["health"])

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


class Ready(BaseModel):
    """Everything that is needed is there."""

    status: Literal["ready"] = "ready"
    store: Literal["ok"] = "ok"
    models: list[ModelReadiness] = Field(description="Each model that a guideline needs.")


@router.get("/healthz", summary="Alive?")
def healthz() -> Alive:
    """Answer as long as the process does."""
    return Alive(version=__version__)


@router.get("/readyz", summary="Ready?", response_model=Ready, responses=documented())
def readyz(request: Request, service: TheService) -> Ready | Response:
    """Say whether work can be done: 503 when a model's weights or the database are missing."""
    models = readiness(service)
    reasons = [f"{each.name}: {each.remedy}" for each in models if each.state == "missing"]
    store = _store_trouble(service)
    if store is not None:
        reasons.insert(0, store)
    if not reasons:
        return Ready(models=models)
    return respond(
        request,
        code="not-ready",
        title="Not ready",
        status=503,
        detail=" ".join(reasons),
        headers={"Retry-After": "5"},
        extra={
            "store": "unavailable" if store else "ok",
            "models": [each.model_dump() for each in models],
        },
    )


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
        asks_llm = any(step.name == "llm" for step in guideline.labelers)
        many = len(guideline.labels) > guideline.policy.shortlist
        if asks_llm and guideline.kind == "choice" and many:
            yield EMBEDDER


def _of_model(service: Service, name: str) -> ModelReadiness:
    if name in service.loaded:
        return ModelReadiness(name=name, state="loaded")
    entry = service.models.catalogue.find(name)
    if entry is None:
        here = Path(name).expanduser().exists()
        return ModelReadiness(name=name, state="available" if here else "external")
    if service.models.state(entry.name) in (ModelState.READY, ModelState.UNVERIFIED):
        return ModelReadiness(name=name, state="available")
    return ModelReadiness(
        name=name, state="missing", remedy=f"run: llmlabel models pull {entry.name}."
    )


def _store_trouble(service: Service) -> str | None:
    try:
        service.store.ping()
    except StoreUnavailable as exc:
        return exc.detail
    return None
