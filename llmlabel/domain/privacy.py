"""What of a text may leave this machine."""

from __future__ import annotations

from typing import Literal

Privacy = Literal["open", "redact", "local_only"]
"""`open`: everything may be sent to a model of a provider. `redact`: persons, contacts, numbers
and the like are masked first. `local_only`: nothing is sent; models on this machine only."""

_ORDER: tuple[Privacy, ...] = ("open", "redact", "local_only")


def strictest(*levels: Privacy) -> Privacy:
    """The strictest of them; `open` where there is none."""
    return max(levels, key=_ORDER.index, default="open")
