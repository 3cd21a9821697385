"""Spans through OpenTelemetry; its SDK comes with `pip install 'llmlabel[otel]'`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from llmlabel import __version__
from llmlabel.telemetry.ambient import outcome_of
from llmlabel.telemetry.spans import Attribute, Span, SpanKind, Tracer

if TYPE_CHECKING:
    from opentelemetry.trace import Span as OtelSpan
    from opentelemetry.trace import TracerProvider


class _Wrapped:
    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    def set(self, name: str, value: Attribute) -> None:
        if name == "name":  # of a request, known when its route is
            self._span.update_name(str(value))
        else:
            self._span.set_attribute(name, value)

    def fail(self, kind: str) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415

        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)


class OtelTracer:
    """Gives spans to OpenTelemetry.

    An exception marks its span as failed with its kind; its words may hold what was labeled and
    stay here.

    Args:
        provider: Where spans go. It is not made the global one of the process.
    """

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._provider = provider
        self._tracer = provider.get_tracer("llmlabel", __version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Attribute],
        parent: Mapping[str, str] | None = None,
    ) -> Iterator[Span]:
        """See `Tracer.span`."""
        from opentelemetry.trace import SpanKind as Kind  # noqa: PLC0415

        with self._tracer.start_as_current_span(
            name,
            context=self._propagator.extract(dict(parent)) if parent else None,
            kind=Kind[kind.upper()],
            attributes=dict(attributes),
            record_exception=False,
            set_status_on_exception=False,
        ) as current:
            wrapped = _Wrapped(current)
            try:
                yield wrapped
            except Exception as error:
                wrapped.fail(outcome_of(error))
                raise

    def carrier(self) -> dict[str, str]:
        """See `Tracer.carrier`."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def close(self) -> None:
        """See `Tracer.close`."""
        shutdown: Any = getattr(self._provider, "shutdown", None)
        if shutdown is not None:
            shutdown()


def otlp_tracer(worker: str) -> Tracer:
    """A tracer that sends spans by OTLP over HTTP, as the `OTEL_` variables say.

    Args:
        worker: `service.instance.id`.

    Raises:
        ImportError: The packages of `llmlabel[otel]` are not installed.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import (  # noqa: PLC0415
        OTELResourceDetector,
        Resource,
    )
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    ours = Resource(
        {
            "service.name": "llmlabel",
            "service.version": __version__,
            "service.instance.id": worker,
        }
    )
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over ours.
    given = OTELResourceDetector().detect()
    named = {k: v for k, v in given.attributes.items() if v != "unknown_service"}
    provider = TracerProvider(resource=Resource.create(ours.merge(Resource(named)).attributes))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtelTracer(provider)
