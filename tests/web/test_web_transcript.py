"""Transcripts in a real browser: heard where they are in doubt, corrected in place."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import seeds
from heard import LISTEN, frames, place, played, until, violations
from playwright.sync_api import expect
from seeded import Seeder
from units import Desk, reviewing

from llmlabel.domain.answer import TranscriptAnswer

TEXT = "please send two kettles to Anna Berg at Harbour Street"
DOUBTS = {"kettles": 0.41, "Berg": 0.33, "Harbour": 0.56}

Begin = Callable[..., Desk]


@pytest.fixture
def begin(open_page: Callable[[str], Any], tmp_path: Path) -> Iterator[Begin]:
    """Opens the page on a transcript, or on the document's spans."""
    with ExitStack() as stack:

        def opened(seed: Callable[[Seeder], None], guideline: str = "transcription") -> Desk:
            listening = reviewing(open_page, tmp_path, guideline, seed, script=LISTEN)
            return stack.enter_context(listening)

        yield opened


def call(seed: Seeder) -> None:
    seeds.recording(seed, "call", TEXT, DOUBTS, entities=False)


def blind(seed: Seeder) -> None:
    seeds.recording(seed, "blind", "can you hear me", {}, blind=True)


def sent(desk: Desk) -> tuple[str, str]:
    verdict = desk.verdict()
    assert isinstance(verdict.answer, TranscriptAnswer)
    return verdict.kind, verdict.answer.text


def at_word(desk: Desk, word: str) -> None:
    until(lambda: desk.focused().partition(" (")[0] == word, word)


def test_tab_walks_the_doubtful_words(begin: Begin) -> None:
    desk = begin(call)
    at_word(desk, "kettles")
    desk.reaches("kettles (41 percent sure)")
    desk.press("Tab")
    desk.reaches("Berg (33 percent sure)")
    desk.press("Tab")
    desk.reaches("Harbour (56 percent sure)")
    desk.press("Shift+Tab")
    desk.reaches("Berg")


def test_a_doubtful_word_is_played_with_its_neighbours_and_no_further(begin: Begin) -> None:
    desk = begin(call)
    at_word(desk, "kettles")
    until(lambda: len(played(desk.page)) == 2, "the end of what is played first")
    desk.press("Tab")  # Berg is said from 3.4 to 3.78
    until(lambda: len(played(desk.page)) == 4, "the end")
    (begun, begin_at), (ended, end_at) = played(desk.page)[2:]
    assert (begun, begin_at) == ("play", pytest.approx(2.4, abs=0.01))
    assert ended == "pause"
    assert end_at >= 4.48
    # It ends with the first frame in which the page sees that the neighbour is over. The sound
    # runs on between two looks at it in one frame, so a look beside the page's may see it earlier.
    assert sum(at >= 4.48 for at in frames(desk.page)) <= 2
    desk.page.get_by_role("button", name="Play").wait_for()


def test_a_word_is_rewritten_without_leaving_the_keyboard(begin: Begin) -> None:
    desk = begin(call)
    at_word(desk, "kettles")
    desk.press("e")
    desk.page.keyboard.type("rattles")
    desk.press("Enter")
    at_word(desk, "Berg")
    desk.press("e")
    desk.page.keyboard.type("van den Bergh,")
    desk.press("Tab")
    at_word(desk, "Harbour")
    desk.press("Delete", "Enter")
    corrected = "please send two rattles to Anna van den Bergh, at Street"
    assert sent(desk) == ("correct", corrected)


def test_a_word_that_was_put_in_is_heard_between_its_neighbours(begin: Begin) -> None:
    desk = begin(call)
    at_word(desk, "kettles")
    desk.press("e")
    desk.page.keyboard.type("silver kettles")
    desk.press("Enter")
    at_word(desk, "Berg")
    desk.page.get_by_text("silver", exact=True).click()
    # “two” ends at 1.78 and “kettles” begins at 1.9.
    desk.page.get_by_text("“silver”: written by you, at 0:01.7").wait_for()


def test_enter_confirms_a_transcript_that_was_not_changed(begin: Begin) -> None:
    desk = begin(call)
    at_word(desk, "kettles")
    desk.press("e")
    desk.page.keyboard.type("cattle")
    desk.press("Enter")
    at_word(desk, "Berg")
    desk.press("Control+z", "Enter")
    assert sent(desk) == ("confirm", TEXT)


def test_escape_leaves_a_word_as_it_was(begin: Begin) -> None:
    desk = begin(call)
    at_word(desk, "kettles")
    desk.press("e")
    desk.page.keyboard.type("cattle")
    desk.press("Escape")
    at_word(desk, "kettles")
    desk.press("Enter")
    assert sent(desk) == ("confirm", TEXT)


def test_the_whole_text_can_be_written_in(begin: Begin) -> None:
    desk = begin(call)
    at_word(desk, "kettles")
    desk.press("w")
    field = desk.page.get_by_label("The whole text")
    field.fill("Nobody said this.\n")
    field.press("Escape")
    desk.page.locator(".word-written").first.wait_for()
    desk.press("Enter")
    assert sent(desk) == ("correct", "Nobody said this.\n")


