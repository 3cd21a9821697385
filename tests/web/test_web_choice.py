"""Choices in a real browser, by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from heard import until, violations_in_both_schemes
from playwright.sync_api import expect
from seeded import BLIND, Seeder
from units import Desk, reviewing

from llmlabel.domain.answer import ChoiceAnswer

SCORES = {"positive": 0.6, "negative": 0.3, "mixed": 0.06, "neutral": 0.04}

Begin = Callable[..., Desk]


@pytest.fixture
def begin(open_page: Callable[[str], Any], tmp_path: Path) -> Iterator[Begin]:
    """Opens the page on what a seed puts into the queue."""
    with ExitStack() as stack:

        def opened(seed: Callable[[Seeder], None], guideline: str = "sentiment") -> Desk:
            return stack.enter_context(reviewing(open_page, tmp_path, guideline, seed))

        yield opened


def three(seed: Seeder) -> None:
    for n, words in enumerate(("First of all.", "The second one.", "And a third.")):
        seed.choice(f"d{n}", words, SCORES)


def text(desk: Desk) -> str:
    """The text on the screen."""
    return str(desk.page.locator(".document").inner_text())


def shows(desk: Desk, words: str) -> None:
    """Wait until just these words are the text on the screen."""
    expect(desk.page.locator(".document")).to_have_text(words)


def label(desk: Desk, place: int = 0) -> str:
    """What the newest verdict but `place` says."""
    answer = desk.verdicts(place + 1)[place].answer
    assert isinstance(answer, ChoiceAnswer)
    return answer.label


def test_enter_confirms_what_is_proposed(begin: Begin) -> None:
    desk = begin(three)
    desk.press("Enter")
    verdict = desk.verdict()
    assert (verdict.kind, verdict.reviewer, label(desk)) == ("confirm", "ann", "positive")
    assert verdict.seconds is not None
    assert verdict.seconds > 0


def test_a_number_gives_its_label(begin: Begin) -> None:
    desk = begin(three)
    desk.press("2")
    assert (desk.verdict().kind, label(desk)) == ("correct", "negative")


def test_probabilities_and_the_proposal_are_shown(begin: Begin) -> None:
    desk = begin(three)
    proposed = desk.page.get_by_role("button", name="positive")
    expect(proposed).to_have_attribute("aria-pressed", "true")
    expect(proposed).to_contain_text("60%")
    expect(desk.page.get_by_role("button", name="negative")).to_contain_text("30%")


def test_z_brings_one_decision_after_the_other_back(begin: Begin) -> None:
    desk = begin(three)
    texts = [text(desk)]
    for key in ("2", "3"):
        desk.press(key)
        expect(desk.page.locator(".document")).not_to_have_text(texts[-1])
        texts.append(text(desk))
    desk.verdicts(2)
    desk.press("z")
    shows(desk, texts[1])
    desk.press("z")
    shows(desk, texts[0])
    until(desk.undecided, "the service taking both back")
    desk.press("1", "1")
    assert {label(desk, place) for place in range(2)} == {"positive"}


def test_a_decision_may_be_taken_back_before_the_service_has_heard_of_it(begin: Begin) -> None:
    desk = begin(three)
    shown = text(desk)
    desk.press("2", "z", "4")
    until(lambda: label(desk) == "mixed", "the last word")
    desk.press("z")
    shows(desk, shown)


def test_a_skipped_item_goes_to_someone_else(begin: Begin, open_page: Callable[..., Any]) -> None:
    desk = begin(lambda seed: seed.choice("d", "For whom?", SCORES))
    desk.press("s")
    desk.page.get_by_text("1 item that you skipped waits for someone else").wait_for()
    other = open_page(desk.page.url, "ben")
    expect(other.locator(".document")).to_have_text("For whom?")
    other.close(run_before_unload=True)
    until(lambda: desk.service.store.counts().reviews_leased == 0, "the release")
    desk.page.get_by_role("button", name="Look at what you skipped").click()
    shows(desk, "For whom?")


def test_a_rejection_has_a_reason(begin: Begin) -> None:
    desk = begin(three)
    desk.press("r", "3")
    verdict = desk.verdict()
    assert (verdict.kind, verdict.answer) == ("reject", None)
    assert verdict.comment == "It cannot be read or heard."


def test_a_comment_goes_with_the_decision(begin: Begin) -> None:
    desk = begin(three)
    desk.press("c")
    desk.page.keyboard.type("zero irony, rather 2 sides")
    desk.press("Enter", "2")
    assert desk.verdict().comment == "zero irony, rather 2 sides"
    expect(desk.page.get_by_label("Comment, sent with the decision")).to_have_count(0)


def test_a_flag_reaches_the_keepers_of_the_guideline(begin: Begin) -> None:
    desk = begin(three)
    desk.press("f")
    desk.page.keyboard.type("Are prices opinions?")
    desk.page.get_by_label("Which clause?").select_option("SENT-20")
    desk.press("Control+Enter")
    until(lambda: len(desk.service.store.flags.list()) == 1, "the flag")
    flag = desk.service.store.flags.list()[0]
    assert (flag.clause, flag.comment, flag.reviewer) == ("SENT-20", "Are prices opinions?", "ann")
    assert desk.undecided()


def test_the_guideline_marks_what_may_settle_the_item(begin: Begin) -> None:
    detail = "Praise of what went wrong may be irony (SENT-1)."
    desk = begin(lambda seed: seed.choice("d", "Oh, great.", SCORES, detail=detail))
    desk.press("g")
    pane = desk.page.get_by_role("complementary", name="Guideline Sentiment")
    marked = pane.locator(".clause-named")
    expect(marked).to_have_count(1)
    expect(marked).to_contain_text("SENT-1")
    expect(pane.locator(".clause-between")).not_to_have_count(0)
    desk.press("g")
    expect(pane).to_have_count(0)


def test_why_it_is_here_and_what_each_labeler_said_is_told_when_asked(begin: Begin) -> None:
    desk = begin(lambda seed: seed.choice("d", "Well.", SCORES, failed=True))
    desk.page.get_by_text("Why it is here").wait_for()
    expect(desk.page.get_by_text("large-remote")).to_be_hidden()
    desk.page.get_by_text("Why it is here").click()
    expect(desk.page.get_by_text("large-remote")).to_be_visible()
    expect(desk.page.get_by_text("no answer (unreadable)")).to_be_visible()


def test_of_a_blind_item_nothing_is_told_and_enter_does_not_decide_it(begin: Begin) -> None:
    desk = begin(lambda seed: seed.choice("d", "What is it?", SCORES, **BLIND))
    page = desk.page
    assert page.locator("[aria-pressed=true], .choice-bar, .choice-score, details.why").count() == 0
    desk.press("Enter")
    page.get_by_text("Give an answer first").wait_for()
    assert desk.undecided()
    desk.press("1")
    assert (desk.verdict().kind, label(desk)) == ("correct", "positive")


def test_any_of_150_labels_is_found_by_typing(begin: Begin) -> None:
    scores = {"pink_mirror": 0.5, "gold_mirror": 0.4}
    desk = begin(lambda seed: seed.choice("d", "a chair", scores, name="wares"), "wares")
    page = desk.page
    group = page.get_by_role("group", name="Labels")
    expect(group.get_by_role("button")).to_have_count(10)  # nine likeliest, and finding
    expect(group.get_by_role("button").first).to_contain_text("pink_mirror")
    page.keyboard.type("black_ch")
    expect(page.get_by_role("option")).to_have_count(1)
    desk.press("Enter")
    assert label(desk) == "black_chair"


def test_whoever_likes_it_so_picks_first_and_sends_with_enter(begin: Begin) -> None:
    desk = begin(three)
    desk.press("?")
    desk.page.get_by_label("A label’s key decides at once").uncheck()
    desk.press("Escape")
    desk.page.get_by_role("dialog").wait_for(state="detached")
    desk.press("2")
    chosen = desk.page.get_by_role("button", name="negative")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    assert desk.undecided()
    desk.press("Enter")
    assert label(desk) == "negative"


def test_the_help_shows_every_key(begin: Begin) -> None:
    desk = begin(three)
    desk.press("?")
    said = desk.page.get_by_role("dialog", name="Keys").inner_text()
    for words in ("Take the last decision back", "Skip", "Reject", "Flag", "positive", "neutral"):
        assert words in said
    desk.press("Escape")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
def test_everyone_can_use_it(begin: Begin, open_page: Callable[..., Any], width: int) -> None:
    def more_than_one_page_holds(seed: Seeder) -> None:
        for n in range(20):
            seed.choice(f"d{n}", f"A lamp, number {n}.", SCORES)

    desk = begin(more_than_one_page_holds)
    page = open_page(
        desk.page.url, "zoe", viewport={"width": width, "height": 800}, bypass_csp=True
    )
    dialog = page.get_by_role("dialog")
    found = violations_in_both_schemes(page)
    page.keyboard.press("g")
    page.get_by_role("complementary").wait_for()
    found += violations_in_both_schemes(page)
    for key in ("r", "f", "?"):
        page.keyboard.press(key)
        dialog.wait_for()
        found += violations_in_both_schemes(page)
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")
    page.goto(desk.page.url.split("#")[0])
    page.get_by_role("heading", name="What waits for you").wait_for()
    assert found + violations_in_both_schemes(page) == []
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0
