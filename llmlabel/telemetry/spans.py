"""Spans as the rest of the package sees them: a few methods, and one that does nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol

SpanKind = Literal["server", "producer", "consumer", "client", "internal"]
Attribute = str | int | float | bool


class Span(Protocol):
    """A piece of work under way."""

    def set(self, name: str, value: Attribute) -> None:
        """Say something about it; never a text that was labeled."""
        ...

    def fail(self, kind: str) -> None:
        """Mark it as failed: `error.type` is the kind."""
        ...


class Tracer(Protocol):
    """Begins spans; the one under way in this context is the parent of the next."""

    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Attribute],
        parent: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[Span]:
        """A span until the end of the block.

        Args:
            name: Of the kind of work, with few different values.
            kind: Its part in the exchange.
            attributes: By the semantic conventions.
            parent: `traceparent` and `tracestate` of a span elsewhere.
        """
        ...

    def carrier(self) -> dict[str, str]:
        """`traceparent` and `tracestate` of the span under way; empty without one."""
        ...

    def close(self) -> None:
        """Send what is still to be sent."""
        ...


class _NoSpan:
    def set(self, name: str, value: Attribute) -> None:
        pass

    def fail(self, kind: str) -> None:
        pass


NO_SPAN: Span = _NoSpan()


class NoTracer:
    """Traces nothing and costs nothing."""

    @contextmanager
    def span(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Attribute],
        parent: Mapping[str, str] | None = None,
    ) -> Iterator[Span]:
        """See `Tracer.span`."""
        yield NO_SPAN

    def carrier(self) -> dict[str, str]:
        """See `Tracer.carrier`."""
        return {}

    def close(self) -> None:
        """See `Tracer.close`."""
