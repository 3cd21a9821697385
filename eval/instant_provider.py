"""A provider of chat completions that answers at once, or after a fixed time; a process of its own.

Run: python -m eval.instant_provider --port 9000 [--seconds 0.05] [--labels calm,glad]

It does as little as can be, so that what is measured is who asks: the protocol of OpenAI over
connections that stay open, one of two prepared answers by the length of the request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
from collections.abc import Sequence

DOUBTED = 10
"""One answer of so many is a doubted one."""


def answer(labels: Sequence[str], top: float) -> bytes:
    """A response whose first label has that probability, and the others share the rest."""
    shares = [top, *[(1 - top) / (len(labels) - 1)] * (len(labels) - 1)]
    step = {
        "token": labels[0],
        "logprob": math.log(top),
        "bytes": None,
        "top_logprobs": [
            {"token": name, "logprob": math.log(share), "bytes": None}
            for name, share in zip(labels, shares, strict=True)
        ],
    }
    body = json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "instant",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": labels[0]},
                    "logprobs": {"content": [step]},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 200, "completion_tokens": 1, "total_tokens": 201},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """Reads requests one after the other and answers each."""

    def __init__(self, sure: bytes, doubted: bytes, seconds: float) -> None:
        self._answers = (sure, doubted)
        self._seconds = seconds
        self._buffer = b""
        self._n = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._n += 1
            reply = self._answers[self._n % DOUBTED == 0]
            if self._seconds:
                asyncio.get_running_loop().call_later(self._seconds, self._write, reply)
            else:
                self._write(reply)

    def _write(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)


async def serve(port: int, labels: Sequence[str], seconds: float) -> None:
    """Answer until the process is ended."""
    answers = answer(labels, 0.97), answer(labels, 0.6)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(*answers, seconds), "127.0.0.1", port, backlog=1000
    )
    await server.serve_forever()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.0, help="before each answer")
    parser.add_argument("--labels", default="calm,glad,cross,sad,torn")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.labels.split(","), given.seconds))


if __name__ == "__main__":
    main()
