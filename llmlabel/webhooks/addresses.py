"""Which addresses may be connected to: nothing that only this machine or its network can reach."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

from llmlabel.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL = 2000

MAX_HOST = 253

_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")

_CLOSED: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carriers' own; also the metadata of a cloud
        "168.63.129.16/32",  # a cloud's host, under a public address
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
_TRANSLATED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "::ffff:0:0:0/96")))
_COMPATIBLE: Final = ipaddress.ip_network("::/96")


class ForbiddenAddress(InvalidInput):
    """The endpoint lies where this service must not send requests."""

    title = "Forbidden address"


def is_public(address: Address) -> bool:
    """Whether an address is one of the public network, and of nothing that leads elsewhere.

    An IPv4 address inside an IPv6 one (mapped, compatible, 6to4, translated) is judged by itself.
    """
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _CLOSED)
    )


def checked_url(url: str, *, private: bool) -> str:
    """The URL in its normal form, if messages may be sent there as far as it alone tells.

    Args:
        url: Of an endpoint.
        private: Whether http and addresses of the own network are allowed.

    Raises:
        InvalidInput: It is no usable URL.
        ForbiddenAddress: It names an address that is not public.
    """
    import httpx  # noqa: PLC0415 - with the command line none of it is loaded

    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as exc:
        raise InvalidInput(f"The address is not a URL ({exc}).", field="url") from exc
    allowed = ("https", "http") if private else ("https",)
    if parsed.scheme not in allowed or not parsed.host:
        raise InvalidInput(
            "The address must begin with https:// and name a host"
            + ("." if private else "; http is allowed with LLMLABEL_WEBHOOKS_PRIVATE=true only."),
            field="url",
        )
    host = parsed.raw_host.decode("ascii")
    literal = _literal(host)
    if literal is None and (len(host) > MAX_HOST or not _NAME.fullmatch(host)):
        raise InvalidInput(
            f"`{host[:200]}` is no name that a host can have; letters, digits, hyphens and dots "
            "make one.",
            field="url",
        )
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise InvalidInput("The address names a port that there is not.", field="url")
    if parsed.userinfo or parsed.fragment:
        raise InvalidInput(
            "The address must hold neither a user nor a fragment; messages are signed instead.",
            field="url",
        )
    if len(str(parsed)) > MAX_URL:
        raise InvalidInput(f"The address has more than {MAX_URL} characters.", field="url")
    if literal is not None and not private:
        refuse_private(host, [literal])
    return str(parsed)


def refuse_private(host: str, found: Sequence[Address]) -> None:
    """Refuse a host if any of its addresses is not public.

    Raises:
        ForbiddenAddress: One is not; a name that has both kinds is not trusted with either.
    """
    for address in found:
        if not is_public(address):
            raise ForbiddenAddress(
                f"`{host[:200]}` is {address}, which is not an address of the public network; "
                "LLMLABEL_WEBHOOKS_PRIVATE=true allows such endpoints.",
                field="url",
            )


async def resolve(host: str, port: int, lookups: Executor) -> list[Address]:
    """Every address of a host.

    Raises:
        OSError: There is none.
    """
    literal = _literal(host)
    if literal is not None:
        return [literal]
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(
        lookups, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    # Each address once, in the order in which the system would try them.
    return [ipaddress.ip_address(text) for text in dict.fromkeys(str(each[4][0]) for each in found)]


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in each for each in _TRANSLATED) or (
        address in _COMPATIBLE and int(address) > 1
    ):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None
