"""The secret of a key: how it is made, what is kept of it, how it is checked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

PREFIX = "llml_"
"""Every key begins so, which lets scanners of repositories and logs find one that got there."""

_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_KEY = re.compile(r"llml_([a-z2-7]{10})_[A-Za-z0-9_-]{43}")
_LOG_N, _R, _P = 14, 8, 1


class NewSecret(NamedTuple):
    """A key that was just made: `text` goes to its owner, `hash` is kept."""

    id: str
    text: str
    hash: str


def new_secret() -> NewSecret:
    """Make a key of 256 random bits."""
    id = "".join(secrets.choice(_ID_LETTERS) for _ in range(10))
    text = f"{PREFIX}{id}_{secrets.token_urlsafe(32)}"
    return NewSecret(id, text, hashed(text))


def id_in(text: str) -> str | None:
    """The id that a key names; None when it does not have the form of one."""
    match = _KEY.fullmatch(text)
    return match[1] if match else None


def hashed(text: str) -> str:
    """What is kept of a key: its scrypt hash with the parameters and the salt.

    Source: RFC 7914; N = 2^14 takes 16 MiB and some 35 ms, for a secret that no dictionary holds.
    """
    salt = secrets.token_bytes(16)
    digest = _scrypt(text, salt, _LOG_N, _R, _P)
    return f"scrypt:{_LOG_N}:{_R}:{_P}:{_b64(salt)}:{_b64(digest)}"


def matches(text: str, kept: str) -> bool:
    """Whether a hash is of this key; takes as long as `hashed`."""
    _, log_n, r, p, salt, digest = kept.split(":")
    found = _scrypt(text, base64.b64decode(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(digest))


def _scrypt(text: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(text.encode(), salt=salt, n=1 << log_n, r=r, p=p, dklen=32)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
