from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.audio.guard import keep_speech, why_invented
from llmlabel.audio.text import HeardSegment, HeardWord, assemble, geometric_mean

letters = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cn")), min_size=1, max_size=8
)
probability = st.floats(0, 1)


def segment(words: list[tuple[str, float]], begin: float = 0.0, **other: float) -> HeardSegment:
    heard = tuple(
        HeardWord(text, begin + i, begin + i + 0.5, p) for i, (text, p) in enumerate(words)
    )
    return HeardSegment(
        text="".join(text for text, _ in words),
        begin_seconds=begin,
        end_seconds=begin + len(words),
        no_speech_probability=other.get("no_speech", 0.01),
        mean_log_probability=other.get("log_probability", -0.2),
        compression_ratio=other.get("compression", 1.2),
        words=heard,
    )


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(["", " ", "  "]), letters, probability), max_size=6),
        max_size=5,
    ),
    st.sampled_from(["en", "ja", "de"]),
)
def test_every_word_stands_where_it_says(
    parts: list[list[tuple[str, str, float]]], language: str
) -> None:
    heard = [segment([(space + word, p) for space, word, p in part]) for part in parts]
    spoken = [word for each in heard for word in each.words]
    text, words, segments = assemble(heard, language)
    assert [text[word.start : word.end] for word in words] == [w.text.strip() for w in spoken]
    assert [word.probability for word in words] == [w.probability for w in spoken]
    assert all(a.end <= b.start for a, b in pairwise(words))
    assert all(a.end <= b.start for a, b in pairwise(segments))
    assert len(segments) == sum(bool(part) for part in parts)
    assert text == text.strip()


def test_offsets_count_code_points_beyond_the_first_plane() -> None:
    text, words, _ = assemble([segment([(" naïve", 0.9), (" 👍🏽", 0.8), (" done.", 0.7)])], "en")
    assert text == "naïve 👍🏽 done."
    assert [(word.start, word.end) for word in words] == [(0, 5), (6, 8), (9, 14)]


def test_segments_are_joined_by_a_space_only_where_the_language_has_spaces() -> None:
    two = [segment([("こんにちは", 0.9)]), segment([("世界", 0.9)])]
    assert assemble(two, "ja")[0] == "こんにちは世界"
    assert assemble(two, "en")[0] == "こんにちは 世界"


def test_a_word_that_its_segment_does_not_hold_is_not_placed() -> None:
    odd = HeardSegment("so it is", 0, 1, 0.0, -0.1, 1.0, (HeardWord(" was", 0, 1, 0.5),))
    text, words, segments = assemble([odd], "en")
    assert text == "so it is"
    assert words == ()
    assert (segments[0].start, segments[0].end) == (0, 8)


def test_nothing_heard_is_an_empty_text() -> None:
    assert assemble([], "en") == ("", (), ())
    assert assemble([segment([("  ", 0.4)])], "en") == ("", (), ())


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=30))
def test_the_geometric_mean_lies_between_the_extremes(values: list[float]) -> None:
    mean = geometric_mean(values)
    assert min(values) * (1 - 1e-9) <= mean <= max(values) * (1 + 1e-9)
    assert math.isclose(mean ** len(values), math.prod(values), rel_tol=1e-6, abs_tol=1e-250)


LOOP = {"compression": 15.5}
MUMBLE = {"log_probability": -1.4}


@pytest.mark.parametrize(
    ("heard", "language", "invented"),
    [
        (segment([(" Thank", 0.9), (" you", 0.9)], no_speech=0.72, **LOOP), 0.55, True),
        (segment([(" You", 0.03)], no_speech=0.67, **MUMBLE), 0.53, True),
        (segment([(" 1-2-3-4", 0.85)], no_speech=0.53, **LOOP), 0.49, True),
        (segment([(" Music", 0.01)], no_speech=0.33, **MUMBLE), 0.55, True),
        (segment([(" Hm", 0.9)], no_speech=0.8), 0.4, True),
        (segment([(" Buenos", 0.9), (" días", 0.9)]), 0.64, False),
        (segment([(" Yes", 0.9)], no_speech=0.7), 0.99, False),
        (segment([(" mumbled", 0.2)], **MUMBLE), 0.99, False),
    ],
)
def test_two_signs_together_show_an_invention(
    heard: HeardSegment, language: float, invented: bool
) -> None:
    assert (why_invented(heard, language) is not None) == invented


def test_what_is_left_out_is_said_with_its_time_and_reason() -> None:
    real = segment([(" Hello", 0.9)], begin=3.0)
    unreal = segment([(" Thank", 0.9), (" you", 0.9)], begin=60.0, no_speech=0.8)
    kept, warnings = keep_speech([real, unreal], 0.5)
    assert kept == [real]
    assert len(warnings) == 1
    assert "60.0-62.0 s" in warnings[0]
    assert "no-speech probability 0.80, language probability 0.50" in warnings[0]


def test_a_loop_in_clear_speech_stays_with_a_warning() -> None:
    loop = segment([(" no", 0.9)] * 40, **LOOP)
    kept, warnings = keep_speech([loop], 0.99)
    assert kept == [loop]
    assert "repeat themselves" in warnings[0]
