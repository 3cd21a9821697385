"""Spans in a real browser: only what is in doubt has to be decided, by keyboard or mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from heard import until, violations_in_both_schemes
from seeded import BLIND, Seeder
from units import Desk, reviewing, said

from llmlabel.domain.answer import Span, SpansAnswer

PAPER = "Charles Dickens wrote to the Times in London in June 1833."
NESTED = "The University of New South Wales beat Bank of America by 12 points."
MIXED = "👩🏽‍🚀 Zoe\u0308 flew to São Paulo 🇧🇷 with Rene\u0301e 👨‍👩‍👧 on 3 May"
ARABIC = "سافر محمد علي إلى London يوم الاثنين مع شركة Siemens."

Begin = Callable[..., Desk]


@pytest.fixture
def begin(open_page: Callable[..., Any], tmp_path: Path) -> Iterator[Begin]:
    with ExitStack() as stack:

        def opened(seed: Callable[[Seeder], None], **browser: Any) -> Desk:
            desk = stack.enter_context(reviewing(open_page, tmp_path, "ner", seed, **browser))
            desk.page.get_by_role("toolbar", name="Labels").wait_for()
            return desk

        yield opened


def paper(seed: Seeder) -> None:
    seed.spans(
        "paper",
        PAPER,
        [
            ("Charles Dickens", "PERSON", 0.97),
            ("Times", "WORK", 0.41),
            ("London", "LOCATION", 0.95),
            ("June 1833", "DATE", 0.58),
        ],
        alternatives={"Times": "ORGANIZATION"},
        left_out=[("the Times", "ORGANIZATION", 0.38)],
    )


def nested(seed: Seeder) -> None:
    seed.spans(
        "nested",
        NESTED,
        [
            ("University of New South Wales", "ORGANIZATION", 0.91),
            ("New South Wales", "LOCATION", 0.62),
            ("Bank of America", "ORGANIZATION", 0.88),
            ("America", "LOCATION", 0.45),
        ],
    )


def mixed(seed: Seeder) -> None:
    seed.spans("mixed", MIXED, [("São Paulo", "LOCATION", 0.94), ("Rene\u0301e", "PERSON", 0.52)])


def arabic(seed: Seeder) -> None:
    seed.spans("arabic", ARABIC, [("London", "LOCATION", 0.66)], language="ar")


def blind(seed: Seeder) -> None:
    seed.spans("blind", "Marie Curie taught in Paris.", [("Marie Curie", "PERSON", 0.96)], **BLIND)


def sent(desk: Desk, text: str) -> list[tuple[str, str]]:
    answer = desk.verdict().answer
    assert isinstance(answer, SpansAnswer)
    return said(text, answer.spans)


def test_tab_walks_only_what_is_in_doubt(begin: Begin) -> None:
    desk = begin(paper)
    desk.reaches("Times: WORK,")
    desk.press("Tab")
    desk.reaches("the Times: ORGANIZATION,")
    desk.press("Tab")
    desk.reaches("June 1833: DATE,")
    desk.press("Shift+Tab")
    desk.reaches("the Times")


def test_all_spans_are_walked_where_none_is_in_doubt(begin: Begin) -> None:
    desk = begin(
        lambda seed: seed.spans(
            "sure", PAPER, [("Charles Dickens", "PERSON", 1.0), ("London", "LOCATION", 1.0)]
        )
    )
    desk.press("Tab")
    desk.reaches("Charles Dickens")
    desk.press("Tab")
    desk.reaches("London")


def test_enter_accepts_each_doubtful_span_and_the_last_confirms(begin: Begin) -> None:
    desk = begin(paper)
    desk.press("Enter", "Enter")
    assert desk.undecided()
    desk.press("Enter")
    assert desk.verdict().kind == "confirm"


def test_keys_correct_one_span_and_leave_the_others(begin: Begin) -> None:
    desk = begin(paper)
    desk.press("0", "Alt+ArrowLeft", "Enter", "7", "Shift+ArrowLeft", "Enter")
    assert desk.verdict().kind == "correct"
    assert sent(desk, PAPER) == [
        ("Charles Dickens", "PERSON"),
        ("the Times", "ORGANIZATION"),
        ("London", "LOCATION"),
        ("June", "DATE"),
    ]


def test_the_next_text_is_begun_without_a_mouse(begin: Begin) -> None:
    def two(seed: Seeder) -> None:
        seed.spans("one", "London, again.", [("London", "PERSON", 0.5)])
        seed.spans("two", "Paris, again.", [("Paris", "PERSON", 0.5)])

    desk = begin(two)
    desk.press("3", "Enter", "3", "Enter")
    assert [verdict.answer for verdict in desk.verdicts(2)] == [
        SpansAnswer(spans=(Span(start=0, end=end, label="LOCATION"),)) for end in (5, 6)
    ]


def test_one_key_puts_a_candidate_into_the_answer(begin: Begin) -> None:
    desk = begin(paper)
    desk.press("Delete", "Enter", "Space", "Enter", "Enter", "Enter")
    assert ("the Times", "ORGANIZATION") in sent(desk, PAPER)
    assert ("Times", "WORK") not in sent(desk, PAPER)


def test_undo_within_the_text_leaves_the_queue_alone(begin: Begin) -> None:
    desk = begin(paper)
    desk.press("Delete", "5", "Control+z", "Control+z", "Control+Shift+z", "Control+z")
    desk.reaches("Times: WORK, 41 percent, in doubt")
    desk.press("Enter", "Enter", "Enter", "Enter")
    assert desk.verdict().kind == "confirm"


def test_what_was_sent_comes_back_as_it_was_sent(begin: Begin) -> None:
    desk = begin(lambda seed: seed.spans("one", "London, again.", [("London", "PERSON", 0.5)]))
    desk.press("3", "Enter")
    desk.verdict()
    desk.press("z")
    desk.reaches("London: LOCATION, decided")
    until(desk.undecided, "the undo")
    desk.press("4", "Enter")
    assert sent(desk, "London, again.") == [("London", "PRODUCT")]


def test_words_are_selected_and_labeled_by_keyboard_alone(begin: Begin) -> None:
    desk = begin(blind)
    desk.press("ArrowRight", "Shift+ArrowRight")
    desk.selects("Marie Curie")
    desk.press("1", "ArrowRight", "ArrowRight", "ArrowRight")
    desk.selects("Paris")
    desk.press("3", "Enter")
    assert sent(desk, "Marie Curie taught in Paris.") == [
        ("Marie Curie", "PERSON"),
        ("Paris", "LOCATION"),
    ]


def test_a_sloppy_selection_by_mouse_becomes_whole_words(begin: Begin) -> None:
    desk = begin(blind)
    desk.select("Marie Curie taught", 2, 9)
    desk.page.get_by_text("A label’s key makes it a span").wait_for()
    desk.press("1", "Enter")
    assert sent(desk, "Marie Curie taught in Paris.") == [("Marie Curie", "PERSON")]


def test_a_label_is_found_by_typing(begin: Begin) -> None:
    desk = begin(blind)
    desk.press("End", "ArrowLeft", "/")
    desk.page.get_by_role("combobox").wait_for()
    desk.page.keyboard.type("loc")
    desk.press("Enter", "Enter")
    assert sent(desk, "Marie Curie taught in Paris.") == [("Paris", "LOCATION")]


def test_that_there_are_no_spans_is_said_twice(begin: Begin) -> None:
    desk = begin(blind)
    desk.press("Enter")
    desk.page.get_by_text("Enter sends that there are none").first.wait_for()
    assert desk.undecided()
    desk.press("Enter")
    assert sent(desk, "Marie Curie taught in Paris.") == []


def test_without_a_keyboard_it_can_be_said_that_there_are_none(begin: Begin) -> None:
    desk = begin(blind)
    desk.page.get_by_role("button", name="There are none").click()
    desk.page.get_by_role("button", name="Send").click()
    assert sent(desk, "Marie Curie taught in Paris.") == []


def test_emoji_and_accents_stay_whole_and_offsets_count_code_points(begin: Begin) -> None:
    desk = begin(mixed)
    desk.press(",", "Enter")
    assert sent(desk, MIXED)[1] == ("Rene\u0301", "PERSON")


def test_an_emoji_of_many_code_points_is_one_word(begin: Begin) -> None:
    desk = begin(mixed)
    desk.press("Shift+ArrowRight", "Home", "8", "Enter")
    assert sent(desk, MIXED) == [
        ("👩🏽‍🚀", "MONEY"),
        ("São Paulo", "LOCATION"),
        ("Rene\u0301e 👨‍👩‍👧", "PERSON"),
    ]


def test_the_left_arrow_goes_on_from_right_to_left(begin: Begin) -> None:
    desk = begin(arabic)
    desk.press("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowRight", "Enter")
    assert sent(desk, ARABIC) == [("London يوم", "LOCATION")]


def test_a_span_within_another_has_a_line_of_its_own(begin: Begin) -> None:
    desk = begin(nested)
    drawn = desk.page.locator("[data-from]", has_text="New South Wales")
    assert drawn.evaluate("it => it.style.background.match(/linear-gradient/g).length") == 2
    desk.press("Delete", "Enter", "Enter", "Enter")
    assert [words for words, _ in sent(desk, NESTED)] == [
        "University of New South Wales",
        "Bank of America",
        "America",
    ]


def test_space_goes_from_a_selected_word_to_the_span_over_it(begin: Begin) -> None:
    desk = begin(nested)
    desk.press("Home", "ArrowRight", "Space")
    desk.reaches("University of New South Wales")
    desk.press("Alt+ArrowDown")
    desk.reaches("America")


def test_a_finger_can_do_what_keys_do(begin: Begin) -> None:
    desk = begin(paper)
    desk.page.get_by_role("button", name="Accept").click()
    desk.page.get_by_role("button", name="Put in").click()
    desk.page.get_by_role("toolbar").get_by_role("button", name="ORGANIZATION").click()
    desk.press("Enter", "Enter", "Enter")
    assert ("the Times", "ORGANIZATION") in sent(desk, PAPER)


def test_the_button_says_what_is_left_and_walks_as_enter_does(begin: Begin) -> None:
    desk = begin(paper)
    for words in ("Accept, 3 left", "Leave out, 2 left"):
        desk.page.get_by_role("button", name=words).click()
    assert desk.undecided()
    desk.page.get_by_role("button", name="Accept and send").click()
    assert desk.verdict().kind == "confirm"


def test_a_finger_moves_borders_word_by_word(begin: Begin) -> None:
    desk = begin(paper, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    desk.page.get_by_role("button", name="Start one word back").tap()
    desk.page.get_by_role("button", name="End one word on").tap()
    desk.page.get_by_role("button", name="End one word back").tap()
    desk.press("Enter", "Enter", "Enter", "Enter")
    assert ("the Times", "WORK") in sent(desk, PAPER)


def test_the_least_sure_span_stands_out_where_none_is_in_doubt_by_itself(begin: Begin) -> None:
    desk = begin(
        lambda seed: seed.spans(
            "unsure", PAPER, [("Charles Dickens", "PERSON", 0.92), ("London", "LOCATION", 0.86)]
        )
    )
    desk.reaches("London: LOCATION, 86 percent, in doubt")
    desk.press("Enter")
    assert desk.verdict().kind == "confirm"


@pytest.mark.parametrize("seed", [paper, nested, arabic, blind])
def test_axe_finds_nothing(begin: Begin, seed: Callable[[Seeder], None]) -> None:
    assert violations_in_both_schemes(begin(seed).page) == []


def test_a_long_text_with_many_spans_is_edited_like_a_short_one(begin: Begin) -> None:
    names = [f"Amara{n} Osei{n}" for n in range(300)]
    text = " ".join(f"{name} went to the harbour again and wrote 😀 about it;" for name in names)
    found = [(name, "PERSON", 0.5 if n % 100 == 0 else 0.99) for n, name in enumerate(names)]
    assert len(text) > 18_000
    desk = begin(lambda seed: seed.spans("long", text, found))
    desk.press("Enter", "Enter", "Shift+ArrowRight", "Enter")
    answer = sent(desk, text)
    assert len(answer) == 300
    assert answer[200] == ("Amara200 Osei200 went", "PERSON")
