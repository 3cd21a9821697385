"""The network goes away under a reviewer: every decision is kept, and sent when it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from heard import until
from playwright.sync_api import expect
from review_service import ReviewService, serving
from seeded import Seeder

DOCUMENTS = 5


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[tuple[ReviewService, str]]:
    """Some short texts, and the address where they are decided."""
    service = ReviewService(tmp_path, kinds=frozenset({"nothing"}))
    seed = Seeder(service.store, service.guidelines)
    for n in range(DOCUMENTS):
        seed.choice(f"d{n}", f"A lamp, number {n}.", {"neutral": 0.7, "positive": 0.3})
    with serving(service) as address:
        yield service, f"{address}/review#/review/sentiment"


def decided(service: ReviewService) -> int:
    return len(service.reviews.page(status="done").items)


def shown(page: Any) -> str:
    return str(page.locator("[data-review]").get_attribute("data-review"))


def confirm(page: Any) -> None:
    """Press Enter and wait for what comes next."""
    before = shown(page)
    page.keyboard.press("Enter")
    page.locator(f'[data-review="{before}"]').wait_for(state="detached")


def test_decisions_made_offline_are_sent_when_the_network_is_back(
    waiting: tuple[ReviewService, str], open_page: Callable[..., Any]
) -> None:
    service, address = waiting
    page = open_page(address)
    shown(page)
    page.context.set_offline(True)
    for _ in range(3):
        confirm(page)
    page.get_by_text("Offline: 3 decisions kept").wait_for()
    assert decided(service) == 0
    page.context.set_offline(False)
    until(lambda: decided(service) == 3, "what was decided offline")
    page.get_by_text("Offline").wait_for(state="detached")
    items = service.reviews.page(status="done").items
    assert {item.verdict.kind for item in items if item.verdict} == {"confirm"}


def test_decisions_made_offline_outlive_the_page(
    waiting: tuple[ReviewService, str], open_page: Callable[..., Any]
) -> None:
    service, address = waiting
    page = open_page(address)
    shown(page)
    page.context.set_offline(True)
    for _ in range(2):
        confirm(page)
    assert decided(service) == 0
    page.goto("about:blank")  # without a network the page itself cannot be loaded again
    page.context.set_offline(False)
    page.goto(address)
    until(lambda: decided(service) == 2, "what was decided before the page went away")
    assert shown(page) not in {item.id for item in service.reviews.page(status="done").items}


def test_decisions_outlive_a_reload_while_the_service_is_away(
    waiting: tuple[ReviewService, str], open_page: Callable[..., Any]
) -> None:
    service, address = waiting
    page = open_page(address)
    shown(page)
    # The page can be loaded and its service cannot be reached.
    page.context.route("**/v1/**", lambda route: route.abort())
    confirm(page)
    page.reload()
    page.get_by_role("heading", name="The service cannot be reached").wait_for()
    expect(page.get_by_role("alert")).to_contain_text("1 decision of yours")
    page.context.unroute("**/v1/**")
    page.get_by_role("button", name="Try again").click()
    until(lambda: decided(service) == 1, "the decision")


def test_an_answer_that_was_lost_on_the_way_decides_nothing_twice(
    waiting: tuple[ReviewService, str], open_page: Callable[..., Any]
) -> None:
    service, address = waiting
    page = open_page(address)
    id = shown(page)
    lost: list[int] = []

    def lose_the_first(route: Any) -> None:
        response = route.fetch()  # the service hears it, the page does not hear the service
        if lost:
            route.fulfill(response=response)
        else:
            lost.append(response.status)
            route.abort()

    page.context.route("**/verdict", lose_the_first)
    confirm(page)
    page.get_by_text("Offline: 1 decision kept").wait_for()
    page.get_by_text("Offline: 1 decision kept").wait_for(state="detached")
    assert lost == [200]
    assert [each.kind for each in service.reviews.history(id)] == ["confirm"]
    assert page.get_by_role("alert").count() == 0


def test_undoing_what_was_not_sent_yet_leaves_no_trace(
    waiting: tuple[ReviewService, str], open_page: Callable[..., Any]
) -> None:
    service, address = waiting
    page = open_page(address)
    first = shown(page)
    page.context.set_offline(True)
    confirm(page)
    second = shown(page)
    confirm(page)
    page.keyboard.press("z")
    page.locator(f'[data-review="{second}"]').wait_for()
    page.context.set_offline(False)
    until(lambda: decided(service) == 1, "the decision that was not taken back")
    assert [item.id for item in service.reviews.page(status="done").items] == [first]
    assert service.reviews.history(second) == []
