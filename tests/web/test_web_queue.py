"""The queue in a real browser: several reviewers, leases that end, a network that goes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from heard import as_time_passes, until
from playwright.sync_api import expect
from review_service import ReviewService, serving
from seeded import Seeder

from llmlabel.domain.answer import ChoiceAnswer

SCORES = {"positive": 0.6, "negative": 0.3, "mixed": 0.06, "neutral": 0.04}
COUNT = 30
LEASE_SECONDS = 300.0

Open = Callable[..., Any]


@pytest.fixture
def service(tmp_path: Path) -> ReviewService:
    service = ReviewService(tmp_path, kinds=frozenset({"nothing"}), lease_seconds=LEASE_SECONDS)
    seed = Seeder(service.store, service.guidelines)
    for n in range(COUNT):
        seed.choice(f"d{n:02}", f"Text number {n}.", SCORES)
    return service


@pytest.fixture
def address(service: ReviewService) -> Iterator[str]:
    with serving(service) as address:
        yield f"{address}/review#/review/sentiment"


def shown(page: Any) -> str:
    """The id of the review on the screen."""
    return str(page.locator("[data-review]").get_attribute("data-review"))


def decisions(service: ReviewService) -> dict[str, str]:
    """Who said what of each decided review."""
    done = service.reviews.page(status="done", limit=100).items
    return {
        item.id: f"{item.verdict.reviewer}: {_label(item.verdict.answer)}"
        for item in done
        if item.verdict is not None
    }


def _label(answer: object) -> str:
    return answer.label if isinstance(answer, ChoiceAnswer) else "-"


def kept(page: Any) -> int:
    """Decisions that the browser keeps until they are sent."""
    keys = page.evaluate("Object.keys(localStorage)")
    return sum(key.startswith("llmlabel.outbox:") for key in keys)


def test_two_reviewers_never_decide_the_same_item(
    service: ReviewService, address: str, open_page: Open
) -> None:
    pages = [open_page(address, name) for name in ("ann", "ben")]
    seen: list[set[str]] = [set(), set()]
    for _ in range(COUNT // 2 - 2):
        for page, mine in zip(pages, seen, strict=True):
            mine.add(shown(page))
            page.keyboard.press("Enter")
    assert not seen[0] & seen[1]
    until(lambda: len(decisions(service)) == len(seen[0] | seen[1]), "every decision")
    found = decisions(service)
    assert all(found[id].startswith("ann") for id in seen[0])
    assert all(found[id].startswith("ben") for id in seen[1])
    assert all(page.locator(".refused").count() == 0 for page in pages)


def test_decisions_made_offline_are_kept_and_sent_later(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address)
    ids = []
    page.context.set_offline(True)
    for key in ("1", "2"):
        ids.append(shown(page))
        page.keyboard.press(key)
    page.get_by_text("Offline: 2 decisions kept").wait_for()
    assert decisions(service) == {}
    page.context.set_offline(False)
    until(lambda: len(decisions(service)) == 2, "the decisions")
    assert decisions(service) == {ids[0]: "ann: positive", ids[1]: "ann: negative"}
    until(lambda: kept(page) == 0, "the outbox being empty")
    expect(page.get_by_text("Offline")).to_have_count(0)


def test_they_outlive_a_reload(service: ReviewService, address: str, open_page: Open) -> None:
    page = open_page(address)
    page.route("**/v1/reviews/*/verdict", lambda route: route.abort())
    first = shown(page)
    page.keyboard.press("2")
    until(lambda: kept(page) == 1, "the outbox")
    page.unroute("**/v1/reviews/*/verdict")
    page.reload()
    page.locator("[data-review]").wait_for()
    until(lambda: len(decisions(service)) == 1, "the decision")
    assert decisions(service) == {first: "ann: negative"}


def test_a_decision_that_came_too_late_is_refused_in_words_that_name_the_winner(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address)
    page.context.set_offline(True)
    first = shown(page)
    page.keyboard.press("2")
    page.get_by_text("Offline: 1 decision kept").wait_for()
    service.pass_seconds(LEASE_SECONDS + 1)
    taken = service.reviews.take_one(first, "ben")
    service.reviews.verdict(first, token=taken.token, kind="confirm", reviewer="ben")
    page.context.set_offline(False)
    refused = page.locator(".refused")
    expect(refused).to_contain_text("you answered negative")
    expect(refused).to_contain_text("ben decided it first: positive")
    page.reload()
    page.locator("[data-review]").wait_for()
    expect(refused).to_have_count(1)
    refused.get_by_role("button", name="Understood").click()
    expect(refused).to_have_count(0)
    assert decisions(service) == {first: "ben: positive"}


def test_an_item_in_hand_stays_in_hand_while_its_reviewer_works(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address, clock=True)
    first, renewed = shown(page), 0.9 * LEASE_SECONDS
    for _ in range(5):
        service.pass_seconds(0.4 * LEASE_SECONDS)
        as_time_passes(page, lambda: _left(service, first) > renewed, "a renewed lease")
    page.keyboard.press("Enter")
    until(lambda: first in decisions(service), "the decision")


def test_when_someone_else_decided_the_item_on_the_screen_the_next_one_comes(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address, clock=True)
    first = shown(page)
    page.context.set_offline(True)
    service.pass_seconds(LEASE_SECONDS + 1)
    taken = service.reviews.take_one(first, "ben")
    answer = ChoiceAnswer(label="mixed")
    service.reviews.verdict(first, token=taken.token, kind="correct", reviewer="ben", answer=answer)
    page.context.set_offline(False)
    told = page.get_by_text("ben decided the item you were looking at: mixed.")
    as_time_passes(page, told.is_visible, "the next item, and why")
    assert shown(page) != first


def test_leaving_gives_the_items_back(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address)
    until(lambda: service.store.counts().reviews_leased == 10, "the items in hand")
    page.close(run_before_unload=True)
    until(lambda: service.store.counts().reviews_leased == 0, "the release")


def test_whoever_looks_at_something_else_holds_nothing(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address)
    page.get_by_role("link", name="Quality").click()
    until(lambda: service.store.counts().reviews_leased == 0, "the release")
    page.get_by_role("link", name="Review", exact=True).click()
    page.locator("[data-review]").wait_for()


def test_a_copy_of_the_tab_gets_items_of_its_own(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address)
    first = shown(page)
    with page.context.expect_page() as opened:
        page.evaluate("open(location.href)")  # it takes the first one's session storage with it
    copy = opened.value
    copy.locator("[data-review]").wait_for()
    assert shown(copy) != first
    copy.keyboard.press("2")
    page.keyboard.press("3")
    until(lambda: len(decisions(service)) == 2, "both decisions")
    page.keyboard.press("z")
    until(lambda: first not in decisions(service), "the undo of this tab's own")
    assert shown(page) == first


def test_undo_reaches_behind_a_reload(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address)
    first = shown(page)
    page.keyboard.press("2")
    until(lambda: len(decisions(service)) == 1, "the decision")
    page.reload()
    page.locator("[data-review]").wait_for()
    page.keyboard.press("z")
    until(lambda: shown(page) == first, "the item")
    assert decisions(service) == {}


def test_a_name_of_any_alphabet_is_kept(
    service: ReviewService, address: str, open_page: Open
) -> None:
    page = open_page(address, "Zoë 王")
    page.keyboard.press("Enter")
    until(lambda: bool(decisions(service)), "the decision")
    assert list(decisions(service).values()) == ["Zoë 王: positive"]
    page.reload()
    expect(page.get_by_role("banner")).to_contain_text("Zoë 王")


def test_a_service_that_is_away_is_told_from_an_empty_queue(address: str, open_page: Open) -> None:
    page = open_page(address.split("#", maxsplit=1)[0])
    page.route("**/v1/**", lambda route: route.abort())
    page.goto(address)
    page.get_by_role("heading", name="No items could be fetched").or_(
        page.get_by_role("heading", name="The service cannot be reached")
    ).first.wait_for()
    page.unroute("**/v1/**")
    page.get_by_role("button", name="Try again").first.click()
    page.locator("[data-review]").wait_for()


def test_when_all_is_done_the_page_says_so_and_what_else_waits(
    service: ReviewService, address: str, open_page: Open
) -> None:
    Seeder(service.store, service.guidelines).spans("n", "Ada in Rome.", [("Ada", "PERSON", 0.4)])
    page = open_page(address)
    for _ in range(COUNT):
        page.locator("[data-review]").wait_for()
        page.keyboard.press("Enter")
    page.get_by_role("heading", name="All done here").wait_for()
    said = f"You decided {COUNT} items in this sitting"
    expect(page.locator("main")).to_contain_text(said)
    page.get_by_role("link", name="Review Named entities").click()
    page.get_by_text("Ada").first.wait_for()


def _left(service: ReviewService, id: str) -> float:
    """Seconds that the item's lease has left; nobody may have held it in between."""
    item = service.reviews.get(id)
    assert item.leased_by == "ann"
    assert item.lease_expires_at is not None
    return (item.lease_expires_at - service.store.database.clock()).total_seconds()
