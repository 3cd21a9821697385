"""The hallucination guard: what a speech model writes when nobody speaks is not a transcript."""

from __future__ import annotations

from collections.abc import Sequence

from llmlabel.audio.text import HeardSegment

SURE_OF_LANGUAGE = 0.7
NO_SPEECH = 0.6
UNLIKELY_WORDS = 0.3
UNLIKELY_TOKENS = -1.0
REPETITIVE = 2.4


def why_invented(segment: HeardSegment, language_probability: float) -> str | None:
    """Why a segment is taken for an invention of the model, or None when it may stand.

    Two signs must meet. A language that the model is sure of protects speech that is merely
    hard to hear; a loop or very unlikely words condemn where the model itself doubts that
    somebody speaks.
    """
    signs = []
    if segment.no_speech_probability > NO_SPEECH:
        signs.append(f"no-speech probability {segment.no_speech_probability:.2f}")
    if language_probability < SURE_OF_LANGUAGE:
        signs.append(f"language probability {language_probability:.2f}")
    if not signs:
        return None
    if segment.compression_ratio > REPETITIVE:
        signs.append("the same words over and over")
    elif segment.mean_word_probability < UNLIKELY_WORDS:
        signs.append(f"mean word probability {segment.mean_word_probability:.2f}")
    elif segment.mean_log_probability < UNLIKELY_TOKENS:
        signs.append(f"mean log-probability {segment.mean_log_probability:.1f}")
    return ", ".join(signs) if len(signs) >= 2 else None


def keep_speech(
    heard: Sequence[HeardSegment], language_probability: float
) -> tuple[list[HeardSegment], list[str]]:
    """The segments that may stand, and warnings about those left out or in a loop."""
    kept: list[HeardSegment] = []
    warnings: list[str] = []
    for segment in heard:
        if not segment.text.strip():
            continue
        where = f"{segment.begin_seconds:.1f}-{segment.end_seconds:.1f} s"
        reason = why_invented(segment, language_probability)
        if reason:
            warnings.append(f"No speech taken down at {where}: {reason}.")
            continue
        if segment.compression_ratio > REPETITIVE:
            warnings.append(f"The words at {where} repeat themselves; the model may have looped.")
        kept.append(segment)
    return kept, warnings
