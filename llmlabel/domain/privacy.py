"""What of a text may leave this machine, and what of a setting may be shown."""

from __future__ import annotations

import re
from typing import Literal

Privacy = Literal["open", "redact", "local_only"]
"""`open`: everything may be sent to a model of a provider. `redact`: persons, contacts, numbers
and the like are masked first. `local_only`: nothing is sent; models on this machine only."""

_ORDER: tuple[Privacy, ...] = ("open", "redact", "local_only")


def strictest(*levels: Privacy) -> Privacy:
    """The strictest of them; `open` where there is none."""
    return max(levels, key=_ORDER.index, default="open")


_IN_ADDRESS = re.compile(r"(?<=://)([^/?#\s:@]*:)?[^/?#\s]*@")
_IN_QUERY = re.compile(r"(?i)([?&][\w-]*(?:password|passwd|secret|token|key)=)[^&#\s]+")


def without_secrets(words: str) -> str:
    """The words with `***` for what names or lets somebody in within an address.

    `postgresql://ada:pw@host/db` is shown as `postgresql://ada:***@host/db`, and
    `model@https://token@host` as `model@https://***@host`.
    """
    hidden = _IN_ADDRESS.sub(lambda found: f"{found[1] or ''}***@", words)
    return _IN_QUERY.sub(r"\1***", hidden)
