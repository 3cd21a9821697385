"""What the queue is given to work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from llmlabel.domain.document import Document, Transcript
from llmlabel.domain.label import Label


class Transcription(Protocol):
    """What a transcriber says of a recording."""

    @property
    def text(self) -> str:
        """What was said; empty if nobody spoke."""
        ...

    @property
    def transcript(self) -> Transcript:
        """Its segments and words."""
        ...


class Beside(Protocol):
    """What else a process does in the background while it works on jobs."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self, timeout: float) -> None:
        """Stop in good order, within so many seconds."""
        ...


LabelBatch = Callable[[Sequence[Document], str], Awaitable[Sequence[Label]]]
Transcribe = Callable[[Path, str | None], Awaitable[Transcription]]
Order = Callable[[Sequence[Document], Sequence[Label], str], Awaitable[Mapping[str, float]]]
