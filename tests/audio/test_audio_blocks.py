from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_recordings import RATE, long_silence, noise, silence, tone

from llmlabel.audio.blocks import cut_at_silences, silero_speech
from llmlabel.audio.decode import open_recording


def loud(samples: np.ndarray) -> list[tuple[int, int]]:
    """A simple voice detector for tests: stretches of tenths of a second that are not zero."""
    step = RATE // 10
    found: list[tuple[int, int]] = []
    for begin in range(0, len(samples), step):
        if np.abs(samples[begin : begin + step]).max(initial=0) == 0:
            continue
        end = min(begin + step, len(samples))
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def pieces(samples: np.ndarray, seconds: float = 1.0) -> Iterator[np.ndarray]:
    size = int(seconds * RATE)
    for begin in range(0, len(samples), size):
        yield samples[begin : begin + size]


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.05, 6.0)), min_size=1, max_size=12),
    st.floats(4.0, 12.0),
)
def test_blocks_joined_are_the_recording(parts: list[tuple[bool, float]], longest: float) -> None:
    samples = np.concatenate([tone(s) + 0.01 if speaks else silence(s) for speaks, s in parts])
    blocks = list(cut_at_silences(pieces(samples), longest_seconds=longest, find_speech=loud))
    np.testing.assert_array_equal(np.concatenate([block.samples for block in blocks]), samples)
    at = 0
    for block in blocks:
        assert block.begin_seconds == at / RATE
        assert block.seconds <= longest
        assert all(0 <= start < stop <= len(block.samples) for start, stop in block.speech)
        at += len(block.samples)
    assert all(block.seconds >= longest / 2 - 1 / RATE for block in blocks[:-1])


def test_a_cut_lies_in_the_longest_silence() -> None:
    spoken = [tone(4.0), silence(0.3), tone(3.0), silence(2.0), tone(2.0), silence(0.4), tone(3.0)]
    samples = np.concatenate(spoken)
    blocks = list(cut_at_silences(pieces(samples), longest_seconds=12.0, find_speech=loud))
    assert len(blocks) == 2
    assert 7.3 < blocks[0].seconds < 9.3


def test_without_a_silence_the_cut_lies_at_the_quietest_moment() -> None:
    samples = tone(14.0)
    samples[8 * RATE : 9 * RATE] *= 0.1
    blocks = list(cut_at_silences(pieces(samples), longest_seconds=10.0, find_speech=loud))
    assert 8.0 <= blocks[0].seconds <= 9.0


def test_speech_is_found_only_where_somebody_speaks(shipped) -> None:
    with open_recording(shipped("late-parcel.ogg"), max_seconds=60, max_bytes=1 << 20) as recording:
        voice = np.concatenate(list(recording.chunks()))
    together = np.concatenate([silence(5), voice, silence(5)])
    found = silero_speech(together)
    assert found
    assert found[0][0] / RATE == pytest.approx(5.0, abs=0.6)
    assert 5.0 < found[-1][1] / RATE < 5.3 + len(voice) / RATE
    assert silero_speech(silence(5)) == []
    assert silero_speech(noise(5)) == []


MEASURED = """
import resource, sys
from pathlib import Path
from llmlabel.audio.blocks import cut_at_silences
from llmlabel.audio.decode import open_recording

def run(path):
    with open_recording(Path(path), max_seconds=7300, max_bytes=1 << 26) as recording:
        blocks = cut_at_silences(recording.chunks(), find_speech=lambda samples: [])
        lengths = [block.seconds for block in blocks]
    return sum(lengths), max(lengths), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

short, long = run(sys.argv[1]), run(sys.argv[2])
print(short[0], long[0], long[1], (long[2] - short[2]) / 1024)
"""


def test_two_hours_need_no_more_memory_than_five_minutes(tmp_path: Path) -> None:
    """Decoded, two hours are 460 MB of samples; measured in a process of its own."""
    for minutes in (5, 120):
        (tmp_path / f"{minutes}.flac").write_bytes(long_silence(minutes))
    files = [str(tmp_path / "5.flac"), str(tmp_path / "120.flac")]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *files], capture_output=True, text=True, check=True
    )
    short, long, longest, grown_megabytes = map(float, done.stdout.split())
    assert (short, long) == (300.0, 7200.0)
    assert longest <= 120.0
    assert grown_megabytes < 60
