"""What is this machine: the only one that is answered while there are no keys."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own, whoever is asked about names."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def asks_loopback(host: str) -> bool:
    """Whether a `Host` header names this machine.

    A page of another site can have its own name lead here, and read the answers as its own (DNS
    rebinding); the name it asks for is then what tells it from people of this machine.
    """
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
