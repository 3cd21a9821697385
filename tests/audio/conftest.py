"""Base Whisper once for all tests, and the shipped recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUITE = Path(__file__).parents[2] / "eval" / "suites" / "transcription"


@pytest.fixture(scope="session")
def whisper(model_store: Any) -> Any:
    from llmlabel.audio.whisper import WhisperTranscriber

    transcriber = WhisperTranscriber(
        model_store.path("whisper-base"),
        name="whisper-base",
        workers=2,
        max_seconds=600,
        max_bytes=1 << 26,
        block_seconds=30,
    )
    yield transcriber
    transcriber.close()


@pytest.fixture
def shipped() -> Callable[[str], Path]:
    """The path of a recording of the transcription suite by its file name."""
    return lambda name: SUITE / "files" / name
