"""What a log line may say of an error: enough to act on, and nothing of what was labeled."""

from __future__ import annotations

from typing import Any

from llmlabel.errors import (
    BudgetExhausted,
    CacheFull,
    LlmlabelError,
    MissingModel,
    ModelBusy,
    ModelCorrupt,
    ModelUnauthorized,
    ModelUnreachable,
    PriceUnknown,
    StoreUnavailable,
)

# Their words are ours and name machines, models and files. Other errors may quote a document or
# a model's reply.
_PLAIN = (
    BudgetExhausted,
    CacheFull,
    MissingModel,
    ModelBusy,
    ModelCorrupt,
    ModelUnauthorized,
    ModelUnreachable,
    PriceUnknown,
    StoreUnavailable,
)
# What these say is about code and machines. A ValueError, KeyError or the errors of pydantic and
# SQLAlchemy hold the values themselves.
_HARMLESS = (OSError, RuntimeError, TypeError, AttributeError, ImportError, MemoryError)
_LONGEST = 500


def told(error: BaseException) -> dict[str, str]:
    """An error as the fields of a log line: its kind, and its words where they quote nothing."""
    if isinstance(error, LlmlabelError):
        fields = {"error": error.code}
        return fields | {"detail": error.detail[:_LONGEST]} if isinstance(error, _PLAIN) else fields
    fields = {"error": type(error).__name__}
    return fields | {"detail": _message(error)} if isinstance(error, _HARMLESS) else fields


def format_exception(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    """A `structlog` processor: `exc_info` becomes `exception`, without values."""
    exc_info = event.pop("exc_info", None)
    if exc_info is True:
        import sys  # noqa: PLC0415 - only here

        exc_info = sys.exc_info()
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if isinstance(exc_info, BaseException):
        event["exception"] = _trace(exc_info)
    return event


def _trace(error: BaseException) -> str:
    import traceback  # noqa: PLC0415 - only where something broke

    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = "".join(traceback.format_tb(current.__traceback__))
        name = f"{type(current).__module__}.{type(current).__qualname__}"
        words = told(current)
        said = words.get("detail", "(its words may hold what was labeled, so they are left out)")
        parts.append(f"{frames}{name.removeprefix('builtins.')}: {said}")
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return "\n\ncaused\n\n".join(reversed(parts))


def _message(error: BaseException) -> str:
    return str(error)[:_LONGEST]
