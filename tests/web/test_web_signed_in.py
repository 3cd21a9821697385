"""The page of a service with keys: signing in and out, sessions that end under somebody's hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from heard import PATIENCE, until, violations_in_both_schemes
from review_service import ReviewService, serving
from seeded import Seeder

from llmlabel.access.sessions import token_hash

Keyed = tuple[ReviewService, str]
Open = Callable[..., Any]


@pytest.fixture
def keyed(tmp_path: Path, page_built: None) -> Iterator[Keyed]:
    """Doubted texts, more than two tabs fetch ahead, behind a service that has a key."""
    service = ReviewService(tmp_path, kinds=frozenset({"nothing"}))
    seed = Seeder(service.store, service.guidelines)
    for n in range(25):
        seed.choice(f"d{n}", f"A lamp, number {n}.", {"neutral": 0.5 + n / 100, "mixed": 0.2})
    key(service, "root", "admin")
    with serving(service) as address:
        yield service, address


def key(service: ReviewService, name: str, *roles: str) -> str:
    return str(service.access.keys.create(name, roles, "default", by="test")[1])


@pytest.fixture
def visit(browser: Any) -> Iterator[Open]:
    """Opens an address in a browser of its own, with a key if one is given."""
    contexts: list[Any] = []
    failures: list[str] = []

    def open_(address: str, text: str | None = None, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **options})
        contexts.append(context)
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(address)
        if text is not None:
            sign_in(page, text)
            page.get_by_role("heading", name="Sign in").wait_for(state="detached")
            page.locator("main h1").first.wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert failures == []


def sign_in(page: Any, text: str) -> None:
    page.get_by_label("Your key").fill(text)
    page.keyboard.press("Enter")


def shown(page: Any) -> str:
    return str(page.locator("[data-review]").get_attribute("data-review"))


def press(page: Any, key: str) -> str:
    """Press a key that decides; returns what was decided."""
    before = shown(page)
    page.keyboard.press(key)
    page.locator(f'[data-review="{before}"]').wait_for(state="detached")
    return before


def deciders(service: ReviewService) -> dict[str, str]:
    """Of each decided item, who decided it."""
    items = service.reviews.page(status="done").items
    return {item.id: item.verdict.reviewer for item in items if item.verdict}


def end_sessions(service: ReviewService, page: Any) -> None:
    """As when their time is over."""
    for cookie in page.context.cookies():
        service.access.sessions.end(token_hash(cookie["value"]))


def test_whoever_has_a_key_reviews_under_its_name_and_no_script_sees_it(
    keyed: Keyed, visit: Open
) -> None:
    service, address = keyed
    text = key(service, "ann", "reviewer")
    page = visit(f"{address}/review#/review/sentiment")
    page.get_by_role("heading", name="Sign in").wait_for()
    sign_in(page, text[:-1] + ("a" if text[-1] != "a" else "b"))
    page.get_by_role("alert").get_by_text("not one of this service").wait_for()
    sign_in(page, text)
    decided = press(page, "2")
    until(lambda: deciders(service) == {decided: "ann"}, "the verdict")
    kept = page.evaluate(
        "JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])"
    )
    assert text not in kept
    assert "llmlabel_session" not in kept
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.reload()
    shown(page)  # still signed in
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert page.context.cookies() == []
    assert service.access.sessions.find(token_hash(cookie["value"])) is None
    assert not [item for item in service.reviews.page(status="open").items if is_held(item)]
    page.reload()
    page.get_by_role("heading", name="Sign in").wait_for()


def is_held(item: Any) -> bool:
    return item.lease_expires_at is not None


def test_a_session_that_ends_at_work_loses_nothing(keyed: Keyed, visit: Open) -> None:
    service, address = keyed
    text = key(service, "ann", "reviewer")
    page = visit(f"{address}/review#/review/sentiment", text)
    shown(page)
    end_sessions(service, page)
    first = press(page, "2")
    page.get_by_role("heading", name="Sign in again").wait_for()
    page.get_by_text("1 decision of yours").wait_for()
    on_screen = shown(page)
    page.keyboard.press("Escape")  # it stays: nothing could be sent
    page.keyboard.press("3")  # nor is anything decided behind it
    assert shown(page) == on_screen
    assert deciders(service) == {}
    sign_in(page, text)
    page.get_by_role("heading", name="Sign in again").wait_for(state="detached")
    until(lambda: deciders(service) == {first: "ann"}, "the verdict")
    assert shown(page) == on_screen
    second = press(page, "4")
    assert second == on_screen
    until(lambda: len(deciders(service)) == 2, "the second verdict")


def test_decisions_outlive_the_page_until_the_same_person_signs_in(
    keyed: Keyed, visit: Open
) -> None:
    service, address = keyed
    ann, bob = key(service, "ann", "reviewer"), key(service, "bob", "reviewer")
    page = visit(f"{address}/review#/review/sentiment", ann)
    shown(page)
    end_sessions(service, page)
    decided = press(page, "2")
    page.get_by_role("heading", name="Sign in again").wait_for()
    page.reload()
    page.get_by_role("heading", name="Sign in", exact=True).wait_for()
    sign_in(page, bob)
    shown(page)
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in", exact=True).wait_for()
    assert deciders(service) == {}
    sign_in(page, ann)
    until(lambda: deciders(service) == {decided: "ann"}, "the verdict")


def test_nobody_decides_under_the_name_that_another_tab_signed_in_with(
    keyed: Keyed, visit: Open
) -> None:
    service, address = keyed
    ann, bob = key(service, "ann", "reviewer"), key(service, "bob", "reviewer")
    page = visit(f"{address}/review#/review/sentiment", ann)
    shown(page)
    other = page.context.new_page()
    other.goto(f"{address}/review#/review/sentiment")
    shown(other)
    other.get_by_role("button", name="Sign out").click()
    other.get_by_role("heading", name="Sign in", exact=True).wait_for()
    sign_in(other, bob)
    other.get_by_text("You are bob").wait_for(state="attached")
    page.bring_to_front()
    decided = press(page, "2")
    page.get_by_text("Another tab of this browser signed in as bob").wait_for()
    assert deciders(service) == {}
    sign_in(page, ann)
    until(lambda: deciders(service) == {decided: "ann"}, "the verdict")


@pytest.mark.parametrize(
    ("roles", "pages", "heading"),
    [
        (("reviewer",), ["Queues", "Review", "Adjudicate"], "What waits for you"),
        (("evaluator",), ["Quality"], "Quality"),
        (("reviewer", "evaluator"), ["Queues", "Review", "Adjudicate", "Quality"], "What waits"),
        (("admin",), ["Queues", "Review", "Adjudicate", "Quality"], "What waits for you"),
        (("submitter",), [], "Not for this key"),
    ],
)
def test_everybody_sees_the_pages_that_the_key_is_for(
    keyed: Keyed, visit: Open, roles: tuple[str, ...], pages: list[str], heading: str
) -> None:
    service, address = keyed
    page = visit(f"{address}/review", key(service, "ann", *roles))
    page.get_by_role("heading", name=heading).first.wait_for()
    links = page.get_by_role("navigation", name="Pages").get_by_role("link")
    assert links.all_inner_texts() == pages


def test_recordings_play_by_the_cookie_alone(tmp_path: Path, page_built: None, visit: Open) -> None:
    service = ReviewService(tmp_path, kinds=frozenset({"transcript"}))
    text = key(service, "ann", "reviewer")
    with serving(service) as address:
        page = visit(f"{address}/review#/review/transcription")
        asked: list[Any] = []

        def heard(response: Any) -> None:
            asked.append(response)

        page.on("response", heard)
        sign_in(page, text)
        page.locator("[data-review] .player").first.wait_for()

        def sounds() -> list[int]:
            page.wait_for_timeout(20)
            return [each.status for each in asked if "/recording" in each.url]

        until(lambda: any(status in (200, 206) for status in sounds()), "the recording")
        assert set(sounds()) <= {200, 206, 304}


def test_axe_finds_nothing_where_somebody_signs_in(keyed: Keyed, visit: Open) -> None:
    service, address = keyed
    text = key(service, "ann", "reviewer")
    page = visit(f"{address}/review", reduced_motion="reduce", bypass_csp=True)
    page.get_by_role("heading", name="Sign in").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert violations_in_both_schemes(page) == []
    sign_in(page, text)
    queue = page.get_by_role("link", name="Review Sentiment")
    queue.wait_for()
    assert violations_in_both_schemes(page) == []
    end_sessions(service, page)
    queue.click()
    page.get_by_role("heading", name="Sign in again").wait_for()
    assert violations_in_both_schemes(page) == []
