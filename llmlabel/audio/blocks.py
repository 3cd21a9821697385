"""A long recording as blocks of a few minutes, cut where nobody speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from llmlabel.audio.decode import SAMPLE_RATE, Samples

Stretch = tuple[int, int]
"""First and one past the last sample of a stretch of speech."""

LONGEST_SECONDS = 120.0


@dataclass(frozen=True)
class Block:
    """A piece of a recording that can be transcribed on its own."""

    samples: Samples
    begin_seconds: float
    speech: tuple[Stretch, ...]

    @property
    def seconds(self) -> float:
        """Length of the block."""
        return len(self.samples) / SAMPLE_RATE


def cut_at_silences(
    chunks: Iterable[Samples],
    *,
    longest_seconds: float = LONGEST_SECONDS,
    find_speech: Callable[[Samples], Sequence[Stretch]] | None = None,
) -> Iterator[Block]:
    """Join chunks into blocks no longer than `longest_seconds`, cut in the longest silence.

    The cut lies in the second half of what is held, so a block is never shorter than half the
    limit except the last. Where there is no silence it lies at the quietest moment. No sample is
    lost or repeated: the blocks joined are the chunks joined. At most one block and one chunk
    are in memory.

    Args:
        chunks: Mono samples at 16 kHz, each chunk shorter than half the limit.
        longest_seconds: The limit.
        find_speech: Voice activity detection; Silero's by default.
    """
    find = find_speech or silero_speech
    limit = int(longest_seconds * SAMPLE_RATE)
    held = np.empty(0, dtype=np.float32)
    done = 0
    for chunk in chunks:
        held = np.concatenate([held, chunk])
        while len(held) > limit:
            head = held[:limit]
            speech = find(head)
            cut = _best_cut(head, speech)
            yield _block(held[:cut].copy(), done, speech)
            held, done = held[cut:].copy(), done + cut
    if len(held):
        yield _block(held, done, find(held))


def silero_speech(samples: Samples) -> list[Stretch]:
    """Stretches of speech by the Silero detector that comes with faster-whisper."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # noqa: PLC0415

    options = VadOptions(min_silence_duration_ms=160, speech_pad_ms=0)
    found = get_speech_timestamps(samples, options, sampling_rate=SAMPLE_RATE)
    return [(int(each["start"]), int(each["end"])) for each in found]


def _block(samples: Samples, done: int, speech: Sequence[Stretch]) -> Block:
    inside = tuple((start, min(end, len(samples))) for start, end in speech if start < len(samples))
    return Block(samples, done / SAMPLE_RATE, inside)


def _best_cut(samples: Samples, speech: Sequence[Stretch]) -> int:
    """Middle of the longest silence in the second half; else its quietest moment."""
    half, end = len(samples) // 2, len(samples)
    edges = [0, *(edge for stretch in speech for edge in stretch), end]
    silences = [
        (max(begin, half), stop) for begin, stop in zip(edges[::2], edges[1::2], strict=True)
    ]
    begin, stop = max(silences, key=lambda gap: gap[1] - gap[0])
    if stop - begin > 0:
        return (begin + stop) // 2
    return half + _quietest(samples[half:])


def _quietest(samples: Samples) -> int:
    """Centre of the 100 ms with the least energy; shape (n,), n of at least one window."""
    window = SAMPLE_RATE // 10
    if len(samples) < window:
        return len(samples) // 2
    count = len(samples) // window
    energy = np.square(samples[: count * window].reshape(count, window)).sum(axis=1)
    return int(energy.argmin()) * window + window // 2
