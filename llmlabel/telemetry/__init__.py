"""What is told of the work under way: numbers, spans and the ids of log lines; never a text."""

from __future__ import annotations

from llmlabel.telemetry.ambient import calls_ended, outcome_of, span, stage
from llmlabel.telemetry.meters import Meters
from llmlabel.telemetry.spans import Attribute, NoTracer, Span, SpanKind, Tracer
from llmlabel.telemetry.telemetry import Telemetry, open_telemetry
from llmlabel.telemetry.words import told

__all__ = [
    "Attribute",
    "Meters",
    "NoTracer",
    "Span",
    "SpanKind",
    "Telemetry",
    "Tracer",
    "calls_ended",
    "open_telemetry",
    "outcome_of",
    "span",
    "stage",
    "told",
]