def test_keys_play_seek_and_change_the_speed(begin: Begin) -> None:
    desk = begin(call)
    at_word(desk, "kettles")
    page = desk.page
    until(lambda: len(played(page)) == 2, "the end of what is played first")
    before = played(page)[1][1]
    desk.press("ArrowLeft")
    until(lambda: place(page) == pytest.approx(before - 2, abs=0.11), "two seconds back")
    desk.press("ArrowRight")
    until(lambda: place(page) == pytest.approx(before, abs=0.11), "two seconds on")
    desk.press("ArrowLeft", ",", ",")
    speed = page.get_by_label("Speed")
    expect(speed).to_have_value("0.5")  # so slow that it plays on until the next key comes
    desk.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    desk.press("Space")
    page.get_by_role("button", name="Play").wait_for()
    assert [name for name, _ in played(page)[2:]] == ["play", "pause"]
    desk.press(".", ".", ".", ".")
    expect(speed).to_have_value("1.5")
    desk.press(",")
    expect(speed).to_have_value("1.25")


def test_a_blind_reviewer_writes_what_they_hear(begin: Begin) -> None:
    desk = begin(blind)
    field = desk.page.get_by_label("Write what you hear")
    field.wait_for()
    assert "hear me" not in desk.page.inner_text("body")
    desk.page.keyboard.type("can you hear me?")
    desk.press("Alt+k")
    until(lambda: played(desk.page) == [("play", 0)], "the sound")
    assert field.input_value() == "can you hear me?"
    desk.press("Control+Enter")
    assert sent(desk) == ("correct", "can you hear me?")


def test_that_nobody_speaks_is_an_answer(begin: Begin) -> None:
    desk = begin(blind)
    desk.page.get_by_role("button", name="Nobody speaks").click()
    desk.press("Control+Enter")
    assert sent(desk) == ("correct", "")


def test_a_text_that_was_deleted_again_does_not_say_that_nobody_speaks(begin: Begin) -> None:
    desk = begin(blind)
    desk.page.get_by_label("Write what you hear").fill("hello")
    desk.page.get_by_label("Write what you hear").fill("")
    desk.press("Control+Enter")
    desk.page.get_by_text("Give an answer first").wait_for()
    assert desk.undecided()


def aiff(seconds: float) -> bytes:
    """A tone in a kind of file that browsers other than Safari cannot play."""
    wave = 8000 * np.sin(np.arange(int(16_000 * seconds)) / 6)
    with io.BytesIO() as file:
        with av.open(file, "w", format="aiff") as out:
            stream = out.add_stream("pcm_s16be", rate=16_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).reshape(1, -1), "s16", "mono")
            frame.sample_rate = 16_000
            out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return file.getvalue()


def test_what_the_browser_cannot_play_is_played_all_the_same(begin: Begin, tmp_path: Path) -> None:
    def seed(seeder: Seeder) -> None:
        call(seeder)
        (submitted,) = (path for path in (tmp_path / "sound").rglob("*") if path.is_file())
        submitted.write_bytes(aiff(6.0))

    desk = begin(seed)
    at_word(desk, "kettles")
    page = desk.page
    until(lambda: page.locator(".player .number").first.inner_text().endswith("0:06.0"), "the end")
    desk.press("Space")
    until(lambda: place(page) > 0.2, "any sound")
    assert page.get_by_role("alert").count() == 0


def test_a_recording_that_is_gone_is_said_to_be(begin: Begin, tmp_path: Path) -> None:
    def seed(seeder: Seeder) -> None:
        call(seeder)
        for path in (tmp_path / "sound").rglob("*"):
            if path.is_file():
                path.unlink()

    desk = begin(seed)
    alert = desk.page.get_by_role("alert").filter(has_text="recording")
    assert "send the recording again" in alert.inner_text()
    at_word(desk, "kettles")
    desk.press("Enter")
    assert sent(desk) == ("confirm", TEXT)


def test_the_waveform_is_drawn_without_the_sound_being_decoded(begin: Begin) -> None:
    desk = begin(call)
    page = desk.page
    page.locator(".waveform canvas").first.wait_for()
    drawn = """() => { const c = document.querySelector('.waveform > div').shadowRoot
      .querySelector('canvas');
      return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(x => x) }"""
    until(lambda: page.evaluate(drawn), "the waveform")
    fetched = page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    assert any(name.endswith("/recording/peaks") for name in fetched)


def test_spans_of_a_recording_can_be_heard(begin: Begin) -> None:
    def seed(seeder: Seeder) -> None:
        seeds.recording(seeder, "call", f"{TEXT} nine", DOUBTS, entities=True)

    desk = begin(seed, "ner")
    desk.page.get_by_text("Decide by these words").wait_for()
    desk.page.get_by_label("Speed").select_option("0.5")  # it plays on until the next key comes
    desk.page.get_by_role("button", name="Anna Berg 0:02.9").click()
    desk.page.get_by_role("button", name="Pause").wait_for()
    desk.press("Alt+k")
    desk.page.get_by_role("button", name="Play").wait_for()
    (begun, begin_at), (ended, end_at) = played(desk.page)
    assert (begun, begin_at) == ("play", pytest.approx(1.9, abs=0.01))
    assert ended == "pause"
    assert end_at < 4.48  # by the key: it is said until then


@pytest.mark.parametrize("which", [call, blind])
def test_a_transcript_is_accessible(begin: Begin, which: Callable[[Seeder], None]) -> None:
    desk = begin(which)
    desk.page.locator(".waveform canvas").first.wait_for()
    assert violations(desk.page) == []
