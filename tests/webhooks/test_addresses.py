"""No message leaves for what only this machine or its network can reach."""

from __future__ import annotations

import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.errors import InvalidInput
from llmlabel.webhooks.addresses import ForbiddenAddress, checked_url, is_public, resolve

CLOSED = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "::ffff:0:10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:1::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
]
OPEN = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_that_is_not_public_is_known_for_it(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_a_public_address_is_open(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_no_more_public_for_being_written_as_ipv6(
    address: ipaddress.IPv4Address,
) -> None:
    number = int(address)
    written = [
        ipaddress.IPv6Address(f"::ffff:{address}"),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    assert {is_public(each) for each in written} == {is_public(address)}


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/",
        "ftp://a.example/",
        "https:///nothing",
        "a.example",
        "",
        "https://user:word@a.example/",
        "https://a.example/#part",
        "https://a.example/" + "x" * 3000,
        "https://a.example:99999/",
        "https://[::1/",
        "https://a\n.example/",
        "HTTPS://[",
        "https://a%41.example/",
        "https://a..example/",
        "https://" + "a." * 130 + "example/",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_the_field(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_url(url, private=False)
    assert refused.value.field == "url"


@given(st.text() | st.from_regex(r"https://\S+", fullmatch=True), st.booleans())
def test_any_text_is_a_url_or_refused(text: str, private: bool) -> None:
    try:
        url = checked_url(text, private=private)
    except InvalidInput:
        return
    assert checked_url(url, private=private) == url


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "169.254.169.254", "[::ffff:10.0.0.1]"])
def test_a_url_of_a_private_address_is_refused_unless_allowed(host: str) -> None:
    with pytest.raises(ForbiddenAddress, match="LLMLABEL_WEBHOOKS_PRIVATE"):
        checked_url(f"https://{host}/hook", private=False)
    assert checked_url(f"http://{host}/hook", private=True)


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.0.0.1", "017700000001"])
async def test_other_ways_to_write_loopback_are_resolved_before_they_are_judged(host: str) -> None:
    with ThreadPoolExecutor(1) as lookups:
        found = await resolve(host, 443, lookups)
    assert found
    assert not any(is_public(address) for address in found)


async def test_every_address_of_a_name_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: Any, **__: Any) -> Any:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 443)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with ThreadPoolExecutor(1) as lookups:
        found = await resolve("two.example", 443, lookups)
    assert [str(each) for each in found] == ["1.1.1.1", "10.0.0.1"]
