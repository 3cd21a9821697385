from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_recordings import RATE, encode, noise, silence, tone

from llmlabel.audio import Transcription, WhisperTranscriber, transcript_prediction
from llmlabel.audio.decode import open_recording
from llmlabel.errors import AudioTooLong, InvalidAudio, MissingModel, ModelCorrupt, Unsupported
from llmlabel.guidelines import GuidelineLibrary

ROOT = Path(__file__).parents[2]


def samples_of(path: Path) -> np.ndarray:
    with open_recording(path, max_seconds=60, max_bytes=1 << 24) as recording:
        return np.concatenate(list(recording.chunks()))


def demo_recording() -> bytes:
    return (files("llmlabel") / "demo" / "voicemail.ogg").read_bytes()


@pytest.mark.models
async def test_the_demo_is_understood_with_words_in_their_places(whisper: Any) -> None:
    heard: Transcription = await whisper.transcribe(demo_recording())
    said = heard.text
    for words in ("Anna Keller", "Boston", "third of March", "$128", "Friday"):
        assert words in said
    transcript = heard.transcript
    assert transcript.language == "en"
    assert transcript.language_probability > 0.7
    assert transcript.warnings == ()
    assert transcript.model == "whisper-base int8"
    assert 14 < transcript.duration_seconds < 16
    assert [said[word.start : word.end] for word in transcript.words] == said.split()
    begins = [word.begin_seconds for word in transcript.words]
    assert begins == sorted(begins)
    assert transcript.words[-1].end_seconds <= transcript.duration_seconds + 0.1


@pytest.mark.models
async def test_a_name_is_found_where_it_is_spoken(whisper: Any, shipped: Any) -> None:
    voice = samples_of(shipped("city-names.ogg"))
    late = encode(np.concatenate([silence(20), voice]), "flac")
    first = await whisper.transcribe(shipped("city-names.ogg"), language="en")
    second = await whisper.transcribe(late, language="en")
    assert first.text == second.text
    for word, later in zip(first.transcript.words, second.transcript.words, strict=True):
        assert later.begin_seconds == pytest.approx(word.begin_seconds + 20, abs=0.5)


@pytest.mark.models
@pytest.mark.parametrize("kind", ["silence", "noise", "tone", "shipped silence", "shipped noise"])
async def test_without_speech_the_transcript_is_empty_and_says_so(
    whisper: Any, shipped: Any, kind: str
) -> None:
    sound: bytes | Path = {
        "silence": lambda: encode(silence(8), "ogg"),
        "noise": lambda: encode(noise(8), "mp3"),
        "tone": lambda: encode(tone(8), "flac"),
        "shipped silence": lambda: shipped("silence.ogg"),
        "shipped noise": lambda: shipped("noise.ogg"),
    }[kind]()
    heard = await whisper.transcribe(sound)
    assert heard.text == ""
    assert heard.transcript.words == ()
    assert "transcript is empty" in heard.transcript.warnings[-1]


@pytest.mark.models
async def test_the_suite_is_transcribed_as_its_guideline_asks(whisper: Any) -> None:
    """The easy cases word for word; the shipped guideline and evidence on a real transcript."""
    guideline = GuidelineLibrary([ROOT / "guidelines"]).get("transcription")
    suite = ROOT / "eval" / "suites" / "transcription"
    lines = (suite / "calibration.jsonl").read_text().splitlines()
    cases = {row["id"]: row for row in map(json.loads, lines)}
    for id in ("late-parcel", "two-voices"):
        heard = await whisper.transcribe(suite / cases[id]["file"], language="en")
        assert heard.text == cases[id]["transcript"]
        prediction = transcript_prediction(heard, guideline)
        assert prediction.probability is not None
        assert prediction.probability > 0.5
        assert len(prediction.units) == len(heard.text.split())


@pytest.mark.models
async def test_a_film_and_a_phone_recording_give_the_same_words(whisper: Any, shipped: Any) -> None:
    voice = samples_of(shipped("late-parcel.ogg"))
    texts = [
        (await whisper.transcribe(content, language="en")).text
        for content in (encode(voice, "mp4", picture=True), encode(voice, "m4a"))
    ]
    assert texts == ["My parcel was due on Tuesday and it still has not arrived."] * 2


