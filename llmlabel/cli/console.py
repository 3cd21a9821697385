"""Where the command line writes, and how it says that something went wrong."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.markup import escape

from llmlabel.errors import LlmlabelError

console: Final = Console()
"""Results, on the standard output."""

errors: Final = Console(stderr=True)
"""Errors and progress, on the standard error, so that results can be piped."""

FAILED = 1


def fail(error: LlmlabelError) -> int:
    """Print an error with its remedy as one red line; returns the exit code.

    What was typed wrong (a name that does not exist, a file that cannot be read) and what failed
    both end with 1; only the command line's own grammar ends with 2.
    """
    errors.print(
        f"[bold red]{error.title}:[/] {escape(error.detail)}", highlight=False, soft_wrap=True
    )
    return FAILED


def warn(about: str) -> None:
    """Print what may be a mistake, and hinders nothing, as one yellow line."""
    errors.print(f"[bold yellow]Note:[/] {escape(about)}", highlight=False, soft_wrap=True)
