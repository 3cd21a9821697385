"""Every view and every kind of task: no violation that axe-core finds, and room on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from heard import violations_in_both_schemes
from review_service import ReviewService, serving
from seeded import Seeder

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.review import Filter

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
VIEWS = {
    "queues": ("#/", ".queue"),
    "choice": ("#/review/sentiment", "[data-review]"),
    "blind choice": ("#/review/sentiment?kind=blind", "[data-review]"),
    "many labels": ("#/review/wares", "[data-review]"),
    "spans": ("#/review/ner?language=en", "[data-review]"),
    "spans from right to left": ("#/review/ner?language=ar", "[data-review]"),
    "tokens": ("#/review/pos", "[data-review]"),
    "transcript": ("#/review/transcription", "[data-review] .player"),
    "adjudication": ("#/adjudication", "[data-review]"),
    "nothing left": ("#/review/intent?language=xx", ".quiet-card"),
    "quality": ("#/dashboard", "main h1"),
    "quality of one": ("#/dashboard/sentiment@1.0.0", "main h1"),
}


LEASE_SECONDS = 300.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, page_built: None) -> ReviewService:
    """A service with items of every kind, one of which waits for an adjudicator."""
    folder = tmp_path_factory.mktemp("service")
    service = ReviewService(folder, choices=30, lease_seconds=LEASE_SECONDS)
    seed = Seeder(service.store, service.guidelines)
    scores = {"praise": 0.6, "complaint": 0.4}
    seed.choice("split", "Well, thanks a lot.", scores, name="intent", reviewers=2)
    for reviewer, label in (("beatrix", "praise"), ("casimir", "complaint")):
        (item,) = service.reviews.take(reviewer, 1, Filter(guideline="intent", kind="blind"))
        answer = ChoiceAnswer(label=label)
        service.reviews.verdict(
            item.id, token=item.token, kind="correct", reviewer=reviewer, answer=answer
        )
    return service


@pytest.fixture(scope="module")
def served(service: ReviewService) -> Iterator[str]:
    with serving(service) as address:
        yield address


@pytest.fixture
def address(service: ReviewService, served: str) -> str:
    """Where it is; what pages of other tests held is free again."""
    service.pass_seconds(LEASE_SECONDS + 1)
    return served


def wait_for(page: Any, landmark: str) -> None:
    page.locator(landmark).first.wait_for()
    page.locator(".loading").first.wait_for(state="detached")


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(view: str, address: str, open_page: Callable[..., Any]) -> None:
    place, landmark = VIEWS[view]
    page = open_page(f"{address}/review{place}", reduced_motion="reduce", bypass_csp=True)
    wait_for(page, landmark)
    assert violations_in_both_schemes(page) == []


@pytest.mark.parametrize("key", ["?", "f", "r", "g"])
def test_axe_finds_nothing_in_what_a_key_opens(
    key: str, address: str, open_page: Callable[..., Any]
) -> None:
    page = open_page(
        f"{address}/review#/review/sentiment", reduced_motion="reduce", bypass_csp=True
    )
    wait_for(page, "[data-review]")
    page.keyboard.press(key)
    page.get_by_role("complementary" if key == "g" else "dialog").first.wait_for()
    assert violations_in_both_schemes(page) == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_phone_needs_no_sideways_scrolling(
    view: str, address: str, open_page: Callable[..., Any]
) -> None:
    place, landmark = VIEWS[view]
    page = open_page(f"{address}/review{place}", **PHONE)
    wait_for(page, landmark)
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], f"{widths[0]} px of content in a window of {widths[1]}"


def test_the_form_that_asks_for_a_name_is_accessible(address: str, browser: Any) -> None:
    page = browser.new_page(bypass_csp=True)
    page.goto(f"{address}/review")
    page.get_by_label("Your name").wait_for()
    assert violations_in_both_schemes(page) == []
    page.close()
