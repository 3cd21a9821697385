from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_recordings import (
    CODECS,
    RATE,
    encode,
    film_without_sound,
    noise,
    silence,
    tone,
    zero_seconds,
)

from llmlabel.audio.decode import Recording, open_recording
from llmlabel.errors import AudioTooLong, InvalidAudio


def decoded(source: bytes | Path, **limits: float) -> tuple[np.ndarray, Recording]:
    with open_recording(
        source,
        max_seconds=limits.get("max_seconds", 60.0),
        max_bytes=int(limits.get("max_bytes", 1 << 24)),
    ) as recording:
        pieces = list(recording.chunks())
    return np.concatenate(pieces), recording


def loudest_hertz(samples: np.ndarray) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


@pytest.mark.parametrize("ending", CODECS)
def test_every_usual_container_gives_the_same_sound(ending: str) -> None:
    samples, recording = decoded(encode(tone(3.0, rate=48_000), ending, rate=48_000))
    assert samples.dtype == np.float32
    assert len(samples) / RATE == pytest.approx(3.0, abs=0.15)
    assert loudest_hertz(samples) == pytest.approx(440, abs=2)
    assert recording.decoded_seconds == len(samples) / RATE
    assert recording.warnings == []


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_any_sample_rate_becomes_16_khz(rate: int) -> None:
    samples, _ = decoded(encode(tone(2.0, rate=rate), rate=rate))
    assert len(samples) / RATE == pytest.approx(2.0, abs=0.01)
    assert loudest_hertz(samples) == pytest.approx(440, abs=2)


def test_a_stereo_recording_is_mixed_to_one_channel() -> None:
    samples, _ = decoded(encode(tone(1.0), "wav", channels=2))
    assert samples.ndim == 1
    assert len(samples) == RATE
    assert loudest_hertz(samples) == pytest.approx(440, abs=2)


def test_a_film_gives_its_sound() -> None:
    samples, recording = decoded(encode(tone(2.0), "mp4", picture=True))
    assert len(samples) / RATE == pytest.approx(2.0, abs=0.15)
    assert recording.warnings == []


def test_a_file_and_its_bytes_give_the_same_samples(tmp_path: Path) -> None:
    content = encode(tone(12.0), "flac")
    path = tmp_path / "tone.flac"
    path.write_bytes(content)
    np.testing.assert_array_equal(decoded(path)[0], decoded(content)[0])


def test_the_ending_of_the_name_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really-a-flac.mp3"
    path.write_bytes(encode(tone(1.0), "flac"))
    assert len(decoded(path)[0]) == RATE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"This is a letter, not a recording.\n" * 40, "not a recording"),
        (b"\x00" * 5000, "not a recording"),
        (encode(tone(1.0), "wav")[:30], "not a recording"),
        (encode(tone(1.0), "flac")[:20], "not a recording"),
        (encode(tone(1.0), "ogg")[:40], "not a recording"),
        (encode(tone(1.0), "m4a")[:40], "not a recording"),
        (encode(tone(1.0), "webm")[:40], "not a recording"),
        (film_without_sound(), "no sound track"),
        (zero_seconds(), "no sound that can be decoded"),
    ],
    ids=[
        "empty", "text", "zeros", "wav header", "flac header", "ogg header", "m4a header",
        "webm header", "silent film", "zero seconds",
    ],
)  # fmt: skip
def test_what_is_not_a_recording_is_refused_in_words(content: bytes, says: str) -> None:
    with pytest.raises(InvalidAudio, match=says) as caught:
        decoded(content)
    assert caught.value.field == "file"


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio, match=r"gone\.wav cannot be opened"):
        decoded(tmp_path / "gone.wav")


def test_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio, match="cannot be opened"):
        decoded(tmp_path)


def test_a_playlist_cannot_make_us_read_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(encode(tone(2.0)))
    for text in (
        f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n",
    ):
        path = tmp_path / "list.m3u8"
        path.write_text(text)
        with pytest.raises(InvalidAudio):
            decoded(path)


def test_too_many_bytes_are_refused_before_decoding() -> None:
    content = encode(tone(1.0))
    with pytest.raises(AudioTooLong, match=f"{len(content):,} bytes, the limit is 1,000"):
        decoded(content, max_bytes=1000)


def test_a_recording_that_declares_too_much_is_refused_at_once() -> None:
    with pytest.raises(AudioTooLong, match="declares 30 s, the limit is 20 s"):
        decoded(encode(silence(30.0), "flac"), max_seconds=20)


def test_a_recording_that_hides_its_length_is_stopped_at_the_limit() -> None:
    raw = bytearray(encode(silence(30.0), "webm", picture=False))
    position = raw.find(b"\x44\x89\x88")  # Duration, eight bytes
    raw[position : position + 3] = b"\xec\x89\x88"  # the same bytes as padding
    with open_recording(bytes(raw), max_seconds=20, max_bytes=1 << 24) as recording:
        heard = 0.0
        with pytest.raises(AudioTooLong, match="is longer, the limit is 20 s"):
            for chunk in recording.chunks():
                heard += len(chunk) / RATE
    assert heard <= 20


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "webm"])
def test_a_recording_cut_off_gives_what_is_there_and_a_warning(ending: str) -> None:
    whole = encode(noise(12.0), ending)
    samples, recording = decoded(whole[: len(whole) // 2])
    assert 3 < len(samples) / RATE < 9
    assert len(recording.warnings) == 1
    assert "cut off" in recording.warnings[0]


@pytest.mark.parametrize("ending", ["flac", "mp3", "ogg", "webm", "m4a"])
def test_a_corrupt_tail_does_not_lose_the_beginning(ending: str) -> None:
    content = bytearray(encode(noise(12.0), ending))
    rng = np.random.default_rng(3)
    # an m4a ends with its index: what is damaged lies before it
    begin, end = len(content) // 2, len(content) - (4000 if ending == "m4a" else 0)
    content[begin:end] = rng.integers(0, 256, end - begin, dtype=np.uint8).tobytes()
    samples, recording = decoded(bytes(content))
    assert len(samples) / RATE > 3
    if ending != "mp3":  # random bytes may well make up valid mp3 frames
        assert recording.warnings


def test_a_wav_from_a_stream_that_knows_no_length_is_whole() -> None:
    content = bytearray(encode(tone(2.0)))
    at = content.find(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    content[4:8] = b"\xff\xff\xff\xff"
    samples, recording = decoded(bytes(content))
    assert len(samples) == 2 * RATE
    assert recording.warnings == []


def test_chunks_are_ten_seconds_each() -> None:
    with open_recording(encode(tone(25.0)), max_seconds=60, max_bytes=1 << 24) as recording:
        lengths = [len(chunk) / RATE for chunk in recording.chunks()]
    assert lengths == [10.0, 10.0, 5.0]
