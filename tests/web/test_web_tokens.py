"""Tokens in a real browser: the doubtful tags by a key each, all of them within reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from heard import until, violations_in_both_schemes
from playwright.sync_api import expect
from seeded import BLIND, Seeder
from units import Desk, reviewing, said

from llmlabel.domain.answer import TokensAnswer

FISH = "They/PRON can/AUX fish/VERB near/ADP that/DET old/ADJ mill/NOUN ./PUNCT"
FISH_TEXT = "They can fish near that old mill ."
EARLY = "Well/INTJ ,/PUNCT she/PRON left/VERB 🍌/SYM ./PUNCT"
EARLY_TEXT = "Well , she left 🍌 ."

Begin = Callable[[Callable[[Seeder], None]], Desk]


@pytest.fixture
def begin(open_page: Callable[[str], Any], tmp_path: Path) -> Iterator[Begin]:
    with ExitStack() as stack:

        def opened(seed: Callable[[Seeder], None]) -> Desk:
            desk = stack.enter_context(reviewing(open_page, tmp_path, "pos", seed))
            desk.page.get_by_role("toolbar", name="Labels").wait_for()
            return desk

        yield opened


def fish(seed: Seeder) -> None:
    seed.tokens("fish", FISH, {"can": ("VERB", 0.55), "fish": ("NOUN", 0.6)})


def blind(seed: Seeder) -> None:
    seed.tokens("blind", EARLY, {}, **BLIND)


def sent(desk: Desk, text: str) -> list[tuple[str, str]]:
    answer = desk.verdict().answer
    assert isinstance(answer, TokensAnswer)
    return said(text, answer.tokens)


def test_tab_walks_only_what_is_in_doubt(begin: Begin) -> None:
    desk = begin(fish)
    desk.reaches("can AUX 55% in doubt, or VERB")
    desk.press("Tab")
    desk.reaches("fish VERB")
    desk.press("Shift+Tab")
    desk.reaches("can AUX")


def test_enter_accepts_each_doubtful_tag_and_the_last_confirms(begin: Begin) -> None:
    desk = begin(fish)
    desk.press("Enter")
    assert desk.undecided()
    desk.press("Enter")
    assert desk.verdict().kind == "confirm"


def test_one_key_takes_the_next_best_tag_and_goes_on(begin: Begin) -> None:
    desk = begin(fish)
    desk.press("0")
    desk.reaches("fish")
    desk.press("Enter", "Enter")
    assert sent(desk, FISH_TEXT)[:3] == [("They", "PRON"), ("can", "VERB"), ("fish", "VERB")]


def test_arrows_reach_every_token(begin: Begin) -> None:
    desk = begin(fish)
    desk.press("Home", "ArrowRight", "ArrowRight", "ArrowRight")
    desk.reaches("near")
    desk.press("3")
    desk.reaches("near ADV")
    desk.press("End")
    desk.reaches(".")
    desk.press("Enter", "Enter", "Enter", "Enter")
    assert sent(desk, FISH_TEXT)[3] == ("near", "ADV")


def test_arrows_go_to_the_line_below_and_back(begin: Begin) -> None:
    desk = begin(lambda seed: seed.tokens("long", " ".join(["word/NOUN"] * 60), {}))

    def place() -> int:
        return int(desk.page.evaluate("document.activeElement.dataset.place ?? -1"))

    desk.press("ArrowDown")
    until(lambda: place() > 3, "the line below")
    desk.press("ArrowUp")
    until(lambda: place() == 0, "the line above")


def test_a_tag_is_found_by_typing_with_the_next_best_first(begin: Begin) -> None:
    desk = begin(fish)
    desk.press("/")
    options = desk.page.get_by_role("option")
    options.first.wait_for()
    expect(options.first).to_contain_text("VERB")
    desk.page.keyboard.type("propn")
    desk.press("Enter", "Enter", "Enter")
    assert sent(desk, FISH_TEXT)[1] == ("can", "PROPN")


def test_undo_within_the_sentence_leaves_the_queue_alone(begin: Begin) -> None:
    desk = begin(fish)
    desk.press("8", "0", "Control+z", "Control+z")
    desk.reaches("can AUX 55% in doubt, or VERB")
    desk.press("Enter", "Enter", "Enter")
    assert desk.verdict().kind == "confirm"


def test_blind_every_token_gets_a_tag_before_anything_is_sent(begin: Begin) -> None:
    desk = begin(blind)
    desk.press("Enter", "Enter")
    assert desk.undecided()
    desk.press("Home", "7", "e", "b", "j", "i")
    desk.press("Enter")
    assert desk.undecided()
    desk.press("e", "Enter")
    assert sent(desk, EARLY_TEXT) == [
        ("Well", "INTJ"),
        (",", "PUNCT"),
        ("she", "PRON"),
        ("left", "VERB"),
        ("🍌", "SYM"),
        (".", "PUNCT"),
    ]


def test_a_tag_taken_back_leaves_nothing_to_send(begin: Begin) -> None:
    desk = begin(blind)
    desk.press("7", "e", "b", "j", "i", "e", "Control+z", "Enter")
    assert desk.undecided()
    desk.press("k", "Enter")
    assert sent(desk, EARLY_TEXT)[-1] == (".", "X")


def test_the_button_says_what_is_left_and_walks_as_enter_does(begin: Begin) -> None:
    desk = begin(fish)
    desk.page.get_by_role("button", name="Accept, 2 left").click()
    desk.reaches("fish VERB")
    desk.page.get_by_role("button", name="Accept and send").click()
    assert desk.verdict().kind == "confirm"


def test_tags_given_before_a_reload_are_there_after_it(begin: Begin) -> None:
    desk = begin(blind)
    desk.press("7", "e", "b")
    desk.page.reload()
    desk.page.get_by_role("button", name="Next, 3 left").wait_for()
    desk.press("j", "i", "e", "Enter")
    assert [label for _, label in sent(desk, EARLY_TEXT)][:3] == ["INTJ", "PUNCT", "PRON"]


@pytest.mark.parametrize("seed", [fish, blind])
def test_axe_finds_nothing(begin: Begin, seed: Callable[[Seeder], None]) -> None:
    assert violations_in_both_schemes(begin(seed).page) == []


def test_a_text_of_thousands_of_tokens_is_edited_like_a_short_one(begin: Begin) -> None:
    tagged = " ".join(f"word{n}/NOUN" for n in range(1500))
    doubts = {"word10": ("VERB", 0.4), "word1400": ("VERB", 0.4)}
    desk = begin(lambda seed: seed.tokens("long", tagged, doubts))
    desk.press("0")
    desk.reaches("word1400")
    desk.press("Enter", "Enter")
    answer = desk.verdict().answer
    assert isinstance(answer, TokensAnswer)
    assert [token.label for token in answer.tokens].count("VERB") == 1
