"""Browser sessions: a key is exchanged for a cookie that ends by itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from llmlabel.access.keys import FRESH_SECONDS
from llmlabel.domain.access import AccessKey
from llmlabel.store.access_keys import AccessSessions, SessionRow

MOST_REMEMBERED = 10_000


class Session(NamedTuple):
    """A browser session that was just begun.

    Attributes:
        token: What the cookie holds; kept nowhere but there.
        csrf: What every change has to say besides; another site cannot know it.
        expires_at: When it ends.
    """

    token: str
    csrf: str
    expires_at: datetime


class Sessions:
    """The browser sessions of a service.

    Args:
        rows: Where they are kept.
        clock: Tells the time.
        hours: How long one lasts, whatever is done in it.
    """

    def __init__(
        self, rows: AccessSessions, clock: Callable[[], datetime], hours: float = 12.0
    ) -> None:
        self._rows = rows
        self._clock = clock
        self._lasts = timedelta(hours=hours)
        self._seen: dict[str, tuple[SessionRow | None, float]] = {}

    def begin(self, key: AccessKey) -> Session:
        """Begin one; it ends no later than its key."""
        token = secrets.token_urlsafe(32)
        ends = self._clock() + self._lasts
        if key.expires_at is not None:
            ends = min(ends, key.expires_at)
        self._rows.add(token_hash(token), key.id, ends)
        return Session(token, csrf_of(token), ends)

    def remembered(self, token_sha256: str) -> tuple[SessionRow | None, bool]:
        """What was known of a token within the last second, and whether anything was."""
        row, at = self._seen.get(token_sha256, (None, None))
        if at is None or time.monotonic() - at >= FRESH_SECONDS:
            return None, False
        return (row if row is not None and row.expires_at > self._clock() else None), True

    def find(self, token_sha256: str) -> SessionRow | None:
        """The session of a token; None when there is none, or it is over."""
        row = self._rows.find(token_sha256)
        if len(self._seen) >= MOST_REMEMBERED:
            self._seen.clear()
        if row is not None:  # what is made up is not remembered, however much of it comes
            self._seen[token_sha256] = (row, time.monotonic())
        else:
            self._seen.pop(token_sha256, None)
        return row

    def end(self, token_sha256: str) -> None:
        """End one: here at once, in other processes within a second."""
        self._rows.end(token_sha256)
        self._seen.pop(token_sha256, None)


def token_hash(token: str) -> str:
    """What is kept of a token; it has 256 random bits, so that a fast hash tells nothing of it."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def csrf_of(token: str) -> str:
    """What pages of this service know of a token, and no other site: a hash that goes with it."""
    digest = hmac.digest(token.encode(errors="surrogatepass"), b"llmlabel csrf", "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
