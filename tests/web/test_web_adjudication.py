"""Where a panel disagrees, in a real browser: its answers side by side, one taken and sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import seeds
from heard import until, violations
from playwright.sync_api import expect
from review_service import ReviewService, serving
from seeded import BLIND, Seeder
from units import Desk

from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    Span,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.review import Verdict
from llmlabel.review import Filter

NEWS = "Maria Berg left Siemens for Oslo."
PEOPLE = ("beatrix", "casimir", "dorothea")

Said = tuple[Answer | None, str | None]
Begin = Callable[..., Desk]


@contextmanager
def adjudicating(
    open_page: Callable[[str], Any],
    folder: Path,
    guideline: str,
    seed: Callable[[Seeder], None],
    said: Sequence[Said],
) -> Iterator[Desk]:
    """The page of an adjudicator, after the members of a panel have answered; None rejects."""
    service = ReviewService(folder, kinds=frozenset({"nothing"}))
    seed(Seeder(service.store, service.guidelines))
    for reviewer, (answer, comment) in zip(PEOPLE, said, strict=False):
        (item,) = service.reviews.take(reviewer, 1, Filter(guideline=guideline))
        service.reviews.verdict(
            item.id,
            token=item.token,
            kind="correct" if answer else "reject",
            reviewer=reviewer,
            answer=answer,
            comment=comment,
        )
    with serving(service) as address:
        page = open_page(f"{address}/review#/adjudication/{guideline}")
        page.get_by_role("region", name="What the panel said").wait_for()
        yield Desk(page, service)
        page.close()


@pytest.fixture
def begin(open_page: Callable[[str], Any], tmp_path: Path) -> Iterator[Begin]:
    with ExitStack() as stack:
        yield lambda guideline, seed, *said: stack.enter_context(
            adjudicating(open_page, tmp_path, guideline, seed, said)
        )


def final(desk: Desk) -> Answer | None:
    """What the adjudicator sent."""

    def sent() -> list[Verdict]:
        items = desk.service.reviews.page(status="done").items
        return [each.verdict for each in items if each.kind == "adjudication" and each.verdict]

    until(lambda: bool(sent()), "a verdict")
    (verdict,) = sent()
    return verdict.answer


def soup(seed: Seeder) -> None:
    scores = {"neutral": 0.6, "positive": 0.4}
    seed.choice("soup", "The soup was hot.", scores, reviewers=3)


def mood(label: str, comment: str | None = None) -> Said:
    return ChoiceAnswer(label=label), comment


def test_each_answer_is_shown_and_no_name(begin: Begin) -> None:
    desk = begin("sentiment", soup, mood("positive", "Hot is good."), mood("mixed"), (None, "?"))
    shown = desk.page.get_by_role("region", name="What the panel said")
    for words in ("positive", "Hot is good.", "mixed", "There is no right answer."):
        expect(shown).to_contain_text(words)
    whole = desk.page.content()
    assert not any(name in whole for name in PEOPLE)


@pytest.mark.parametrize(("key", "label"), [("A", "positive"), ("B", "mixed"), ("C", "negative")])
def test_a_letter_takes_an_answer_and_enter_sends_it(begin: Begin, key: str, label: str) -> None:
    desk = begin("sentiment", soup, mood("positive"), mood("mixed"), mood("negative"))
    desk.press(f"Shift+{key}", "Enter")
    assert final(desk) == ChoiceAnswer(label=label)


def test_the_keys_of_labels_and_of_comments_are_the_usual_ones(begin: Begin) -> None:
    desk = begin("sentiment", soup, mood("positive"), mood("mixed"), mood("negative"))
    desk.press("Shift+A", "c")
    desk.page.get_by_label("Comment, sent").fill("Warm is good.")
    desk.press("Enter", "4")
    assert final(desk) == ChoiceAnswer(label="mixed")


def test_the_label_of_the_answer_taken_is_sent_and_not_the_models(begin: Begin) -> None:
    desk = begin("sentiment", soup, mood("mixed"), mood("negative"), mood("mixed"))
    desk.press("Shift+A", "4")
    assert final(desk) == ChoiceAnswer(label="mixed")


def test_nothing_is_sent_before_an_answer_is_taken(begin: Begin) -> None:
    desk = begin("sentiment", soup, mood("positive"), mood("mixed"), mood("mixed"))
    desk.press("Enter", "Control+Enter")
    desk.page.get_by_text("Take an answer first: Shift+A, Shift+B, Shift+C, Shift+M.").wait_for()
    items = desk.service.reviews.page(status="open").items
    assert [item.kind for item in items] == ["adjudication"]


def test_who_rejects_has_no_answer_to_take(begin: Begin) -> None:
    desk = begin("sentiment", soup, mood("positive"), (None, "No opinion."), mood("mixed"))
    desk.press("Shift+B")
    desk.page.get_by_text("B found that there is no right answer; R says so, too.").wait_for()
    expect(desk.page.get_by_role("button", name="Take")).to_have_count(3)


def news(seed: Seeder) -> None:
    seed.spans("news", NEWS, [("Maria Berg", "PERSON", 0.9)], reviewers=2, **BLIND)


def marked(*found: tuple[str, str]) -> Said:
    spans = [
        Span(start=NEWS.index(words), end=NEWS.index(words) + len(words), label=label)
        for words, label in found
    ]
    return SpansAnswer(spans=tuple(spans)), None


def test_of_spans_only_the_disputed_are_listed_with_who_marked_them(begin: Begin) -> None:
    one = marked(("Maria Berg", "PERSON"), ("Siemens", "ORGANIZATION"))
    other = marked(("Maria Berg", "PERSON"), ("Oslo", "LOCATION"))
    desk = begin("ner", news, one, other)
    table = desk.page.get_by_role("table", name="Spans that not all have marked")
    table.wait_for()
    rows = [" ".join(row.inner_text().split()) for row in table.get_by_role("row").all()]
    assert rows[0] == "Text A B"
    assert rows[1].endswith("ORGANIZATION ✓ –")
    assert rows[2].endswith("LOCATION – ✓")
    assert len(rows) == 3


def test_what_is_taken_can_be_changed_as_in_the_usual_task(begin: Begin) -> None:
    one = marked(("Maria Berg", "PERSON"), ("Siemens", "ORGANIZATION"))
    desk = begin("ner", news, one, marked(("Maria Berg", "PERSON")))
    desk.press("Shift+A")
    desk.page.get_by_role("group", name="Text with its spans").get_by_text("Siemens").click()
    desk.press("Delete", "Enter")
    assert final(desk) == marked(("Maria Berg", "PERSON"))[0]


def tagged(*labels: str) -> Said:
    tokens = [Span(start=n * 5, end=n * 5 + 4, label=label) for n, label in enumerate(labels)]
    return TokensAnswer(tokens=tuple(tokens)), None


def test_of_tokens_only_rows_that_differ_are_listed(begin: Begin) -> None:
    def seed(seeder: Seeder) -> None:
        seeder.tokens("cans", "cans/NOUN rust/VERB fast/ADV", {}, reviewers=2, **BLIND)

    one, other = tagged("NOUN", "VERB", "ADV"), tagged("NOUN", "NOUN", "ADV")
    desk = begin("pos", seed, one, other)
    table = desk.page.get_by_role("table", name="Tokens with different tags")
    table.wait_for()
    rows = [" ".join(row.inner_text().split()) for row in table.get_by_role("row").all()]
    assert rows == ["Text A B", "cans rust fast VERB NOUN"]
    desk.press("Shift+B", "Enter")
    assert final(desk) == other[0]


def test_transcripts_are_compared_word_by_word(begin: Begin) -> None:
    def seed(seeder: Seeder) -> None:
        seeds.recording(seeder, "call", "two kettles please", {}, blind=True, reviewers=2)

    texts = ("two rattles please", "two kettles, please")
    desk = begin("transcription", seed, *((TranscriptAnswer(text=text), None) for text in texts))
    marks = desk.page.locator(".panel-answer mark")
    expect(marks).to_have_text(["rattles", "kettles,", "kettles"])
    desk.press("Shift+B", "Enter")
    assert final(desk) == TranscriptAnswer(text=texts[1])


def test_an_adjudication_is_accessible(begin: Begin) -> None:
    one = marked(("Maria Berg", "PERSON"), ("Siemens", "ORGANIZATION"))
    desk = begin("ner", news, one, marked(("Oslo", "LOCATION")))
    desk.press("Shift+A")
    desk.page.get_by_text("The answer of A is taken.").wait_for()
    assert violations(desk.page) == []
