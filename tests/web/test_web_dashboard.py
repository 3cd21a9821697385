"""The evaluator's dashboard in a real browser, on a service with a past."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from heard import until, violations, violations_in_both_schemes
from playwright.sync_api import expect
from review_service import ReviewService, serving

from llmlabel.learning.quality_detail import QualityDetail, quality_detail
from llmlabel.review import Filter

FIGURES = (
    "Live audits against the promise",
    "Certificate",
    "Risk and coverage",
    "Reliability of confidences",
    "Confusions",
    "Queue",
    "Throughput by reviewer",
    "Reviewers' error on hidden gold",
    "Agreement of reviewers",
    "Open flags",
    "Drift by day",
)
WITHOUT_A_DRAWING = {"Certificate", "Confusions", "Open flags"}

Look = Callable[..., Any]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> ReviewService:
    return ReviewService(tmp_path_factory.mktemp("past"), choices=5, past=True)


@pytest.fixture(scope="module")
def address(service: ReviewService) -> Iterator[str]:
    with serving(service) as address:
        yield address


@pytest.fixture
def look(open_page: Callable[..., Any], address: str) -> Look:
    def look(guideline: str = "requests", **options: Any) -> Any:
        page = open_page(f"{address}/review#/dashboard/{guideline}", "eve", **options)
        page.locator(".figures").wait_for()
        return page

    return look


def detail(service: ReviewService, guideline: str = "requests") -> QualityDetail:
    task = service.guidelines.get(guideline)
    [active] = [
        each.threshold
        for each in service.store.certificates.list(task.ref)
        if each.status == "active"
    ] or [task.policy.threshold]
    return quality_detail(service.store, service.reviews, task, active)


def figure(page: Any, title: str) -> Any:
    return page.get_by_role("region", name=title, exact=True)


def copied(page: Any, title: str) -> list[dict[str, str]]:
    page.evaluate("navigator.clipboard.writeText('')")
    figure(page, title).get_by_role("button", name="Copy", exact=False).first.click()
    until(lambda: bool(clipboard(page)), "what was copied")
    return list(csv.DictReader(StringIO(clipboard(page)), delimiter="\t"))


def clipboard(page: Any) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_every_figure_is_a_drawing_with_words_and_numbers(look: Look) -> None:
    page = look()
    expect(page.locator(".figure h3")).to_have_text(list(FIGURES))
    for title in FIGURES:
        made_of = figure(page, title).locator("header p").inner_text()
        assert any(letter.isdigit() for letter in made_of)
        figure(page, title).get_by_role("button", name=f"Numbers of {title}").click()
        figure(page, title).get_by_role("row").nth(1).wait_for()
        if title not in WITHOUT_A_DRAWING:
            drawing = figure(page, title).get_by_role("img").first
            told = page.locator(f"[id='{drawing.get_attribute('aria-describedby')}']")
            assert any(letter.isdigit() for letter in told.inner_text())


def test_copied_numbers_are_those_of_the_service(look: Look, service: ReviewService) -> None:
    page = look(permissions=["clipboard-read", "clipboard-write"])
    found = detail(service)
    risk = copied(page, "Risk and coverage")
    assert [float(row["risk"]) for row in risk] == [each.risk for each in found.risk_coverage]
    assert all(
        float(row["risk that the promise allows"])
        == pytest.approx(min(1, 0.1 / float(row["coverage"])))
        for row in risk
    )
    people = copied(page, "Throughput by reviewer")
    assert [(row["reviewer"], int(row["decided"])) for row in people] == [
        (each.reviewer, each.decided) for each in found.throughput
    ]
    assert found.confusion is not None
    assert sum(int(row["n"]) for row in copied(page, "Confusions")) == sum(
        map(sum, found.confusion.counts)
    )


def test_commands_can_be_copied(look: Look) -> None:
    page = look("wares", permissions=["clipboard-read", "clipboard-write"])
    line = "llmlabel gold import FILE -g wares@1.0.0"
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))  # it is said for a moment only
    page.get_by_role("button", name=f"Copy {line}").click()
    page.get_by_text("Copied").wait_for()
    assert clipboard(page) == line


def test_of_150_labels_the_worst_pair_is_told_and_the_table_stays_small(
    look: Look, service: ReviewService
) -> None:
    page = look("wares")
    confusion = detail(service, "wares").confusion
    assert confusion is not None
    worst = max(n for i, row in enumerate(confusion.counts) for j, n in enumerate(row) if i != j)
    first = figure(page, "Confusions").locator(".pairs li").first.inner_text()
    assert "taken for" in first
    assert f"{worst}×" in first
    assert len(confusion.labels) > 150
    assert 1 < page.locator(".matrix tbody tr").count() <= 17
    shown = page.locator(".matrix td.number").all_inner_texts()
    assert sum(int(each) for each in shown if each.isdigit()) == sum(map(sum, confusion.counts))


def test_another_threshold_is_tried_by_arrows(look: Look) -> None:
    page = look()
    page.get_by_label("Try another threshold").focus()
    page.keyboard.press("ArrowRight")
    said = page.locator(".try p")
    expect(said).to_contain_text("accepted")
    before = said.inner_text()
    page.keyboard.press("ArrowRight")
    expect(said).not_to_have_text(before)


def test_without_numbers_it_says_how_to_get_them(look: Look) -> None:
    page = look("pos")
    for n, title in enumerate(("Live audits", "Certificate", "Risk, reliability, confusions")):
        expect(page.locator(".figure h3").nth(n)).to_have_text(title)
    for title, words in {
        "Certificate": "llmlabel certify pos@1.0.0 --promise",
        "Risk, reliability, confusions": "llmlabel gold import FILE -g pos@1.0.0",
        "Reviewers' error on hidden gold": "benchmarks: 0.05",
        "Agreement of reviewers": "panel: {share: 0.1, reviewers: 2}",
        "Drift by day": "llmlabel certify pos@1.0.0",
    }.items():
        expect(figure(page, title)).to_contain_text(words)


def test_a_guideline_that_there_is_not_is_told_of(look: Look, open_page: Any, address: str) -> None:
    page = open_page(f"{address}/review#/dashboard/nonsense", "eve")
    expect(page.get_by_role("alert")).to_contain_text("nonsense")
    page.get_by_role("link", name="All guidelines").click()
    page.locator(".figures").wait_for()


def test_an_answered_flag_is_gone(look: Look, service: ReviewService) -> None:
    page = look()
    [flag] = [
        each for each in service.store.flags.list("requests", open=True) if each.clause == "REQ-1"
    ]
    row = page.locator(".flag", has_text="REQ-1")
    row.get_by_role("button", name="Resolve").click()
    expect(row.get_by_role("alert")).to_contain_text("Say what was done")
    page.keyboard.type("REQ-2 says it now.")
    page.keyboard.press("Enter")
    row.wait_for(state="detached")
    until(lambda: not _is_open(service, flag.id), "the answer")
    [kept] = [each for each in service.store.flags.list("requests") if each.id == flag.id]
    assert (kept.resolved_by, kept.resolution) == ("eve", "REQ-2 says it now.")


def _is_open(service: ReviewService, id: str) -> bool:
    return any(each.id == id for each in service.store.flags.list("requests", open=True))


def test_a_key_that_comes_before_the_page_is_drawn_counts_from_where_the_last_one_led(
    look: Look,
) -> None:
    page = look("wares")
    page.evaluate(
        "for (const key of ['k', 'j']) dispatchEvent(new KeyboardEvent('keydown', { key }))"
    )
    page.wait_for_url("**/wares@1.0.0")
    page.locator("h2", has_text="wares").wait_for()
    assert page.evaluate("location.hash").endswith("/wares@1.0.0")


def test_new_numbers_come_by_themselves_and_disturb_nothing(
    look: Look, service: ReviewService
) -> None:
    page = look("wares")
    page.clock.install()
    page.keyboard.press("k")  # the guideline before, from now on by the clock of this test
    with page.expect_response(lambda each: "guideline=wares" in each.url and "detail" in each.url):
        page.keyboard.press("j")
    page.locator("h2", has_text="wares").wait_for()
    page.locator(".freshness button[aria-disabled=false]").wait_for()
    button = page.get_by_role("button", name="Numbers of Queue")
    button.click()
    region = page.get_by_role("region", name="Numbers of Queue")
    region.wait_for()
    page.evaluate("document.querySelector('.numbers').kept = true")
    waiting = service.reviews.page(limit=200, status="open", guideline="wares").items
    [item] = service.reviews.take("zoe", 1, Filter(guideline="wares"))
    service.reviews.verdict(item.id, token=item.token, kind="reject", reviewer="zoe")
    page.clock.fast_forward(31_000)
    figure(page, "Queue").get_by_text(f"{len(waiting) - 1} items open").wait_for()
    assert page.evaluate("document.querySelector('.numbers').kept"), "it was drawn anew"
    focused = page.evaluate("document.activeElement.innerText")
    assert focused.split() == ["Hide", "numbers", "of", "Queue"]


def test_away_from_the_service_old_numbers_stay_and_are_called_old(look: Look) -> None:
    page = look()
    page.context.set_offline(True)
    page.keyboard.press("r")
    page.get_by_text("Not up to date").wait_for()
    expect(figure(page, "Risk and coverage").get_by_role("img")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_text("Not up to date").wait_for(state="detached")


@pytest.mark.parametrize("guideline", ["requests", "wares", "pos"])
def test_axe_finds_nothing(look: Look, guideline: str) -> None:
    page = look(guideline)
    for button in page.get_by_role("button", name="Numbers of").all():
        button.click()
    assert violations_in_both_schemes(page) == []


@pytest.mark.parametrize("guideline", ["requests", "wares"])
def test_it_fits_a_phone(look: Look, guideline: str) -> None:
    page = look(guideline, viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    drawn = page.evaluate(
        "[...document.querySelectorAll('.plot svg')].map(it => it.getBoundingClientRect().right)"
    )
    assert max(drawn) <= 360
    assert violations(page) == []


def test_it_is_a_file_of_its_own_fetched_when_it_is_needed(
    open_page: Callable[..., Any], address: str
) -> None:
    page = open_page(f"{address}/review", "eve")
    fetched = "performance.getEntriesByType('resource').map(it => it.name)"
    assert not any("Dashboard-" in name for name in page.evaluate(fetched))
    page.get_by_role("link", name="Quality").click()
    page.locator(".figures").wait_for()
    assert any(Path(name).name.startswith("Dashboard-") for name in page.evaluate(fetched))
