"""From what the model heard, piece by piece, to one text whose words know their places."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from llmlabel.domain.document import Segment, Word

WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages written without spaces between words."""


@dataclass(frozen=True)
class HeardWord:
    """A word as the model gives it, white space around it included."""

    text: str
    begin_seconds: float
    end_seconds: float
    probability: float


@dataclass(frozen=True)
class HeardSegment:
    """A segment as the model gives it; times count from the recording's beginning."""

    text: str
    begin_seconds: float
    end_seconds: float
    no_speech_probability: float
    mean_log_probability: float
    compression_ratio: float
    words: tuple[HeardWord, ...] = ()

    @property
    def mean_word_probability(self) -> float:
        """Geometric mean; falls back on the mean log-probability of the tokens."""
        return geometric_mean([word.probability for word in self.words]) or math.exp(
            min(0.0, self.mean_log_probability)
        )


def geometric_mean(probabilities: list[float]) -> float:
    """The geometric mean, 0.0 of nothing. A zero counts as one in a million."""
    if not probabilities:
        return 0.0
    logs = [math.log(max(each, 1e-6)) for each in probabilities]
    return math.exp(math.fsum(logs) / len(logs))


def assemble(
    heard: Iterable[HeardSegment], language: str
) -> tuple[str, tuple[Word, ...], tuple[Segment, ...]]:
    """Join segments to a text, with the code-point offsets of each word and segment in it.

    For every word, `text[word.start:word.end]` is the word without the white space around it.
    A word that its segment's text does not hold at its turn has no place and is left out of the
    words; the text keeps whatever the segment says.
    """
    separator = "" if language in WITHOUT_SPACES else " "
    parts: list[str] = []
    words: list[Word] = []
    segments: list[Segment] = []
    length = 0
    for each in heard:
        text = each.text.strip()
        if not text:
            continue
        if parts:
            parts.append(separator)
            length += len(separator)
        words.extend(_placed(each, text, length))
        segments.append(
            Segment(
                start=length,
                end=length + len(text),
                begin_seconds=each.begin_seconds,
                end_seconds=each.end_seconds,
                no_speech_probability=_unit(each.no_speech_probability),
                mean_log_probability=each.mean_log_probability,
                compression_ratio=each.compression_ratio,
            )
        )
        parts.append(text)
        length += len(text)
    return "".join(parts), tuple(words), tuple(segments)


def _placed(segment: HeardSegment, text: str, offset: int) -> Iterable[Word]:
    at = 0
    for word in segment.words:
        bare = word.text.strip()
        found = text.find(bare, at) if bare else -1
        if found < 0:
            continue
        at = found + len(bare)
        yield Word(
            start=offset + found,
            end=offset + at,
            begin_seconds=word.begin_seconds,
            end_seconds=max(word.begin_seconds, word.end_seconds),
            probability=_unit(word.probability),
        )


def _unit(value: float) -> float:
    return 0.0 if math.isnan(value) else min(1.0, max(0.0, value))
