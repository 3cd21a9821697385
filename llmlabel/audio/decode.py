"""Any recording as a stream of 16 kHz mono samples, never held in memory as a whole."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from llmlabel.audio.headers import claims_too_much, promised_more
from llmlabel.errors import AudioTooLong, InvalidAudio

Samples: TypeAlias = NDArray[np.float32]

SAMPLE_RATE = 16_000
CHUNK_SECONDS = 10.0

RATES = range(1_000, 768_001)
"""Sample rates in Hz that a recording may have. A lower one, as a forged header claims it, would
make gigabytes of samples out of a few bytes."""
MAX_CHANNELS = 32

# Containers that hold one self-contained recording. Playlists and the like (hls, dash, concat)
# are left out on purpose: they would make the decoder open other files or addresses.
CONTAINERS = (
    "wav,w64,rf64,aiff,au,caf,flac,mp3,ogg,mov,mp4,m4a,3gp,matroska,webm,avi,asf,flv,mpeg,mpegts,"
    "aac,ac3,eac3,dts,amr,amrnb,amrwb,ape,wv,tta,voc,sox,gsm"
)


class Recording:
    """An open recording: what it declares, and its sound in chunks.

    `decoded_seconds` and `warnings` grow while `chunks` is read and are complete after it.
    """

    def __init__(self, container: Any, stream: Any, max_seconds: float) -> None:
        self.declared_seconds = _declared_seconds(container, stream)
        self.warnings: list[str] = []
        self._decoded = 0
        self._container = container
        self._stream = stream
        self._max_seconds = max_seconds
        self._unreadable = 0

    @property
    def decoded_seconds(self) -> float:
        """How much sound has been decoded so far."""
        return self._decoded / SAMPLE_RATE

    def chunks(self) -> Iterator[Samples]:
        """The sound as float32 mono samples in [-1, 1] at 16 kHz, ten seconds at a time.

        Raises:
            AudioTooLong: More than the limit was decoded.
            InvalidAudio: Nothing could be decoded.
        """
        size = int(CHUNK_SECONDS * SAMPLE_RATE)
        pending: list[Samples] = []
        held = 0
        for piece in self._resampled():
            self._decoded += len(piece)
            if self.decoded_seconds > self._max_seconds:
                raise _too_long(self._max_seconds)
            pending.append(piece)
            held += len(piece)
            while held >= size:
                joined = np.concatenate(pending)
                yield joined[:size]
                pending, held = [joined[size:]], held - size
        if held:
            yield np.concatenate(pending)
        self._conclude()

    def _resampled(self) -> Iterator[Samples]:
        from av import AudioResampler  # noqa: PLC0415

        resampler, shape = None, None
        for frame in self._frames():
            _check_shape(frame.sample_rate, frame.layout.nb_channels)
            if self.decoded_seconds + frame.samples / frame.sample_rate > self._max_seconds + 1:
                raise _too_long(self._max_seconds)
            if (frame.format.name, frame.layout.name, frame.sample_rate) != shape:
                if resampler is not None:
                    yield from _resampled(resampler, None)
                shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
            frame.pts = None  # broken time stamps do not matter: samples are counted
            assert resampler is not None
            yield from _resampled(resampler, frame)
        if resampler is not None:
            yield from _resampled(resampler, None)

    def _frames(self) -> Iterator[Any]:
        """Decode packet by packet, so that one broken packet costs only itself."""
        from av.error import FFmpegError  # noqa: PLC0415

        packets = iter(self._container.demux(self._stream))
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (FFmpegError, EOFError, OSError, ValueError):
                self._unreadable += 1
                return
            try:
                frames = packet.decode()
            except (FFmpegError, EOFError):
                self._unreadable += 1
                continue
            yield from frames

    def _conclude(self) -> None:
        declared, decoded = self.declared_seconds, self.decoded_seconds
        if decoded == 0.0:
            promise = f" although it declares {declared:.1f} s" if declared else ""
            raise InvalidAudio(
                f"The recording holds no sound that can be decoded{promise}; it is empty or cut "
                "off after its header. Send the complete file.",
                field="file",
            )
        if declared is not None and decoded < declared - max(1.0, 0.05 * declared):
            self.warnings.append(
                f"The file declares {declared:.1f} s but only {decoded:.1f} s could be decoded; "
                "it is cut off or damaged."
            )
        elif self._unreadable:
            self.warnings.append(
                f"{self._unreadable} damaged packets were left out; words may be missing."
            )


@contextmanager
def open_recording(
    source: Path | bytes, *, max_seconds: float, max_bytes: int
) -> Iterator[Recording]:
    """Open a recording of any usual container (wav, flac, mp3, ogg, m4a, mp4, webm, …).

    Args:
        source: The file, or its bytes.
        max_seconds: Longest sound accepted, as declared or as decoded.
        max_bytes: Largest file accepted.

    Raises:
        AudioTooLong: It is larger or declares to be longer than the limit.
        InvalidAudio: It is missing, empty, not a recording, or has no sound track.
    """
    import av  # noqa: PLC0415
    from av.error import FFmpegError  # noqa: PLC0415

    with _bytes_of(source, max_bytes) as file:
        missing = promised_more(file)
        try:
            if claims_too_much(file):
                raise ValueError("a part of it is larger than the file")
            container = av.open(
                file,
                mode="r",
                metadata_errors="ignore",
                options={"format_whitelist": CONTAINERS},
            )
        except (FFmpegError, EOFError, ValueError) as exc:
            raise InvalidAudio(
                f"{_name(source)} is not a recording that can be read (not audio, or its header "
                "is damaged); send wav, flac, mp3, ogg, m4a, mp4 or webm.",
                field="file",
            ) from exc
        with container:
            recording = Recording(container, _sound_track(container, source), max_seconds)
            if (recording.declared_seconds or 0.0) > max_seconds:
                raise _too_long(max_seconds, recording.declared_seconds)
            if missing:
                recording.warnings.append(missing)
            if len(container.streams.audio) > 1:
                recording.warnings.append(
                    f"The file has {len(container.streams.audio)} sound tracks; only the first "
                    "was transcribed."
                )
            yield recording


@contextmanager
def _bytes_of(source: Path | bytes, max_bytes: int) -> Iterator[BinaryIO]:
    """Open the source for reading, never by name: a decoder must not resolve addresses."""
    if isinstance(source, bytes):
        _check_size(len(source), max_bytes, source)
        yield io.BytesIO(source)
        return
    try:
        file = source.open("rb")
    except OSError as exc:
        raise InvalidAudio(
            f"{source} cannot be opened ({exc.strerror}); check the path.", field="file"
        ) from exc
    with file:
        _check_size(source.stat().st_size, max_bytes, source)
        yield file


def _check_size(size: int, max_bytes: int, source: Path | bytes) -> None:
    if size == 0:
        raise InvalidAudio(f"{_name(source)} is empty (0 bytes).", field="file")
    if size > max_bytes:
        raise AudioTooLong(
            f"{_name(source)} has {size:,} bytes, the limit is {max_bytes:,}; split or compress "
            "it, or raise LLMLABEL_MAX_AUDIO_BYTES.",
            field="file",
        )


def _sound_track(container: Any, source: Path | bytes) -> Any:
    if not container.streams.audio:
        what = "has pictures but no sound track" if container.streams.video else "has no sound"
        raise InvalidAudio(f"{_name(source)} {what}; nothing can be transcribed.", field="file")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise InvalidAudio(
            f"The sound of {_name(source)} is in a coding that cannot be decoded; convert it to "
            "wav, flac, mp3 or ogg.",
            field="file",
        )
    return stream


def _declared_seconds(container: Any, stream: Any) -> float | None:
    """How long the file says its sound is.

    A container's own duration counts pictures too, so it is used only where sound is alone.
    """
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None and len(container.streams) == 1:
        return float(container.duration / 1_000_000)
    return None


def _check_shape(rate: int, channels: int) -> None:
    if rate not in RATES or channels > MAX_CHANNELS:
        raise InvalidAudio(
            f"The recording claims {rate:,} samples a second in {channels:,} channels; from "
            f"{RATES[0]:,} to {RATES[-1]:,} in at most {MAX_CHANNELS} channels can be read. Its "
            "header is damaged, or convert it.",
            field="file",
        )


def _resampled(resampler: Any, frame: Any) -> Iterator[Samples]:
    from av.error import FFmpegError  # noqa: PLC0415

    try:
        frames = resampler.resample(frame)
    except (FFmpegError, ValueError) as exc:
        raise InvalidAudio(
            "The sound of the recording cannot be converted; its header is damaged. Convert it to "
            "wav, flac, mp3 or ogg.",
            field="file",
        ) from exc
    for each in frames:
        if each.samples:
            yield each.to_ndarray().reshape(-1).astype(np.float32, copy=False)


def _too_long(limit: float, declared: float | None = None) -> AudioTooLong:
    has = f"declares {declared:,.0f} s" if declared else "is longer"
    return AudioTooLong(
        f"The recording {has}, the limit is {limit:,.0f} s; split it, or raise "
        "LLMLABEL_MAX_AUDIO_SECONDS.",
        field="file",
    )


def _name(source: Path | bytes) -> str:
    return source.name if isinstance(source, Path) else "The recording"
