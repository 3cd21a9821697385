"""The chat completions protocol, spoken without a vendor's library: a fraction of its time."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary, ref

from llmlabel import __version__
from llmlabel.llm.vendor import ssl_configuration

if TYPE_CHECKING:
    import aiohttp

PROVIDERS = ("hosted_vllm", "openai")
"""Those that speak it at a base URL. What litellm asks elsewhere, or of OpenAI itself, it asks in
more than one way, by the model."""

_CONNECT_SECONDS = 10.0
_LOOK_SECONDS = 5.0
_THOUGHTS = re.compile(r"<(think|thinking|budget:thinking)>.*?</\1>", re.DOTALL)
_REFUSED = ("content_policy_violation", "violating our usage policy", "safety system")


class AnsweredWithError(Exception):
    """The server answered, and said that it could not; the request is not in it, nor its key."""

    def __init__(self, status: int, headers: Mapping[str, str], body: str) -> None:
        self.status_code = status
        self.headers = dict(headers)
        self.body = body
        self.message = _said(body) or f"HTTP status {status}"
        super().__init__(self.message)


class RefusedByPolicy(AnsweredWithError):
    """It declined for what the request is about."""


class NoConnections(Exception):
    """None can be made with the settings of proxies and certificates; nothing was sent."""


class DirectClient:
    """Connections to one base URL, kept open on every event loop that asks.

    Args:
        provider: One of `PROVIDERS`.
        api_base: The base URL, ending in `/v1` or the like.
        api_key: None takes it from the provider's variable; a server of one's own needs none.
        timeout: Seconds for one request.
    """

    def __init__(self, provider: str, api_base: str, api_key: str | None, timeout: float) -> None:
        self._provider = provider
        path = "/chat/completions"
        base = api_base.rstrip("/")
        self._url = base if base.endswith(path) else base + path
        self._key = api_key
        self._timeout = timeout
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, _Kept] = WeakKeyDictionary()

    async def complete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a chat completion, as the server wrote it.

        Raises:
            AnsweredWithError: It answered with an error.
            NoConnections: Nothing was sent.
            aiohttp.ClientError, TimeoutError: It did not answer.
            ValueError: What it wrote is no JSON.
        """
        session = await self._session()
        async with session.post(
            self._url, data=json.dumps(request), headers=self._headers()
        ) as response:
            body = await response.read()
            if response.status >= 300:
                raise _error(response.status, response.headers, body)
        answer = json.loads(body)
        if not isinstance(answer, dict):
            return {}
        error = answer.get("error")
        if error and not answer.get("choices"):
            code = error.get("code") if isinstance(error, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
            raise _error(status, {}, body)
        return _without_thoughts(answer)

    async def close(self) -> None:
        """Close every connection."""
        for loop, kept in list(self._open.items()):
            if loop is asyncio.get_running_loop():
                kept.task.cancel()
                await asyncio.gather(kept.task, return_exceptions=True)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(kept.task.cancel)

    def _headers(self) -> dict[str, str]:
        key = self._key or os.environ.get(f"{self._provider.upper()}_API_KEY") or "none"
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        organization = os.environ.get("OPENAI_ORGANIZATION")
        if organization and self._provider == "openai":
            headers["OpenAI-Organization"] = organization
        return headers

    async def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        kept = self._open.get(loop)
        if kept is None or kept.task.done():
            kept = self._open[loop] = _Kept(self)
        return await asyncio.shield(kept.session)

    def new_session(self) -> aiohttp.ClientSession:
        """A session for the running event loop."""
        import aiohttp  # noqa: PLC0415
        from yarl import URL  # noqa: PLC0415

        # Its own limit is off: how many calls are under way is for `Limits` to say.
        secure = self._url.startswith("https")
        connector = aiohttp.TCPConnector(limit=0, ssl=ssl_configuration() if secure else True)
        connect = min(_CONNECT_SECONDS, 0.9 * self._timeout)
        proxy = _proxy(self._url)
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=connect),
            headers={"User-Agent": f"llmlabel/{__version__}"},
            proxy=proxy,
            proxy_auth=None if proxy is None else aiohttp.BasicAuth.from_url(URL(proxy)),
        )


def _proxy(url: str) -> str | None:
    """By `HTTPS_PROXY` and its like; looked up once, because aiohttp takes a thread for it."""
    parts = urlsplit(url)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


class _Kept:
    """A session, closed when its client is gone, and at the latest with its event loop."""

    def __init__(self, client: DirectClient) -> None:
        loop = asyncio.get_running_loop()
        self.session: asyncio.Future[aiohttp.ClientSession] = loop.create_future()
        self.task = loop.create_task(_keep(ref(client), self.session))


async def _keep(client: ref[DirectClient], session: asyncio.Future[aiohttp.ClientSession]) -> None:
    owner = client()
    if owner is None:
        return
    try:
        async with owner.new_session() as opened:
            session.set_result(opened)
            del owner
            # The timer is also what keeps this task from being freed before its end.
            while client() is not None:  # noqa: ASYNC110 - nobody tells that it is gone
                await asyncio.sleep(_LOOK_SECONDS)
    except Exception as error:
        if session.done():
            raise
        # Not cancelled: whoever waits would be taken for cancelled as well.
        reason = f"check HTTPS_PROXY, HTTP_PROXY and SSL_CERT_FILE: {error}"
        session.set_exception(NoConnections(reason))
    finally:
        if not session.done():
            session.cancel()


def _error(status: int, headers: Mapping[str, str], body: bytes) -> AnsweredWithError:
    text = body.decode("utf-8", "replace")
    declined = 400 <= status < 500 and any(mark in text for mark in _REFUSED)
    return (RefusedByPolicy if declined else AnsweredWithError)(status, headers, text)


def _said(body: str) -> str:
    """The message in the body of an error; the body itself where it is of another form."""
    try:
        error = json.loads(body)
    except ValueError:
        return body
    for name in ("error", "message", "detail"):
        if isinstance(error, dict) and error.get(name):
            error = error[name]
    return error if isinstance(error, str) else json.dumps(error)


def _without_thoughts(answer: dict[str, Any]) -> dict[str, Any]:
    for choice in answer.get("choices") or ():
        message = choice.get("message") if isinstance(choice, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(message, dict) and isinstance(content, str) and content.startswith("<"):
            message["content"] = _THOUGHTS.sub("", content, count=1)
    return answer
