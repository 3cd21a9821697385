"""When a message is tried again."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

STEPS = (5.0, 60.0, 5 * 60.0, 30 * 60.0, 2 * 3600.0, 5 * 3600.0, 10 * 3600.0, 24 * 3600.0)
"""The longest waits, in seconds, after the first failed attempt, the second, and so on."""

ATTEMPTS = len(STEPS) + 1
"""After so many a message is dead."""

LONGEST = STEPS[-1]
"""No Retry-After holds a message back for longer."""

PATIENCE_FAILURES = 3
"""So many failures in a row, and the endpoint rests as a whole."""

LONGEST_REST = 15 * 60.0


def wait_after(attempts: int, retry_after: float | None = None) -> float | None:
    """Seconds until the next attempt; None when there is none.

    The wait is drawn from all of its range ("full jitter"), so that messages which failed
    together do not come back together. It is never shorter than what the endpoint asked for.

    Args:
        attempts: Made so far, the failed one included.
        retry_after: Seconds that the endpoint asked for.

    Source: Brooker 2015, "Exponential Backoff And Jitter", AWS Architecture Blog.
    """
    if attempts >= ATTEMPTS:
        return None
    drawn = random.uniform(0, STEPS[max(attempts, 1) - 1])  # noqa: S311 - no secret
    return max(drawn, min(retry_after or 0.0, LONGEST))


def rest_after(failures: int, retry_after: float | None = None) -> float:
    """Seconds for which an endpoint is left alone after so many failures in a row.

    One that is down is then asked a few times an hour, whatever waits for it.
    """
    asked = min(retry_after or 0.0, LONGEST)
    if failures < PATIENCE_FAILURES:
        return asked
    longest = min(LONGEST_REST, 2.0 ** min(failures, 20))
    return max(asked, random.uniform(0, longest))  # noqa: S311 - no secret


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds from now; None where it says nothing."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(0.0, (until - now).total_seconds()), LONGEST)
