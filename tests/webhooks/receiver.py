"""A real endpoint on loopback that behaves as badly as it is told to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told


class Receiver:
    """Answers 204, or what `answer` says of the request: a status, `(status, headers)`, or a word.

    `hang` waits until `let_go`; `close` ends the connection at once; `flood` never stops talking.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Callable[[Received], Any] = lambda _: 204
        self.let_go = threading.Event()
        self._changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # its sender was killed meanwhile
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer._take(self, Received(self.path, headers, body))

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # or those beyond the fifth at once come seconds later

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _take(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        with self._changed:
            self.received.append(received)
            self._changed.notify_all()
        answer = self.answer(received)
        if answer == "hang":
            self.let_go.wait(300)
            answer = 204
        if answer == "close":
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        if answer == "flood":
            status, headers = 200, {"Content-Length": str(1 << 40)}
        handler.send_response(status)
        for name, value in ({"Content-Length": "0"} | headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        while answer == "flood":
            handler.wfile.write(b"x" * 65536)

    def wait_for(self, count: int, seconds: float = 120, *, path: str = "") -> list[Received]:
        """The first so many requests to a path, or to any, in the order in which they came."""

        def came() -> list[Received]:
            return [each for each in self.received if each.path.startswith(path)]

        with self._changed:
            assert self._changed.wait_for(lambda: len(came()) >= count, seconds), (
                f"{len(came())} of {count} came"
            )
            return came()[:count]

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
