"""Signatures of messages, so that an endpoint knows who sent them and that nobody changed them.

Source: Standard Webhooks 1.0.0, https://www.standardwebhooks.com, symmetric signatures.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32
TOLERANCE_SECONDS = 300


def new_secret() -> str:
    """A fresh secret, as the endpoint's owner keeps it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, id: str, timestamp: int, body: bytes) -> str:
    """One signature of the header `webhook-signature`.

    Args:
        secret: `whsec_` and base64, or base64 alone.
        id: The `webhook-id`.
        timestamp: The `webhook-timestamp`: seconds since 1970, of this attempt.
        body: As it is sent.

    Raises:
        ValueError: The secret is not base64.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as exc:
        raise ValueError("a webhook secret is `whsec_` followed by base64") from exc
    signed = b".".join((id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(known: Sequence[str], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message.

    Args:
        known: The secrets it is signed with; two while one takes the other's place.
        id: Of the message, the same at every attempt.
        timestamp: Of this attempt, in seconds since 1970.
        body: As it is sent.
    """
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(each, id, timestamp, body) for each in known),
    }


def is_signed(secret: str, given: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether a message is signed with this secret and no older than five minutes.

    Args:
        secret: Of the endpoint.
        given: The headers that came, by their names in lower case.
        body: As it came, before anything is read from it.
        now: Seconds since 1970.
    """
    sent = given.get("webhook-timestamp", "")
    if not sent.isascii() or not sent.isdigit() or abs(now - int(sent)) > TOLERANCE_SECONDS:
        return False
    expected = signature(secret, given.get("webhook-id", ""), int(sent), body)
    found = given.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected.encode(), each.encode()) for each in found)
