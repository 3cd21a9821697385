"""Numbers and sentences as the command line says them."""

from __future__ import annotations

from llmlabel.cli.console import console


def say(text: str) -> None:
    """Print a sentence as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def counted(n: int, what: str) -> str:
    """`1 label`, `2,000 labels`."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def duration(seconds: float | None) -> str:
    """`4.5 s`, `12 min`, `3.2 h`; a dash where it is not known."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def share(value: float | None) -> str:
    """`2.5%`; a dash where it is not known."""
    return "–" if value is None else f"{value:.1%}"
