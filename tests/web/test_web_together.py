"""Several reviewers at once, each in a browser: nothing is done twice, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from heard import as_time_passes, until
from playwright.sync_api import expect
from review_service import ReviewService, serving

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.review import Filter

Begin = Callable[..., tuple[ReviewService, str]]
SENTIMENT = Filter(guideline="sentiment")
LEASE_SECONDS = 300.0


@contextmanager
def service(folder: Path, choices: int) -> Iterator[tuple[ReviewService, str]]:
    made = ReviewService(
        folder, choices=choices, lease_seconds=LEASE_SECONDS, kinds=frozenset({"choice"})
    )
    with serving(made) as address:
        yield made, f"{address}/review#/review/sentiment"


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    with ExitStack() as stack:
        yield lambda choices: stack.enter_context(service(tmp_path, choices))


def on_screen(page: Any) -> str:
    """Id of the item that a reviewer looks at."""
    return str(page.locator("[data-review]").get_attribute("data-review"))


def next_after(page: Any, before: str) -> str:
    """Id of the item that comes after another; empty at the end."""
    gone = f'[data-review="{before}"]'
    page.locator(gone).wait_for(state="detached")
    shown = page.locator("[data-review]")
    page.locator("[data-review], .quiet-card").first.wait_for()
    return str(shown.get_attribute("data-review")) if shown.count() else ""


def done(made: ReviewService) -> dict[str, str]:
    """Who decided which item."""
    items = made.reviews.page(status="done", limit=100).items
    return {item.id: item.verdict.reviewer for item in items if item.verdict}


def test_two_reviewers_at_once_never_get_the_same_item(
    begin: Begin, open_page: Callable[..., Any]
) -> None:
    made, address = begin(choices=60)
    ann, bob = open_page(address, "ann"), open_page(address, "bob")
    seen: dict[str, list[str]] = {"ann": [on_screen(ann)], "bob": [on_screen(bob)]}
    for _ in range(8):
        for name, page in (("ann", ann), ("bob", bob)):
            page.keyboard.press("1")  # decides at once, whether the item is blind or not
            seen[name].append(next_after(page, seen[name][-1]))
    assert len({*seen["ann"], *seen["bob"]}) == 18
    until(lambda: len(done(made)) == 16, "every verdict")
    decided = done(made)
    for name, ids in seen.items():
        assert all(decided[id] == name for id in ids[:-1])


def test_a_queue_that_others_hold_says_so(begin: Begin, open_page: Callable[..., Any]) -> None:
    _, address = begin(choices=4)
    on_screen(open_page(address, "ann"))
    queues = open_page(address.partition("#")[0], "bob")
    queues.get_by_text("all with reviewers now").wait_for()


def test_the_oldest_first_if_asked_for(begin: Begin, open_page: Callable[..., Any]) -> None:
    made, address = begin(choices=30)
    page = open_page(address.partition("#")[0], "ann")
    page.get_by_role("link", name="oldest first").click()
    page.locator("[data-review]").wait_for()
    items = made.reviews.page(status="open", limit=100).items
    assert on_screen(page) == min(items, key=lambda item: item.created_at).id


def test_what_somebody_else_decided_first_is_shown_and_stands(
    begin: Begin, open_page: Callable[..., Any]
) -> None:
    made, address = begin(choices=2)
    page = open_page(address)
    id = on_screen(page)
    # Ann's network is gone and her lease was given back: Bob gets the item and decides.
    page.context.set_offline(True)
    made.reviews.release(id, made.reviews.get(id).token, "ann")
    item = made.reviews.take_one(id, "bob")
    verdict = ChoiceAnswer(label="mixed")
    made.reviews.verdict(id, token=item.token, kind="correct", reviewer="bob", answer=verdict)
    page.keyboard.press("1")
    next_after(page, id)
    page.context.set_offline(False)
    refused = page.get_by_role("alert").filter(has_text="Not taken")
    expect(refused).to_contain_text("bob decided it first: mixed")
    assert done(made)[id] == "bob"
    assert len(made.reviews.history(id)) == 1
    page.get_by_role("button", name="Understood").click()
    refused.wait_for(state="detached")


def test_an_item_that_is_looked_at_stays_with_who_looks(
    begin: Begin, open_page: Callable[..., Any]
) -> None:
    made, address = begin(choices=1)
    page = open_page(address, clock=True)
    id = on_screen(page)
    first = made.reviews.get(id).lease_expires_at
    assert first is not None
    made.pass_seconds(0.5 * LEASE_SECONDS)

    def renewed() -> bool:
        return (made.reviews.get(id).lease_expires_at or first) > first

    as_time_passes(page, renewed, "a renewed lease")
    assert made.reviews.get(id).leased_by == "ann"


def test_a_lease_that_ended_unnoticed_refuses_clearly_and_the_next_item_goes_on(
    begin: Begin, open_page: Callable[..., Any]
) -> None:
    made, address = begin(choices=3)
    page = open_page(address)
    id = on_screen(page)
    page.context.set_offline(True)  # as if the machine slept: no lease is renewed
    made.pass_seconds(LEASE_SECONDS + 1)
    assert id in {item.id for item in made.reviews.take("bob", 20, SENTIMENT, "a tab of bob's")}
    page.keyboard.press("1")
    other = next_after(page, id)
    page.context.set_offline(False)
    refused = page.get_by_role("alert").filter(has_text="Not taken")
    expect(refused).to_contain_text("Another reviewer holds this item")
    assert id not in done(made)
    assert other != id
    # Bob decides it: nothing is lost, nothing was decided twice.
    item = made.reviews.take_one(id, "bob", "a tab of bob's")
    verdict = ChoiceAnswer(label="neutral")
    made.reviews.verdict(id, token=item.token, kind="correct", reviewer="bob", answer=verdict)
    assert [each.reviewer for each in made.reviews.history(id)] == ["bob"]


def test_a_refused_decision_can_be_made_again_when_the_item_is_free(
    begin: Begin, open_page: Callable[..., Any]
) -> None:
    made, address = begin(choices=1)
    page = open_page(address)
    id = on_screen(page)
    page.context.set_offline(True)
    made.reviews.release(id, made.reviews.get(id).token, "ann")
    item = made.reviews.take_one(id, "bob")
    page.keyboard.press("1")
    next_after(page, id)
    page.context.set_offline(False)
    again = page.get_by_role("button", name="Decide it again")
    again.wait_for()
    made.reviews.release(id, item.token, "bob")
    again.click()
    page.locator(f'[data-review="{id}"]').wait_for()
    page.keyboard.press("Enter")
    until(lambda: done(made).get(id) == "ann", "the verdict")


def test_what_a_crashed_page_held_is_given_back_by_another_of_the_same_reviewer(
    begin: Begin, open_page: Callable[..., Any]
) -> None:
    made, address = begin(choices=4)
    # A page that crashes is not told that it goes.
    crash = "addEventListener('pagehide', (event) => event.stopImmediatePropagation())"
    crashing = open_page(address, "ann", script=crash)
    on_screen(crashing)
    again = crashing.context.new_page()
    crashing.close()
    assert made.reviews.waiting("bob", SENTIMENT).leased > 0
    again.goto(f"{address.partition('#')[0]}#/")
    until(lambda: made.reviews.waiting("bob", SENTIMENT).leased == 0, "the items, free again")


def test_every_decision_is_said_also_one_that_is_like_the_one_before(
    begin: Begin, open_page: Callable[..., Any]
) -> None:
    _, address = begin(choices=6)
    page = open_page(address, "ann")
    page.evaluate(
        """() => {
          window.said = [];
          const come = (records) => {
            for (const { addedNodes, target } of records)
              for (const node of addedNodes)
                if (target.closest("main [role=status]")) window.said.push(node.textContent);
          };
          new MutationObserver(come).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    shown = on_screen(page)
    for _ in range(2):
        page.keyboard.press("1")
        shown = next_after(page, shown)
    page.keyboard.press("z")
    page.locator(f'[data-review="{shown}"]').wait_for(state="detached")
    until(lambda: len(page.evaluate("window.said")) == 3, "what is said of three keys")
    first, second, third = page.evaluate("window.said")
    assert first.endswith(": positive.")
    assert second.endswith(": positive.")
    assert third == "Taken back. It is yours to decide again."
