from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from llmlabel.cli.console import errors


class _Rate(ProgressColumn):
    """Items per second since the start."""

    def render(self, task: Task) -> Text:
        rate = task.completed / task.elapsed if task.elapsed else 0.0
        return Text(f"{rate:,.1f}/s" if rate else "", style="progress.data.speed")


class Bar:
    """A progress bar on the error stream, with rate and time left; silent where no one watches."""

    def __init__(self, what: str, total: int | None, *, show: bool = True) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
            disable=not (show and errors.is_terminal),
        )
        self._task = self._progress.add_task(what, total=total)
        self._began = time.perf_counter()
        self.done = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.perf_counter() - self._began

    def expect(self, total: int) -> None:
        """Say how many items there are, where that was not known at the start."""
        self._progress.update(self._task, total=total)

    def advance(self, items: int) -> None:
        """Say that more items are done."""
        self.done += items
        self._progress.advance(self._task, items)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the bar, whatever happened."""
        self._progress.stop()
