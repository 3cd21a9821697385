"""How much a key may ask for in a minute, and how often somebody may guess."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from llmlabel.domain.access import AccessKey

MOST_KEPT = 10_000


class Standing(NamedTuple):
    """Where somebody stands under a limit.

    Attributes:
        limit: So many in a minute.
        left: So many at once, now.
        full_in: Seconds until all of it is there again.
        wait: Seconds until what was asked for would be given; 0 when it was.
    """

    limit: int
    left: int
    full_in: int
    wait: float


class Buckets:
    """Counts by name what is taken; a bucket holds a minute's worth and fills steadily.

    It counts in this process alone.

    Args:
        clock: Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[str, tuple[float, float]] = {}  # how much is missing, at what time

    def take(self, who: str, limit: int, n: int = 1) -> Standing:
        """Take something, or learn how long to wait for it.

        Args:
            who: Whose bucket.
            limit: What it holds, from 1 on.
            n: How much; never more than the limit.
        """
        with self._lock:
            now = self._clock()
            missing = self._missing(who, limit, now)
            fits = missing + n <= limit
            if fits:
                self._make_room(now)
                missing += n
                self._taken[who] = (missing, now)
        wait = 0.0 if fits else (missing + n - limit) * 60 / limit
        return Standing(limit, int(limit - missing), math.ceil(missing * 60 / limit), wait)

    def look(self, who: str, limit: int, n: int = 1) -> float:
        """Seconds until so much could be taken; 0 for now."""
        with self._lock:
            missing = self._missing(who, limit, self._clock())
        return max(0.0, (missing + n - limit) * 60 / limit)

    def _missing(self, who: str, limit: int, now: float) -> float:
        missing, at = self._taken.get(who, (0.0, now))
        return max(0.0, missing - (now - at) * limit / 60)

    def _make_room(self, now: float) -> None:
        if len(self._taken) < MOST_KEPT:
            return
        # After a minute every bucket is full again, and a full one need not be remembered.
        self._taken = {who: one for who, one in self._taken.items() if now - one[1] < 60}
        if len(self._taken) >= MOST_KEPT:
            self._taken.clear()


class Limits:
    """What keys may ask for in a minute.

    Args:
        requests: Of a key that has no limit of its own; 0 for none.
        documents: As above, for submitted documents.
    """

    def __init__(self, requests: int = 0, documents: int = 0) -> None:
        self._defaults = {"requests": requests, "documents": documents}
        self._buckets = {"requests": Buckets(), "documents": Buckets()}

    def limit(self, key: AccessKey, what: str) -> int:
        """Of `requests` or `documents`, how many in a minute; 0 for no limit."""
        own = key.requests_per_minute if what == "requests" else key.documents_per_minute
        return self._defaults[what] if own is None else own

    def take(self, key: AccessKey, what: str, n: int = 1) -> Standing | None:
        """Count something, never more than the limit at once; None where there is no limit."""
        limit = self.limit(key, what)
        return self._buckets[what].take(key.id, limit, n) if limit else None


class Attempts:
    """Failed attempts to come in, by the address they came from.

    Args:
        per_minute: After so many, that address waits.
    """

    def __init__(self, per_minute: int = 10) -> None:
        self.per_minute = per_minute
        self._buckets = Buckets()

    def wait(self, address: str) -> float:
        """Seconds for which nothing more is tried for an address; 0 if it may try."""
        return self._buckets.look(_network(address), self.per_minute)

    def failed(self, address: str) -> None:
        """Count a failure."""
        self._buckets.take(_network(address), self.per_minute)


def _network(address: str) -> str:
    """An address; of IPv6 the network of one host, which has 2^64 addresses to try with."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)  # else all of IPv4 would be one network
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.is_loopback:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
