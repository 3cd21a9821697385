from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.audio import Transcription, heard_under, transcript_prediction
from llmlabel.audio.evidence import no_error_probability
from llmlabel.domain.answer import TranscriptAnswer
from llmlabel.domain.document import Segment, Transcript, Word
from llmlabel.domain.guideline import Guideline, LabelerStep, Policy
from llmlabel.domain.prediction import Outcome
from llmlabel.errors import Unsupported


def guideline(kind: Any = "transcript") -> Guideline:
    return Guideline(
        name="transcription",
        version="1.0.0",
        kind=kind,
        title="Transcription",
        question="Which words are spoken?",
        labelers=(LabelerStep(name="whisper"),),
        policy=Policy(threshold=0.5),
        sha256="0" * 64,
    )


def spoken(*words: tuple[str, float], **other: Any) -> Transcription:
    text, placed = "", []
    for index, (word, probability) in enumerate(words):
        start = len(text) + (1 if text else 0)
        text = f"{text} {word}".strip()
        placed.append(
            Word(
                start=start, end=start + len(word), begin_seconds=index, end_seconds=index + 0.8,
                probability=probability,
            )
        )  # fmt: skip
    segments = (
        Segment(
            start=0, end=len(text), begin_seconds=0, end_seconds=len(words),
            no_speech_probability=0.02, mean_log_probability=-0.3, compression_ratio=1.1,
        ),
    )  # fmt: skip
    fields = {
        "model": "whisper-base int8",
        "language": "en",
        "language_probability": 1.0,
        "duration_seconds": 10.0,
        "speech_seconds": 8.0,
        "segments": segments if text else (),
        "words": tuple(placed),
    } | other
    return Transcription(text, Transcript(**fields), seconds=0.5)


def test_the_answer_is_the_text_with_every_word_as_a_unit() -> None:
    heard = spoken(("Call", 0.9), ("Anna", 0.4), ("Keller.", 0.8))
    prediction = transcript_prediction(heard, guideline())
    assert prediction.outcome is Outcome.ANSWERED
    assert prediction.answer == TranscriptAnswer(text="Call Anna Keller.")
    assert [(unit.label, unit.probability, unit.begin_seconds) for unit in prediction.units] == [
        ("Call", 0.9, 0.0),
        ("Anna", 0.4, 1.0),
        ("Keller.", 0.8, 2.0),
    ]
    assert prediction.evidence["word_probability_min"] == 0.4
    assert prediction.evidence["word_probability_mean"] == pytest.approx(0.288 ** (1 / 3))
    assert prediction.evidence["speech_share"] == 0.8
    assert "1 of 3 words is doubtful: “Anna” at 1.0 s (0.40)" in prediction.detail
    assert prediction.source.labeler == "whisper"
    assert prediction.source.seconds == 0.5


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 19), st.floats(0, 1))
def test_a_surer_word_never_makes_a_transcript_less_sure(
    words: list[float], at: int, better: float
) -> None:
    surer = list(words)
    surer[at % len(words)] = max(better, words[at % len(words)])
    assert 0 <= no_error_probability(words) <= no_error_probability(surer) <= 1


@given(st.lists(st.floats(0, 1), max_size=20), st.floats(0, 1))
def test_one_more_word_never_makes_a_transcript_surer(words: list[float], more: float) -> None:
    assert no_error_probability([*words, more]) <= no_error_probability(words)


def test_a_doubtful_language_lowers_the_probability_and_is_said() -> None:
    words = (("Buenos", 0.9), ("días", 0.9))
    sure = transcript_prediction(spoken(*words), guideline())
    unsure = transcript_prediction(
        spoken(*words, language_probability=0.35, warnings=("The language is doubtful.",)),
        guideline(),
    )
    assert sure.probability is not None
    assert unsure.probability == pytest.approx(sure.probability / 2)
    assert "The language is doubtful." in unsure.detail


def test_silence_is_sure_and_sound_without_words_is_not() -> None:
    silent = transcript_prediction(spoken(speech_seconds=0.0), guideline())
    unheard = transcript_prediction(spoken(speech_seconds=4.0), guideline())
    blink = transcript_prediction(spoken(speech_seconds=0.0, duration_seconds=0.3), guideline())
    assert silent.answer == unheard.answer == TranscriptAnswer(text="")
    assert silent.probability is not None
    assert blink.probability is not None
    assert unheard.probability is not None
    assert silent.probability > blink.probability > unheard.probability


def test_a_guideline_of_another_kind_is_refused() -> None:
    with pytest.raises(Unsupported, match="asks for choice, not for a transcript"):
        transcript_prediction(spoken(("Yes", 0.9)), guideline("choice"))


def test_an_entity_has_the_times_and_the_doubt_of_its_words() -> None:
    heard = spoken(("Call", 0.9), ("Anna", 0.4), ("Keller.", 0.8))
    found = heard_under(heard.transcript, 5, 16)  # "Anna Keller"
    assert found is not None
    assert (found.begin_seconds, found.end_seconds, found.lowest_probability) == (1.0, 2.8, 0.4)
    assert heard_under(heard.transcript, 4, 5) is None
