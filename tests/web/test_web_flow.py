"""A reviewer's whole way through the page with nothing but keys; decisions taken back in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from heard import until
from review_service import ReviewService, serving
from seeded import BLIND, Seeder

Waiting = tuple[ReviewService, str]


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Waiting]:
    """Five doubted texts, the surest last, behind one blind one."""
    service = ReviewService(tmp_path, kinds=frozenset({"nothing"}))
    seed = Seeder(service.store, service.guidelines)
    for n in range(5):
        seed.choice(f"d{n}", f"A lamp, number {n}.", {"neutral": 0.5 + n / 10, "mixed": 0.2})
    seed.choice("blind", "A vase.", {"neutral": 0.93, "mixed": 0.07}, **BLIND)
    with serving(service) as address:
        yield service, address


def shown(page: Any) -> str:
    return str(page.locator("[data-review]").get_attribute("data-review"))


def press(page: Any, *keys: str) -> str:
    """Press keys, the last of which decides; returns what was decided."""
    before = shown(page)
    for key in keys:
        page.keyboard.press(key)
    page.locator(f'[data-review="{before}"]').wait_for(state="detached")
    return before


def back(page: Any, id: str) -> None:
    """Take the newest decision back; it is the one on that item."""
    page.keyboard.press("z")
    page.locator(f'[data-review="{id}"]').wait_for()


def verdicts(service: ReviewService) -> dict[str, tuple[str, str | None]]:
    """Of each decided item what was said: the kind and the label."""
    items = service.reviews.page(status="done").items
    return {
        item.id: (item.verdict.kind, getattr(item.verdict.answer, "label", None))
        for item in items
        if item.verdict
    }


def test_decisions_are_taken_back_one_after_the_other(
    waiting: Waiting, open_page: Callable[..., Any]
) -> None:
    service, address = waiting
    page = open_page(f"{address}/review#/review/sentiment")
    first, second, third = press(page, "2"), press(page, "s"), press(page, "4")
    until(lambda: len(verdicts(service)) == 2, "two verdicts")
    for id in (third, second, first):
        back(page, id)
    until(lambda: not verdicts(service), "the end of both verdicts")
    assert press(page, "1") == first
    assert press(page, "3") == second
    until(lambda: len(verdicts(service)) == 2, "two other verdicts")
    assert verdicts(service)[first] == ("correct", "positive")
    told = [(each.kind, each.undone) for each in service.reviews.history(first)]
    assert told == [("correct", True), ("correct", False)]
    skip = service.reviews.history(second)[0]
    assert (skip.kind, skip.undone) == ("skip", True)


def test_decisions_from_before_a_reload_are_taken_back_as_well(
    waiting: Waiting, open_page: Callable[..., Any]
) -> None:
    service, address = waiting
    page = open_page(f"{address}/review#/review/sentiment")
    first, second = press(page, "2"), press(page, "4")
    until(lambda: len(verdicts(service)) == 2, "two verdicts")
    page.reload()
    shown(page)
    back(page, second)
    back(page, first)
    until(lambda: not verdicts(service), "the end of both verdicts")
    page.keyboard.press("z")
    page.get_by_text("There is nothing to take back.").wait_for()


def test_the_whole_way_works_by_keyboard_alone(
    waiting: Waiting, open_page: Callable[..., Any]
) -> None:
    service, address = waiting
    page = open_page(f"{address}/review")
    page.get_by_role("link", name="Review Sentiment").wait_for()
    for _ in range(30):  # Tab until the focus is on the link, as anybody would
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Review Sentiment":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    blind = shown(page)
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("Enter")  # nothing to confirm on a blind item
    page.get_by_text("Give an answer first").wait_for()
    assert press(page, "3") == blind
    confirmed = press(page, "Enter")
    page.keyboard.press("f")
    page.get_by_role("dialog").wait_for()
    page.keyboard.type("What of lamps that are vases?")
    page.keyboard.press("Control+Enter")
    page.get_by_role("dialog").wait_for(state="detached")
    page.keyboard.press("c")
    page.keyboard.type("Not sure at all")
    page.keyboard.press("Enter")
    commented = press(page, "4")
    rejected = shown(page)
    page.keyboard.press("r")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("1")
    page.locator(f'[data-review="{rejected}"]').wait_for(state="detached")
    skipped = press(page, "s")
    press(page, "Enter")
    until(lambda: len(verdicts(service)) == 5, "five verdicts")
    said = verdicts(service)
    assert said[blind] == ("correct", "neutral")
    assert said[confirmed] == ("confirm", "neutral")
    assert said[commented] == ("correct", "mixed")
    assert said[rejected] == ("reject", None)
    assert skipped not in said
    assert service.reviews.history(commented)[0].comment == "Not sure at all"
    assert service.reviews.history(rejected)[0].comment == "No label of the guideline fits."
    assert [flag.comment for flag in service.store.flags.list()] == [
        "What of lamps that are vases?"
    ]
