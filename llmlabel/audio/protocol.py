from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from llmlabel.domain.document import Transcript

Progress: TypeAlias = Callable[[float, float], None]
"""Called with the seconds transcribed so far and the seconds there are."""


@dataclass(frozen=True)
class Transcription:
    """A recording as text, and how it was heard; an empty text says that nobody spoke.

    The transcript's offsets count code points of `text`.
    """

    text: str
    transcript: Transcript
    seconds: float = 0.0
    """Time the transcription took."""


class Transcriber(Protocol):
    """Writes down what is said in a recording."""

    async def transcribe(
        self, source: Path | bytes, *, language: str | None = None, progress: Progress | None = None
    ) -> Transcription:
        """Transcribe one recording.

        Args:
            source: A file of any usual container, or its bytes.
            language: ISO 639-1 code; detected without it.
            progress: Called on the event loop's thread.

        Raises:
            AudioTooLong: It is larger or longer than the limit.
            InvalidAudio: It is empty, broken, has no sound or is not a recording.
            Unsupported: The model does not know the language.
            MissingModel: The weights are not on this machine.
        """
        ...
