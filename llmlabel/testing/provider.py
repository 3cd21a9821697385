"""A provider of chat completions on loopback that follows a rule and misbehaves on demand."""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from llmlabel.testing.faults import Fault
from llmlabel.testing.token_model import TokenModel, example_of


@dataclass(frozen=True)
class ProviderRequest:
    """A chat completion asked for: the JSON body and the key it came with."""

    body: Mapping[str, Any]
    key: str

    @property
    def text(self) -> str:
        """The last message: the document asked about."""
        return str(self.body["messages"][-1]["content"])

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The JSON schema the reply shall follow, if one was sent."""
        wanted = self.body.get("response_format") or {}
        schema: Mapping[str, Any] | None = (wanted.get("json_schema") or {}).get("schema")
        return schema


Answer = str | Mapping[str, float]
AnswerRule = Callable[[ProviderRequest], Answer]


class FakeProvider:
    """A real HTTP server that speaks the OpenAI chat completions protocol.

        with FakeProvider({"positive": 0.9, "negative": 0.1}) as provider:
            model = RemoteModel("hosted_vllm/any", api_base=provider.url)

    The answer is a text, or texts with weights, or a function of the request that gives one of
    these. Log-probabilities are those the weights imply, token by token. At temperature 0 it
    writes the likeliest token each time; otherwise it draws replies by their weights.

    `script(...)` lines up faults: each request takes the next one, in order of arrival (None
    for a good answer). `fail(rule)` chooses a fault by the request. What was asked stays in
    `requests`; `most_at_once` is the largest number of requests that were under way together.
    """

    def __init__(
        self,
        answer: Answer | AnswerRule | None = None,
        *,
        max_top_logprobs: int | None = 20,
        json_schema: bool = True,
        think_seconds: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Set the rules; the server starts with `with` or `start()`.

        Args:
            answer: What to reply; without it, the least JSON of the schema sent, or `ok`.
            max_top_logprobs: More than this is rejected; 0 rejects `logprobs` altogether, None
                ignores it silently.
            json_schema: Whether `response_format` may hold a schema.
            think_seconds: Time each request takes.
            seed: For the replies drawn at a temperature above 0.
        """
        self._answer = answer
        self._max_top = max_top_logprobs
        self._json_schema = json_schema
        self._think_seconds = think_seconds
        self._dice = random.Random(seed)  # noqa: S311 - a fake draws no secrets
        self._script: deque[Fault | None] = deque()
        self._fail: Callable[[ProviderRequest], Fault | None] = lambda _: None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._under_way = 0
        self.requests: list[ProviderRequest] = []
        self.most_at_once = 0

    @property
    def url(self) -> str:
        """The base URL to give a client, ending in /v1."""
        if self._server is None:
            raise RuntimeError("the FakeProvider is not started; use it in a `with` block")
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def script(self, *faults: Fault | None) -> Self:
        """Line up faults for the next requests; None stands for a good answer."""
        with self._lock:
            self._script.extend(faults)
        return self

    def fail(self, rule: Callable[[ProviderRequest], Fault | None]) -> Self:
        """Choose a fault, or None, by the request; asked when the script has run out."""
        self._fail = rule
        return self

    def start(self) -> Self:
        """Listen on a free port of loopback."""
        self._stopping.clear()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # Called by the handler, from its threads ----------------------------------------------

    def _begin(self, request: ProviderRequest) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            scripted = bool(self._script)
            fault = self._script.popleft() if scripted else None
        fault = fault if scripted else self._fail(request)
        self._stopping.wait(self._think_seconds + (fault.seconds if fault else 0.0))
        return fault

    def _end(self) -> None:
        with self._lock:
            self._under_way -= 1

    def _objection(self, body: Mapping[str, Any]) -> Fault | None:
        top = int(body.get("top_logprobs") or 0)
        if self._max_top == 0 and body.get("logprobs"):
            return Fault.rejected("logprobs is not supported by this model")
        if self._max_top is not None and top > self._max_top:
            return Fault.rejected(f"top_logprobs must be at most {self._max_top}")
        wanted = (body.get("response_format") or {}).get("type")
        if wanted == "json_schema" and not self._json_schema:
            return Fault.rejected("response_format of type json_schema is not supported")
        return None

    def _complete(self, request: ProviderRequest, fault: Fault | None) -> dict[str, Any]:
        body = request.body
        answer = self._answer(request) if callable(self._answer) else self._answer
        if answer is None:
            answer = example_of(request.schema) if request.schema else "ok"
        model = TokenModel({answer: 1.0} if isinstance(answer, str) else answer)
        if body.get("temperature", 1):
            with self._lock:
                written = model.sampled(self._dice)
        else:
            written = model.greedy()
        kind = fault.kind if fault else ""
        room = int(body.get("max_completion_tokens") or body.get("max_tokens") or 10**6)
        cut = kind == "length" or len(written) > room
        if kind in {"length", "broken_content"}:
            written = written[: len(written) // 2]
        written = () if kind in {"refusal", "content_filter", "empty"} else written[:room]
        logprobs = None
        if body.get("logprobs") and self._max_top:
            logprobs = model.logprobs(written, int(body.get("top_logprobs") or 0))
        message: dict[str, Any] = {"role": "assistant", "content": "".join(written)}
        if kind == "refusal" and fault:
            message = {"role": "assistant", "content": None, "refusal": fault.message}
        finish = {"content_filter": "content_filter"}.get(kind, "length" if cut else "stop")
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": logprobs}
        prompt_tokens = sum(len(str(m["content"]).split()) for m in body["messages"])
        return {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body.get("model", "fake"),
            "choices": [] if kind == "no_choices" else [choice],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": len(written),
                "total_tokens": prompt_tokens + len(written),
            },
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # beyond it, who connects tries again a second later

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that was killed is no fault of the server's; anything else is told.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    owner: FakeProvider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer a chat completion, or misbehave."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if not self.path.endswith("/chat/completions"):
            return self._send_error(Fault.rejected(f"no such path: {self.path}", 404), "")
        key = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        request = ProviderRequest(body, key)
        try:
            fault = self.owner._begin(request)
            if fault is None or fault.kind != "status":
                fault = self.owner._objection(body) or fault
            if fault is not None and fault.kind == "status":
                return self._send_error(fault, key)
            return self._send_answer(request, fault)
        except OSError:
            self.close_connection = True  # the client went away, as after its timeout
        finally:
            self.owner._end()

    def _send_answer(self, request: ProviderRequest, fault: Fault | None) -> None:
        kind = fault.kind if fault else ""
        if kind == "close":
            self.close_connection = True
            return
        payload = json.dumps(self.owner._complete(request, fault)).encode()
        if kind == "not_json":
            payload = b"<html><body>Welcome to the gateway</body></html>"
        if kind == "truncated_body":
            payload = payload[: len(payload) // 2]
        half = kind == "close_mid_body"
        self._send(200, payload, (), payload[: len(payload) // 2] if half else payload)
        self.close_connection = self.close_connection or half

    def _send_error(self, fault: Fault, key: str) -> None:
        message = fault.message.replace("{key}", key)
        error = {"message": message, "type": fault.code or "error", "code": fault.code}
        payload = json.dumps({"error": error}).encode()
        self._send(fault.status, payload, fault.headers, payload)

    def _send(
        self, status: int, announced: bytes, headers: tuple[tuple[str, str], ...], sent: bytes
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(announced)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what was asked is in `requests`."""
