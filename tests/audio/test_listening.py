from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_recordings import encode, long_silence, noise, tone

from llmlabel.audio.listening import MOST_PEAKS, write_flac, write_peaks
from llmlabel.audio.media_type import media_type_of
from llmlabel.errors import AudioTooLong, InvalidAudio

LIMITS = {"max_seconds": 4 * 3600.0, "max_bytes": 1 << 26}


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("wav", "audio/wav"),
        ("flac", "audio/flac"),
        ("mp3", "audio/mpeg"),
        ("ogg", "audio/ogg"),
        ("m4a", "audio/mp4"),
        ("mp4", "video/mp4"),
        ("webm", "video/webm"),
    ],
)
def test_a_recording_is_known_by_its_first_bytes(ending: str, expected: str) -> None:
    assert media_type_of(encode(tone(0.5), ending)) == expected


@pytest.mark.parametrize("head", [b"", b"\xff", b"<html>", b"RIFF1234CDXA", b"\x00" * 64])
def test_what_is_no_known_recording_has_no_media_type(head: bytes) -> None:
    assert media_type_of(head) == "application/octet-stream"


def test_bare_frames_of_mpeg_and_of_aac_are_told_apart() -> None:
    assert media_type_of(b"\xff\xfb\x90\x64") == "audio/mpeg"
    assert media_type_of(b"\xff\xf1\x50\x80") == "audio/aac"


def test_the_outline_of_hours_stays_small(tmp_path: Path) -> None:
    source, target = tmp_path / "long.flac", tmp_path / "peaks"
    source.write_bytes(long_silence(120))
    write_peaks(source, target, **LIMITS)
    outline = json.loads(target.read_text())
    assert outline["seconds"] == 7200
    assert outline["per_second"] == 10
    assert outline["peaks"] == [0] * MOST_PEAKS


@pytest.mark.parametrize("ending", ["ogg", "mp3", "m4a"])
def test_the_flac_of_a_recording_is_as_long_as_it(tmp_path: Path, ending: str) -> None:
    source, target, peaks = tmp_path / "in", tmp_path / "out.flac", tmp_path / "peaks"
    source.write_bytes(encode(noise(2.0), ending, rate=16_000 if ending != "ogg" else 48_000))
    write_flac(source, target, **LIMITS)
    write_peaks(source, peaks, **LIMITS)
    before = json.loads(peaks.read_text())
    write_peaks(target, peaks, **LIMITS)
    after = json.loads(peaks.read_text())
    assert after["seconds"] == before["seconds"]
    assert after["peaks"] == pytest.approx(before["peaks"], abs=1)


def test_a_recording_beyond_the_limits_has_no_outline(tmp_path: Path) -> None:
    source = tmp_path / "in.wav"
    source.write_bytes(encode(tone(2.0)))
    with pytest.raises(AudioTooLong):
        write_peaks(source, tmp_path / "out", max_seconds=1.0, max_bytes=1 << 20)
    source.write_bytes(b"no sound at all")
    with pytest.raises(InvalidAudio):
        write_flac(source, tmp_path / "out", **LIMITS)
