"""A clock that moves only when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Stands still until seconds pass."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_seconds(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
