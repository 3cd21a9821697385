"""Recordings made to do harm: lying headers, damaged bytes, other files under an audio name."""

from __future__ import annotations

import io
import resource
import struct
import zipfile
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_recordings import CODECS, encode, long_silence, tone

from llmlabel.audio.decode import open_recording
from llmlabel.errors import AudioTooLong, InvalidAudio

RATE_AT, CHANNELS_AT = 24, 22
"""Where a WAV file says its sample rate and its channels."""


def decoded_seconds(recording: bytes, max_seconds: float = 30) -> float:
    with open_recording(recording, max_seconds=max_seconds, max_bytes=10_000_000) as opened:
        return sum(len(chunk) for chunk in opened.chunks()) / 16_000


@cache
def whole(ending: str) -> bytes:
    return encode(tone(0.6), ending)


@pytest.mark.parametrize("rate", [1, 2, 50, 999, 768_001, 4_000_000, 2**31 - 1])
def test_an_absurd_sample_rate_is_refused_before_anything_is_made_of_it(rate: int) -> None:
    forged = bytearray(whole("wav"))
    forged[RATE_AT : RATE_AT + 4] = struct.pack("<I", rate)
    with pytest.raises((InvalidAudio, AudioTooLong)) as refused:
        decoded_seconds(bytes(forged), max_seconds=1e6)
    assert "1,000 to 768,000" in refused.value.detail


@pytest.mark.parametrize("channels", [33, 64, 255, 65_535])
def test_absurdly_many_channels_are_refused(channels: int) -> None:
    forged = bytearray(whole("wav"))
    forged[CHANNELS_AT : CHANNELS_AT + 2] = struct.pack("<H", channels)
    with pytest.raises(InvalidAudio):
        decoded_seconds(bytes(forged))


def test_a_part_larger_than_the_file_sets_no_memory_aside() -> None:
    forged = bytearray(whole("wav"))
    size_at = forged.find(b"LIST") + 4
    forged[size_at : size_at + 4] = struct.pack("<I", 2**31 - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidAudio):
        decoded_seconds(bytes(forged))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_a_small_file_that_unpacks_to_hours_is_stopped_at_the_limit_it_names() -> None:
    bomb = long_silence(30)
    assert len(bomb) < 400_000
    with pytest.raises(AudioTooLong, match="the limit is 60 s"):
        decoded_seconds(bomb, max_seconds=60)


@pytest.mark.parametrize("kind", ["zip", "html", "playlist", "svg", "elf"])
def test_another_file_under_an_audio_name_is_no_recording(kind: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("call.wav", whole("wav"))
    content = {
        "zip": packed.getvalue(),
        "html": b"<!doctype html><script>alert(1)</script>",
        "playlist": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "elf": b"\x7fELF" + bytes(4000),
    }[kind]
    with pytest.raises(InvalidAudio):
        decoded_seconds(content)


@given(st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_done_to_a_recording_it_is_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(whole(data.draw(st.sampled_from(sorted(CODECS)))))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, min(len(damaged), 400)))
        put = data.draw(
            st.sampled_from([b"\xff\xff\xff\xff", bytes(4), b"\1"]) | st.binary(max_size=9)
        )
        drop = data.draw(st.sampled_from([0, len(put), 60, 10**6]))
        damaged[place : place + drop] = put
    try:
        assert decoded_seconds(bytes(damaged)) <= 31
    except (InvalidAudio, AudioTooLong) as refused:
        assert refused.field == "file"
