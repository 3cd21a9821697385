"""What a player needs of a recording besides its bytes: an outline, and a form it can play."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from llmlabel.audio.decode import SAMPLE_RATE, open_recording

PER_SECOND = 50
MOST_PEAKS = 72_000
LOUDEST = 99


def write_peaks(source: Path, target: Path, *, max_seconds: float, max_bytes: int) -> None:
    """Write how loud a recording is from moment to moment, as JSON, for a drawing of it.

    `{"seconds", "per_second", "peaks"}`: the loudest sample of each of `per_second` equal parts
    of a second, 0 to 99, where 99 is full scale. 50 a second; fewer where that would be more
    than 72,000 (24 minutes), so that two hours are 72,000 numbers at 10 a second. Decodes
    the whole recording, ten seconds in memory at a time.

    Raises:
        InvalidAudio, AudioTooLong: As `open_recording`.
    """
    size = SAMPLE_RATE // PER_SECOND
    found = []
    with open_recording(source, max_seconds=max_seconds, max_bytes=max_bytes) as recording:
        for chunk in recording.chunks():
            found.append(_loudest(np.abs(chunk), size))
        seconds = recording.decoded_seconds
    peaks = np.concatenate(found)
    together = -(-len(peaks) // MOST_PEAKS)
    peaks = np.minimum(np.rint(_loudest(peaks, together) * LOUDEST), LOUDEST).astype(int)
    outline = {
        "seconds": round(seconds, 3),
        "per_second": PER_SECOND / together,
        "peaks": peaks.tolist(),
    }
    target.write_text(json.dumps(outline, separators=(",", ":")))


def write_flac(source: Path, target: Path, *, max_seconds: float, max_bytes: int) -> None:
    """Write a recording as mono FLAC at 16 kHz, which every browser plays and seeks in.

    Loses what lies above 8 kHz and nothing else. Two hours are about 100 MB of speech.

    Raises:
        InvalidAudio, AudioTooLong: As `open_recording`.
    """
    import av  # noqa: PLC0415

    with (
        open_recording(source, max_seconds=max_seconds, max_bytes=max_bytes) as recording,
        av.open(str(target), "w", format="flac") as container,
    ):
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        resampler = av.AudioResampler(
            format="s16", layout="mono", rate=SAMPLE_RATE, frame_size=4096
        )
        at = 0
        for chunk in recording.chunks():
            whole = np.rint(np.clip(chunk, -1, 1) * 32_767).astype(np.int16).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, at
            at += len(chunk)
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def _loudest(levels: np.ndarray, together: int) -> np.ndarray:
    """The greatest of every `together` neighbours; the last group may be smaller."""
    if together == 1:
        return levels
    return np.maximum.reduceat(levels, np.arange(0, len(levels), together))
