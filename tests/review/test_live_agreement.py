"""How far reviewers agree is read from the panels as they stand, on either database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from llmlabel.domain.answer import Answer, ChoiceAnswer, Span, SpansAnswer, TokensAnswer
from llmlabel.domain.guideline import Guideline
from llmlabel.review import Filter, ReviewQueue
from llmlabel.review.live_agreement import Agreement, agreement_of, measured
from llmlabel.store import Store
from llmlabel.store.seats import DecidedPanel, Seats, SeatVerdict

POSITIVE, NEGATIVE = ChoiceAnswer(label="positive"), ChoiceAnswer(label="negative")
ANNA, ROME = Span(start=0, end=4, label="PERSON"), Span(start=11, end=15, label="PLACE")


@pytest.fixture
def say(queue: ReviewQueue) -> Callable[..., str]:
    """Has a reviewer decide the seat of theirs on a document; returns the review's id."""

    def give(reviewer: str, id: str, answer: Answer | None, queue_name: str = "review") -> str:
        where = Filter(queue=queue_name)  # type: ignore[arg-type]
        held = queue.take(reviewer, 20, where)
        mine = next(item for item in held if item.document.id == id)
        for item in held:
            if item.id != mine.id:
                queue.release(item.id, item.token, reviewer)
        queue.verdict(
            mine.id,
            token=mine.token,
            kind="reject" if answer is None else "correct",
            reviewer=reviewer,
            answer=answer,
        )
        return mine.id

    return give


@pytest.fixture
def agreed(store: Store, guideline: Callable[[str], Guideline]) -> Callable[..., Agreement]:
    def look(name: str = "sentiment") -> Agreement:
        return agreement_of(store, guideline(name))

    return look


def test_without_a_panel_nothing_is_measured(
    ask: Callable[..., None], agreed: Callable[..., Agreement]
) -> None:
    ask("single")
    found = agreed()
    assert (found.panels, found.settled, found.adjudicated, found.pairs) == (0, 0, 0, ())
    assert (found.krippendorff, found.fleiss, found.span_f1) == (None, None, None)
    assert set(found.reasons) == {"krippendorff", "fleiss"}


def test_agreement_grows_with_the_verdicts_and_falls_when_one_is_taken_back(
    ask: Callable[..., None],
    say: Callable[..., str],
    agreed: Callable[..., Agreement],
    queue: ReviewQueue,
) -> None:
    ask("a", "b", "c", reviewers=2)
    for id, ann, bea in (("a", POSITIVE, POSITIVE), ("b", NEGATIVE, NEGATIVE)):
        say("ann", id, ann)
        assert agreed().panels == (0 if id == "a" else 1), "a half-decided panel tells nothing"
        say("bea", id, bea)
    found = agreed()
    assert (found.panels, found.settled, found.adjudicated) == (2, 2, 0)
    assert (found.krippendorff, found.fleiss) == (1.0, 1.0)
    say("ann", "c", POSITIVE)
    say("bea", "c", NEGATIVE)
    found = agreed()
    assert (found.panels, found.settled, found.adjudicated) == (3, 2, 0)
    [pair] = found.pairs
    assert (pair.reviewers, pair.n, pair.agreement) == (("ann", "bea"), 3, pytest.approx(2 / 3))
    # Observed 2/3, expected 2/3 * 1/3 + 1/3 * 2/3 = 4/9.
    assert pair.cohen == pytest.approx((2 / 3 - 4 / 9) / (5 / 9))
    # Pooled shares are one half each: expected 1/2.
    assert found.fleiss == pytest.approx(1 / 3)
    say("cy", "c", POSITIVE, "adjudication")
    assert (agreed().panels, agreed().settled, agreed().adjudicated) == (3, 2, 1)
    assert [pair.reviewers for pair in agreed().pairs] == [("ann", "bea")]
    ask("d", reviewers=2)
    say("ann", "d", POSITIVE)
    last = say("bea", "d", POSITIVE)
    assert agreed().panels == 4
    queue.undo(last, "bea")
    assert agreed().panels == 3


def test_a_rejection_is_an_answer_on_which_people_may_agree(
    ask: Callable[..., None], say: Callable[..., str], agreed: Callable[..., Agreement]
) -> None:
    ask("a", "b", reviewers=2)
    for name in ("ann", "bea"):
        say(name, "a", None)
        say(name, "b", POSITIVE)
    assert agreed().krippendorff == 1.0
    assert agreed().pairs[0].agreement == 1.0


def test_spans_are_compared_strictly_and_word_by_word(
    ask: Callable[..., None], say: Callable[..., str], agreed: Callable[..., Agreement]
) -> None:
    ask("a", name="ner", answer=SpansAnswer(), reviewers=2)
    say("ann", "a", SpansAnswer(spans=(ANNA, ROME)))
    say("bea", "a", SpansAnswer(spans=(ANNA,)))
    found = agreed("ner")
    assert (found.compared, found.panels, found.settled) == ("words", 1, 0)
    assert found.span_f1 == pytest.approx(2 / 3)
    # Anna likes Rome: PERSON/PERSON, nothing/nothing, PLACE/nothing; expected 1/9 + 2/9.
    assert found.pairs[0].cohen == pytest.approx((2 / 3 - 1 / 3) / (2 / 3))
    assert found.pairs[0].agreement == 0.0
    assert found.token_agreement is None


def test_tokens_are_compared_one_by_one(guideline: Callable[[str], Guideline]) -> None:
    def tokens(*labels: str) -> TokensAnswer:
        return TokensAnswer(
            tokens=tuple(
                Span(start=2 * n, end=2 * n + 1, label=label) for n, label in enumerate(labels)
            )
        )

    panel = DecidedPanel(
        "d",
        (SeatVerdict("ann", tokens("NOUN", "VERB", "NOUN")),
         SeatVerdict("bea", tokens("NOUN", "VERB", "VERB"))),
        settled=False,
        adjudicated=False,
    )  # fmt: skip
    found = measured(guideline("pos"), [panel])
    assert (found.compared, found.token_agreement) == ("tokens", pytest.approx(2 / 3))
    assert found.pairs[0].cohen == pytest.approx((2 / 3 - 4 / 9) / (5 / 9))
    assert found.span_f1 is None
    rejected = panel._replace(seats=(panel.seats[0], SeatVerdict("bea", None)))
    assert measured(guideline("pos"), [rejected]).pairs[0].cohen == pytest.approx(0.0)


def test_panels_of_another_guideline_are_left_out(
    ask: Callable[..., None], say: Callable[..., str], store: Store
) -> None:
    ask("a", reviewers=2)
    say("ann", "a", POSITIVE)
    say("bea", "a", POSITIVE)
    seats = Seats(store.database)
    [panel] = seats.decided("sentiment", texts=True)
    assert (panel.document_id, panel.text, panel.settled) == ("a", "Anna likes Rome", True)
    assert [seat.reviewer for seat in panel.seats] == ["ann", "bea"]
    assert seats.decided("ner") == []
