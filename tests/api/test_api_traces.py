"""One trace from the client's request through the queue to the language model."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from small_service import SmallService

from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.llm.observed import ObservedModel
from llmlabel.llm.protocol import Message, Prompt
from llmlabel.telemetry import NoTracer, open_telemetry
from llmlabel.telemetry.otel import OtelTracer
from llmlabel.testing import FakeChatModel

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
SECRET = "Zanzibar-7"


class Asking(SmallService):
    """Asks a language model of its own before it labels."""

    async def label(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        model = ObservedModel(FakeChatModel(name="fake"), "openai")
        prompts = [
            Prompt(messages=(Message(role="user", content=document.text),))
            for document in documents
        ]
        await model.score(prompts, ["yes", "no"])
        return await super().label(documents, ref)


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def service(tmp_path: Path, spans: InMemorySpanExporter) -> SmallService:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return Asking(tmp_path, OtelTracer(provider))


async def _post(client: httpx.AsyncClient, text: str) -> None:
    answer = await client.post(
        "/v1/documents",
        json={"text": text, "guidelines": ["sentiment"]},
        headers={"Prefer": "wait=60", "traceparent": f"00-{TRACE}-{CALLER}-01"},
    )
    assert answer.status_code == 200, answer.text


def _named(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


async def test_a_document_is_one_trace_from_its_client_to_the_model(
    client: httpx.AsyncClient, spans: InMemorySpanExporter
) -> None:
    await _post(client, f"{SECRET}.")
    while "process label" not in _named(spans):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    found = _named(spans)
    served, sent, job, stored, asked = (
        found[name]
        for name in ("POST /v1/documents", "send label", "process label", "store", "chat fake")
    )
    for span in (served, sent, job, stored, asked):
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == TRACE
        assert SECRET not in span.to_json()

    def child_of(span: ReadableSpan) -> str:
        assert span.parent is not None
        return f"{span.parent.span_id:016x}"

    def id_of(span: ReadableSpan) -> str:
        assert span.context is not None
        return f"{span.context.span_id:016x}"

    assert child_of(served) == CALLER
    assert child_of(sent) == id_of(served)
    assert child_of(job) == id_of(sent)
    assert child_of(stored) == id_of(job)
    assert child_of(asked) == id_of(job)
    assert served.kind.name == "SERVER"
    assert (served.attributes or {})["http.route"] == "/v1/documents"
    assert (served.attributes or {})["http.response.status_code"] == 200
    assert (sent.kind.name, job.kind.name) == ("PRODUCER", "CONSUMER")
    assert (job.attributes or {})["messaging.destination.name"] == "label"
    told = dict(asked.attributes or {})
    assert asked.kind.name == "CLIENT"
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "openai"
    assert told["gen_ai.request.model"] == "fake"
    assert isinstance(told["gen_ai.usage.input_tokens"], int)


async def test_an_error_marks_its_span_with_its_kind_and_not_its_words(
    client: httpx.AsyncClient,
    spans: InMemorySpanExporter,
    service: SmallService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(service.store.documents, "get", breaks)
    assert (await client.get("/v1/documents/one")).status_code == 500
    span = _named(spans)["GET /v1/documents/{id}"]
    assert span.status.status_code.name == "ERROR"
    assert (span.attributes or {})["error.type"]
    assert SECRET not in span.to_json()


class _Receiver(BaseHTTPRequestHandler):
    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, body))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, bytes]]]:
    received: list[tuple[str, bytes]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Bound", (_Receiver,), {"received": received}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=trial")
    yield received
    server.shutdown()
    server.server_close()


def test_spans_reach_a_collector_as_the_standard_variables_say(
    receiver: list[tuple[str, bytes]],
) -> None:
    from llmlabel.settings import tracing_asked

    assert tracing_asked()
    telemetry = open_telemetry("host-8000", tracing=True)
    with telemetry.request("GET", {"traceparent": f"00-{TRACE}-{CALLER}-01"}) as span:
        span.set("name", "GET /healthz")
    telemetry.close()
    [(path, body)] = receiver
    assert path == "/v1/traces"
    [of_resource] = ExportTraceServiceRequest.FromString(body).resource_spans
    resource = {each.key: each.value.string_value for each in of_resource.resource.attributes}
    assert resource["service.name"] == "llmlabel"
    assert resource["service.instance.id"] == "host-8000"
    assert resource["deployment.environment.name"] == "trial"
    [sent] = of_resource.scope_spans[0].spans
    assert (sent.name, sent.trace_id.hex()) == ("GET /healthz", TRACE)


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, False),
    ],
)
def test_tracing_is_off_unless_the_variables_ask_for_it(
    variables: dict[str, str], asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmlabel.settings import tracing_asked

    for name in ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert tracing_asked() is asked


def test_without_tracing_its_packages_are_not_even_imported() -> None:
    code = (
        "import sys\n"
        "from llmlabel.telemetry import open_telemetry\n"
        "import llmlabel.api\n"
        "open_telemetry('w')\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_packages_are_told_with_the_command_that_brings_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
    monkeypatch.setitem(sys.modules, name, None)
    assert isinstance(open_telemetry("w", tracing=True).tracer, NoTracer)
    assert "pip install 'llmlabel[otel]'" in "".join(capsys.readouterr())