@pytest.mark.models
async def test_a_recording_cut_off_is_transcribed_as_far_as_it_goes(
    whisper: Any, shipped: Any
) -> None:
    whole = encode(samples_of(shipped("changed-mind.ogg")), "flac")
    heard = await whisper.transcribe(whole[: len(whole) * 2 // 3], language="en")
    assert heard.text.startswith("Please send it to the office")
    assert "cut off" in heard.transcript.warnings[0]


@pytest.mark.models
async def test_several_recordings_at_once_and_progress_on_the_loop(
    whisper: Any, shipped: Any
) -> None:
    seen: list[tuple[float, float]] = []
    alone = await whisper.transcribe(shipped("city-names.ogg"), language="en")
    together = await asyncio.gather(
        *(
            whisper.transcribe(
                shipped("city-names.ogg"),
                language="en",
                progress=lambda done, total: seen.append((done, total)),
            )
            for _ in range(2)
        )
    )
    assert {each.text for each in together} == {alone.text}
    await asyncio.sleep(0)
    assert len(seen) == 2
    assert all(done == pytest.approx(total, abs=0.2) for done, total in seen)


@pytest.mark.models
async def test_bad_recordings_are_refused_before_the_model_hears_them(whisper: Any) -> None:
    for content in (b"", b"not a recording at all, just words", encode(tone(1))[:30]):
        with pytest.raises(InvalidAudio):
            await whisper.transcribe(content)
    with pytest.raises(AudioTooLong):
        await whisper.transcribe(encode(silence(700), "flac"))


@pytest.mark.models
async def test_a_caller_that_gives_up_leaves_the_transcriber_free(
    whisper: Any, shipped: Any
) -> None:
    voice = samples_of(shipped("late-parcel.ogg"))
    hour = encode(np.tile(voice, 150), "flac")
    started = asyncio.Event()
    work = asyncio.create_task(
        whisper.transcribe(hour, language="en", progress=lambda done, total: started.set())
    )
    await started.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    heard = await whisper.transcribe(shipped("late-parcel.ogg"), language="en")
    assert "parcel" in heard.text


@pytest.mark.models
async def test_an_unknown_language_is_refused_with_a_remedy(whisper: Any, shipped: Any) -> None:
    with pytest.raises(Unsupported, match="ISO 639-1 code such as en") as caught:
        await whisper.transcribe(shipped("german.ogg"), language="klingon")
    assert caught.value.field == "language"


@pytest.mark.models
async def test_an_english_model_refuses_other_languages(model_store: Any, shipped: Any) -> None:
    english = WhisperTranscriber(
        model_store.path("whisper-tiny.en"),
        name="whisper-tiny.en",
        workers=1,
        max_seconds=60,
        max_bytes=1 << 20,
    )
    with pytest.raises(Unsupported, match=r"whisper-tiny\.en knows English only"):
        await english.transcribe(shipped("german.ogg"), language="de")
    heard = await english.transcribe(shipped("late-parcel.ogg"), language="en-GB")
    assert "parcel" in heard.text
    assert heard.transcript.language == "en"
    guessed = await english.transcribe(shipped("late-parcel.ogg"))
    assert "knows English only" in guessed.transcript.warnings[-1]
    english.close()


async def test_missing_weights_name_the_command_that_gets_them(tmp_path: Path) -> None:
    transcriber = WhisperTranscriber(
        tmp_path, name="whisper-base", workers=1, max_seconds=60, max_bytes=1 << 20
    )
    with pytest.raises(MissingModel, match="llmlabel models pull whisper-base"):
        await transcriber.transcribe(encode(tone(1)))


async def test_broken_weights_name_the_command_that_checks_them(tmp_path: Path) -> None:
    for name in ("model.bin", "tokenizer.json", "config.json"):
        (tmp_path / name).write_bytes(b"{}")
    transcriber = WhisperTranscriber(
        tmp_path, name="whisper-base", workers=1, max_seconds=60, max_bytes=1 << 20
    )
    with pytest.raises(ModelCorrupt, match="llmlabel models verify whisper-base"):
        await transcriber.transcribe(encode(tone(1)))


@pytest.mark.models
async def test_a_long_recording_is_heard_in_blocks_with_times_of_the_whole(
    whisper: Any, shipped: Any
) -> None:
    voice = samples_of(shipped("late-parcel.ogg"))
    parts = [np.concatenate([silence(60), voice, silence(30)]) for _ in range(3)]
    long = encode(np.concatenate(parts), "flac")
    heard = await whisper.transcribe(long, language="en")
    assert heard.text.count("My parcel was due on Tuesday") == 3
    each = 90 + len(voice) / RATE
    begins = [
        word.begin_seconds
        for word in heard.transcript.words
        if heard.text[word.start : word.end] == "parcel"
    ]
    assert begins == pytest.approx([60 + 0.2, each + 60.2, 2 * each + 60.2], abs=0.6)
