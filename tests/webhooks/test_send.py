"""One attempt: where it connects to, whom it trusts, and that nothing ends it but its outcome."""

from __future__ import annotations

import socket
import ssl
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpcore
import pytest
import trustme
from receiver import Receiver

from llmlabel.domain.webhook import Message
from llmlabel.webhooks.send import Sender


def message(url: str, **changes: Any) -> Message:
    fields: dict[str, Any] = {
        "id": "msg_1",
        "webhook_id": "wh_1",
        "url": url,
        "secrets": ("whsec_c2VjcmV0",),
        "kind": "gate.closed",
        "happened_at": datetime(2026, 1, 1, tzinfo=UTC),
        "data": {"guideline": "sentiment@1.0.0"},
    }
    return Message(**fields | changes)


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender(private=True, timeout=20)
    yield sender
    await sender.close()


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Has a name server say something else at every look-up; returns who was asked for."""

    def answer(*addresses: str) -> list[str]:
        asked: list[str] = []

        def look_up(host: str, port: int, **_: Any) -> Any:
            asked.append(host)
            address = addresses[min(len(asked), len(addresses)) - 1]
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return asked

    return answer


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which addresses were connected to; nobody answers there."""
    seen: list[str] = []

    async def refuse(self: Any, host: str, *_: Any, **__: Any) -> Any:
        seen.append(host)
        raise httpcore.ConnectError("nobody is there")

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", refuse)
    return seen


async def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    named: Callable[..., list[str]], connected: list[str]
) -> None:
    asked = named("93.184.215.14", "127.0.0.1")
    sender = Sender()
    first = await sender.send(message("https://rebinding.example/"))
    assert (asked, connected) == (["rebinding.example"], ["93.184.215.14"])
    assert str(first.error).startswith("It cannot be reached")
    second = await sender.send(message("https://rebinding.example/"))
    assert "not an address of the public network" in str(second.error)
    assert connected == ["93.184.215.14"]
    await sender.close()


@pytest.mark.parametrize(
    "address", ["10.1.2.3", "::1", "::ffff:192.168.0.1", "169.254.169.254", "64:ff9b::a00:1"]
)
async def test_a_name_that_leads_inside_is_not_followed(
    named: Callable[..., list[str]], connected: list[str], address: str
) -> None:
    named(address)
    sender = Sender()
    outcome = await sender.send(message("https://inside.example/"))
    assert "not an address of the public network" in str(outcome.error)
    assert connected == []
    await sender.close()


async def test_a_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, sender: Sender
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await sender.send(message(receiver.url))).delivered


async def test_a_name_that_is_not_known_and_a_connection_that_breaks_are_outcomes(
    receiver: Receiver, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    receiver.answer = lambda _: "close"
    outcome = await sender.send(message(receiver.url))
    assert (outcome.delivered, outcome.status) == (False, None)
    assert str(outcome.error).startswith("The connection broke")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    outcome = await sender.send(message("http://nowhere.example/"))
    assert "Name or service not known" in str(outcome.error)


@pytest.mark.parametrize("host", ["a" * 64, "a" * 300 + ".example", "xn--a", "a..example", "*"])
async def test_a_name_that_no_server_can_have_is_an_outcome(host: str, sender: Sender) -> None:
    outcome = await sender.send(message(f"http://{host}/"))
    assert not outcome.delivered
    assert outcome.error


async def test_an_answer_that_breaks_off_after_its_status_counts(
    receiver: Receiver, sender: Sender
) -> None:
    receiver.answer = lambda _: (200, {"Content-Length": "1000"})
    outcome = await sender.send(message(receiver.url))
    assert (outcome.delivered, outcome.status) == (True, 200)


async def test_a_message_that_was_answered_in_time_counts_however_long_the_rest_takes(
    monkeypatch: pytest.MonkeyPatch, endless: str
) -> None:
    monkeypatch.setattr("llmlabel.webhooks.send.BODY_SECONDS", 3.0)
    sender = Sender(private=True, timeout=2.5)
    outcome = await sender.send(message(endless))
    await sender.close()
    assert (outcome.delivered, outcome.status) == (True, 200)
    assert outcome.error is None


@pytest.fixture
def endless() -> Iterator[str]:
    """The URL of a server that begins a body and never ends it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwait")
                done.wait(60)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        done.set()
        thread.join()


async def test_what_is_not_http_is_an_outcome(sender: Sender) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def babble() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"220 mail.example ready\r\n" * 10)
        connection.close()

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    outcome = await sender.send(message(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
    assert str(outcome.error).startswith("The connection broke")
    thread.join()
    listener.close()


@pytest.fixture
def encrypted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Starts an endpoint on loopback with the certificate of a name, from an issuer of its own.

    That issuer is trusted, or one that nobody knows.
    """
    opened: list[socket.socket] = []

    def answer(listener: socket.socket, context: ssl.SSLContext) -> None:
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(65536)
                secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        except OSError:
            connection.close()

    def serve(name: str, *, known: bool) -> str:
        issuer = trustme.CA()
        trusted = tmp_path / f"{uuid.uuid4().hex}.pem"
        (issuer if known else trustme.CA()).cert_pem.write_to_path(str(trusted))
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issuer.issue_cert(name).configure_cert(context)
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)
        threading.Thread(target=answer, args=(listener, context), daemon=True).start()
        return f"https://localhost:{listener.getsockname()[1]}/"

    yield serve
    for each in opened:
        each.close()


async def test_a_certificate_is_checked_against_the_name_not_the_address(
    encrypted: Callable[..., str],
) -> None:
    for name, known, is_good in (
        ("localhost", True, True),
        ("localhost", False, False),
        ("other.example", True, False),
        ("127.0.0.1", True, False),
    ):
        sender = Sender(private=True)
        outcome = await sender.send(message(encrypted(name, known=known)))
        assert outcome.delivered == is_good, outcome
        assert is_good or "CERTIFICATE_VERIFY_FAILED" in str(outcome.error)
        await sender.close()
