"""One attempt at one message: a POST to exactly the address that was checked."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpcore
import httpx

from llmlabel import __version__
from llmlabel.domain.webhook import Message
from llmlabel.errors import LlmlabelError
from llmlabel.webhooks.addresses import checked_url, refuse_private, resolve
from llmlabel.webhooks.schedule import seconds_of
from llmlabel.webhooks.signature import headers

TIMEOUT_SECONDS = 15.0
MAX_ANSWER_BYTES = 16_384
"""Of an answer's body so much is read, and none of it kept; the connection is then closed."""

BODY_SECONDS = 1.0
"""For so long the rest of an answer is waited for."""

LOOKUPS = 64
"""Names looked up at once: a name server that is slow for one endpoint holds up no other."""


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt.

    Attributes:
        delivered: The endpoint answered with a status from 200 to 299.
        status: The HTTP status; None where there was no answer.
        error: What went wrong, as a sentence; None where nothing did.
        retry_after: Seconds that the endpoint asked for.
        seconds: How long it took.
    """

    delivered: bool
    status: int | None = None
    error: str | None = None
    retry_after: float | None = None
    seconds: float = 0.0

    @property
    def gone(self) -> bool:
        """The endpoint wants no messages any more."""
        return self.status == 410


class Sender:
    """Sends messages. Redirects are not followed, proxies of the environment are not used.

    Args:
        private: Whether http and addresses of the own network are allowed.
        public_url: Where clients reach this service; links begin with it.
        timeout: Seconds from the beginning of an attempt until its answer's status and headers.
    """

    def __init__(
        self, *, private: bool = False, public_url: str = "", timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._private = private
        self._public_url = public_url.rstrip("/")
        self._timeout = timeout
        self._lookups = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="webhooks-dns")
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def send(self, message: Message) -> Outcome:
        """Try once; whatever goes wrong is part of the outcome. On one event loop only."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout) as limit:
                outcome = await self._post(message, limit)
        except TimeoutError:
            outcome = Outcome(False, error=f"No answer within {self._timeout:g} seconds.")
        except LlmlabelError as exc:
            outcome = Outcome(False, error=exc.detail)
        except (OSError, httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
            outcome = Outcome(False, error=f"It cannot be reached: {_words(exc)}.")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as exc:
            outcome = Outcome(False, error=f"The connection broke: {_words(exc)}.")
        except Exception as exc:
            # Whatever it is, it counts as an attempt: else it would be tried without an end.
            outcome = Outcome(False, error=f"It cannot be sent: {_words(exc)}.")
        seconds = time.monotonic() - began
        return Outcome(
            outcome.delivered, outcome.status, outcome.error, outcome.retry_after, seconds
        )

    async def close(self) -> None:
        """Close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.aclose()
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def _post(self, message: Message, limit: asyncio.Timeout) -> Outcome:
        url = httpx.URL(checked_url(message.url, private=self._private))
        body = self.body_of(message)
        signed = headers(message.secrets, message.id, int(time.time()), body)
        sent = {
            "Host": url.netloc.decode("ascii"),
            "User-Agent": f"llmlabel/{__version__}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **signed,
        }
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        request = self._connections().stream(
            "POST", target, headers=list(sent.items()), content=body
        )
        async with request as answer:
            limit.reschedule(None)  # it is answered; the rest has a limit of its own
            await _read_on(answer)
        return _outcome(answer)

    def body_of(self, message: Message) -> bytes:
        """The body of a message: kind, moment, and ids with a link; never a text."""
        data = dict(message.data)
        if message.path is not None:
            data["url"] = self._public_url + message.path
        happened = message.happened_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        told = {"type": message.kind, "timestamp": happened, "data": data}
        return json.dumps(told, separators=(",", ":")).encode()

    def _connections(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=httpx.create_ssl_context(),
                max_connections=None,
                max_keepalive_connections=100,
                keepalive_expiry=20.0,
                network_backend=_Checked(self._private, self._lookups),
            )
        return self._pool


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to an address that was looked up and checked, never to a name.

    A name that is looked up a second time could lead elsewhere then. The certificate is still
    checked against the name, by the layer above.
    """

    def __init__(self, private: bool, lookups: ThreadPoolExecutor) -> None:
        self._private = private
        self._lookups = lookups
        self._real = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await resolve(host, port, self._lookups)
        if not self._private:
            refuse_private(host, found)
        failed: Exception | None = None
        for address in found:
            try:
                return await self._real.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (OSError, httpcore.ConnectError) as exc:
                failed = exc
        raise failed or httpcore.ConnectError("the name has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("messages are not sent to sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _read_on(answer: httpcore.Response) -> None:
    """Read a short answer to its end, so that its connection can be used again.

    What comes after the status changes nothing, nor does it if nothing comes.
    """
    seen = 0
    with suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in answer.aiter_stream():
                seen += len(piece)
                if seen > MAX_ANSWER_BYTES:
                    return


def _outcome(answer: httpcore.Response) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(True, answer.status)
    asked = next((v for k, v in answer.headers if k.lower() == b"retry-after"), None)
    retry_after = seconds_of(None if asked is None else asked.decode("latin-1"), datetime.now(UTC))
    error = f"It answered {answer.status}."
    if 300 <= answer.status < 400:
        error = f"It answered {answer.status}, and redirects are not followed."
    return Outcome(False, answer.status, error, retry_after)


def _words(exc: BaseException) -> str:
    return (str(exc) or type(exc).__name__).rstrip(".")[:300]
