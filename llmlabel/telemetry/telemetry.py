"""The telemetry of one process: its numbers, its tracer, and what goes with a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog

from llmlabel.telemetry.ambient import in_charge
from llmlabel.telemetry.meters import Meters
from llmlabel.telemetry.spans import NoTracer, Span, Tracer

REQUEST_ID = "request_id"
_TRACE = ("traceparent", "tracestate")

log = structlog.get_logger()


class Telemetry:
    """What one process tells of itself.

    Args:
        worker: Name of the process, unlike any other's on the same database.
        tracer: Where spans go; nowhere by default.
    """

    def __init__(self, worker: str = "llmlabel", tracer: Tracer | None = None) -> None:
        self.meters = Meters(worker)
        self.tracer: Tracer = tracer or NoTracer()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Be told of what happens in this block, and in all that it begins."""
        token = in_charge.set(self)
        try:
            yield
        finally:
            in_charge.reset(token)

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """An HTTP request: the parent of its span is the `traceparent` it came with."""
        sent = {name: headers[name] for name in _TRACE if name in headers}
        with (
            self.active(),
            self.tracer.span(method, "server", {"http.request.method": method}, sent) as span,
        ):
            yield span

    @contextmanager
    def sending(self, queue: str, id: str) -> Iterator[dict[str, str]]:
        """A job is put into the queue; gives what goes with it: the ids of who asked for it."""
        ids = {}
        request = structlog.contextvars.get_contextvars().get(REQUEST_ID)
        if request:
            ids[REQUEST_ID] = str(request)
        with self.tracer.span(f"send {queue}", "producer", _messaging("send", queue, id)):
            yield ids | self.tracer.carrier()

    @contextmanager
    def job(self, queue: str, id: str, carried: Mapping[str, str]) -> Iterator[None]:
        """A job of the queue, under the ids of the request that asked for it."""
        ids = {"job_id": id}
        if REQUEST_ID in carried:
            ids[REQUEST_ID] = carried[REQUEST_ID]
        parent = {name: carried[name] for name in _TRACE if name in carried}
        attributes = _messaging("process", queue, id)
        outcome = "failed"
        try:
            with (
                structlog.contextvars.bound_contextvars(**ids),
                self.active(),
                self.tracer.span(f"process {queue}", "consumer", attributes, parent),
            ):
                yield
            outcome = "done"
        except Exception:
            raise
        except BaseException:
            outcome = "stopped"
            raise
        finally:
            self.meters.job(queue, outcome)

    def close(self) -> None:
        """Send what is still to be sent."""
        self.tracer.close()


def _messaging(operation: str, queue: str, id: str) -> dict[str, str]:
    return {
        "messaging.system": "llmlabel",
        "messaging.operation.type": operation,
        "messaging.destination.name": queue,
        "messaging.message.id": id,
    }


def open_telemetry(worker: str, *, tracing: bool = False) -> Telemetry:
    """The telemetry of a process.

    Args:
        worker: Its name.
        tracing: Send spans by OTLP, as the `OTEL_` variables say. Where the packages for that
            are missing a warning says so, and the work goes on without.
    """
    if not tracing:
        return Telemetry(worker)
    try:
        from llmlabel.telemetry.otel import otlp_tracer  # noqa: PLC0415 - and its SDK

        return Telemetry(worker, otlp_tracer(worker))
    except ImportError as error:
        log.warning(
            "no traces are sent",
            why="the OTEL_ variables ask for them, and their packages are not installed",
            remedy="pip install 'llmlabel[otel]'",
            missing=error.name,
        )
        return Telemetry(worker)
