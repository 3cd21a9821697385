"""What any part may tell of its work, wherever it runs.

Whoever begins work (a request, a job) puts the telemetry in charge into the context, which
follows every task and thread that the work is handed to. Outside of such work, as on the command
line, nothing is told and nothing is spent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

from llmlabel.errors import LlmlabelError
from llmlabel.telemetry.spans import NO_SPAN, Attribute, Span, SpanKind

if TYPE_CHECKING:
    from llmlabel.telemetry.telemetry import Telemetry

in_charge: ContextVar[Telemetry | None] = ContextVar("llmlabel_telemetry", default=None)


class Used(Protocol):
    """What a call of a model took."""

    @property
    def prompt_tokens(self) -> int: ...  # noqa: D102
    @property
    def completion_tokens(self) -> int: ...  # noqa: D102
    @property
    def cost_usd(self) -> float | None: ...  # noqa: D102
    @property
    def cached(self) -> bool: ...  # noqa: D102


class Answered(Protocol):
    """The answer to a prompt."""

    @property
    def usage(self) -> Used: ...  # noqa: D102


@contextmanager
def span(
    name: str, attributes: Mapping[str, Attribute], kind: SpanKind = "internal"
) -> Iterator[Span]:
    """A span around a block, where somebody traces; see `Tracer.span`."""
    telemetry = in_charge.get()
    if telemetry is None:
        yield NO_SPAN
        return
    with telemetry.tracer.span(name, kind, attributes) as current:
        yield current


@contextmanager
def stage(name: str, documents: int = 1, guideline: str = "") -> Iterator[None]:
    """Time a block as a stage of the work, also where it fails.

    Args:
        name: `transcribe`, `labeler:llm`, `judge`, `store`: few different values.
        documents: How many go through it together.
        guideline: `name@version`, where it is of one.
    """
    telemetry = in_charge.get()
    if telemetry is None:
        yield
        return
    begun = time.perf_counter()
    attributes: dict[str, Attribute] = {"llmlabel.documents": documents}
    if guideline:
        attributes["llmlabel.guideline"] = guideline
    try:
        with span(name, attributes):
            yield
    finally:
        telemetry.meters.stage(name, time.perf_counter() - begun, documents)


def calls_ended(model: str, answers: Sequence[Answered | Exception]) -> None:
    """Count what a language model was asked: its answers, or errors, one per prompt."""
    telemetry = in_charge.get()
    if telemetry is None:
        return
    for answer in answers:
        if isinstance(answer, Exception):
            telemetry.meters.llm_call(model, outcome_of(answer))
        elif answer.usage.cached:
            telemetry.meters.llm_hit(model)
        else:
            used = answer.usage
            telemetry.meters.llm_call(
                model,
                "answered",
                prompt_tokens=used.prompt_tokens,
                completion_tokens=used.completion_tokens,
                cost_usd=used.cost_usd,
            )


def outcome_of(error: BaseException) -> str:
    """An error as a word of few: our code, or `internal-error`."""
    return error.code if isinstance(error, LlmlabelError) else "internal-error"
