"""Recordings made on the spot: tones, silence, noise, films, in every container."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

RATE = 16_000

CODECS = {
    "wav": "pcm_s16le",
    "flac": "flac",
    "mp3": "libmp3lame",
    "ogg": "libopus",
    "m4a": "aac",
    "mp4": "aac",
    "webm": "libopus",
}


def tone(seconds: float, *, rate: int = RATE, hertz: float = 440.0) -> np.ndarray:
    """A sine of amplitude 0.3, float32, shape (n,)."""
    at = np.arange(int(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hertz * at)).astype(np.float32)


def encode(
    samples: np.ndarray,
    ending: str = "wav",
    *,
    rate: int = RATE,
    picture: bool = False,
    channels: int = 1,
) -> bytes:
    """A recording of the given container; with `picture`, some frames of video beside it."""
    import av

    layout = "mono" if channels == 1 else "stereo"
    file = io.BytesIO()
    form = {"m4a": "ipod", "mp4": "mp4"}.get(ending, ending)
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(CODECS[ending], rate=rate, layout=layout)
        video = _video(container, av) if picture else None
        whole = (samples * 32767).astype(np.int16).repeat(channels).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout=layout)
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.format.name, layout=layout, rate=rate, frame_size=stream.frame_size or 0
        )
        if video is not None:
            _film(container, video, av)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


def film_without_sound() -> bytes:
    """Half a second of grey pictures in an mp4 without a sound track."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        _film(container, _video(container, av), av)
    return file.getvalue()


def _video(container: Any, av: Any) -> Any:
    stream = container.add_stream("mpeg4", rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    return stream


def _film(container: Any, stream: Any, av: Any) -> None:
    for _ in range(5):
        grey = np.full((64, 64, 3), 128, dtype=np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
    container.mux(stream.encode(None))


def silence(seconds: float) -> np.ndarray:
    """Digital silence, float32, shape (n,)."""
    return np.zeros(int(seconds * RATE), dtype=np.float32)


def noise(seconds: float, loudness: float = 0.1) -> np.ndarray:
    """White noise of the given standard deviation, the same every time."""
    rng = np.random.default_rng(7)
    return rng.normal(0, loudness, int(seconds * RATE)).clip(-1, 1).astype(np.float32)


def zero_seconds() -> bytes:
    """A well-formed WAV file whose sound is zero bytes long."""
    whole = encode(tone(0.1))
    at = whole.find(b"data") + 4
    return whole[:at] + bytes(4)


def long_silence(minutes: int) -> bytes:
    """Silence at 8 kHz, encoded a minute at a time; two hours are about 100 kB of FLAC."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=8000, layout="mono")
        for minute in range(minutes):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 8000 * 60), dtype=np.int16), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = 8000, minute * 8000 * 60
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
