from __future__ import annotations

import hashlib
from typing import Self

from pydantic import Field, JsonValue

from llmlabel.domain.base import Value
from llmlabel.errors import EmptyText, InvalidText, TextTooLong


class Word(Value):
    """One spoken word: where it stands in the transcript's text and when it was said."""

    start: int = Field(description="Offset of its first code point in the document's text.")
    end: int = Field(description="Offset after its last code point.")
    begin_seconds: float
    end_seconds: float
    probability: float = Field(ge=0, le=1)


class Segment(Value):
    """A stretch of speech transcribed in one go."""

    start: int
    end: int
    begin_seconds: float
    end_seconds: float
    no_speech_probability: float = Field(ge=0, le=1)
    mean_log_probability: float
    compression_ratio: float


class Transcript(Value):
    """What was said in a recording; the text itself is the document's text."""

    model: str = Field(description="The Whisper model and compute type that wrote it.")
    language: str = Field(description="ISO 639-1 code, given or detected.")
    language_probability: float = Field(ge=0, le=1, description="1.0 where the language was given.")
    duration_seconds: float
    speech_seconds: float = Field(description="Seconds that voice activity detection kept.")
    work_seconds: float = Field(default=0.0, description="Time the transcription took.")
    segments: tuple[Segment, ...] = ()
    words: tuple[Word, ...] = ()
    warnings: tuple[str, ...] = Field(
        default=(), description="What is doubtful about it, in words."
    )

    def words_under(self, start: int, end: int) -> tuple[Word, ...]:
        """The words that overlap the text from `start` to `end` (code points, end exclusive)."""
        return tuple(word for word in self.words if word.start < end and word.end > start)


class Document(Value):
    """One text to label, byte for byte as it was submitted; offsets count its code points."""

    id: str
    text: str
    text_sha256: str
    language: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    transcript: Transcript | None = None

    @classmethod
    def of_text(
        cls,
        text: str,
        *,
        id: str | None = None,
        language: str | None = None,
        metadata: dict[str, JsonValue] | None = None,
        max_chars: int | None = None,
    ) -> Self:
        """Check a text and make it a document; without an id it gets one from its content.

        Raises:
            EmptyText: Nothing but white space.
            InvalidText: It holds NUL or a lone surrogate.
            TextTooLong: It has more than `max_chars` code points.
        """
        check_text(text, max_chars)
        digest = sha256_of(text)
        return cls(
            id=id or f"d-{digest[:24]}",
            text=text,
            text_sha256=digest,
            language=language,
            metadata=metadata or {},
        )


def sha256_of(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def check_text(text: str, max_chars: int | None = None) -> None:
    """Refuse what no model can label.

    Raises:
        EmptyText: Nothing but white space.
        InvalidText: It holds NUL or a lone surrogate.
        TextTooLong: It has more than `max_chars` code points.
    """
    if not text.strip():
        raise EmptyText(
            "The text is empty or only white space; send at least one word.", field="text"
        )
    if max_chars is not None and len(text) > max_chars:
        raise TextTooLong(
            f"The text has {len(text):,} characters, the limit is {max_chars:,}; "
            "split it into smaller documents or raise LLMLABEL_MAX_TEXT_CHARS.",
            field="text",
        )
    where = text.find("\x00")
    if where >= 0:
        raise InvalidText(
            f"The text holds a NUL character at offset {where}; remove it.", field="text"
        )
    for offset, char in enumerate(text) if not text.isascii() else ():
        if "\ud800" <= char <= "\udfff":
            raise InvalidText(
                f"The text holds a lone surrogate (U+{ord(char):04X}) at offset {offset}; "
                "decode the source as UTF-8 or UTF-16 before sending it.",
                field="text",
            )
