"""The dashboard's numbers are of a random sample, weighted by its chances, on either database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from live_parts import BAD, GOOD, Clock, a_guideline

from llmlabel.confidence.bounds import binomial_upper
from llmlabel.domain.answer import Answer, Span, SpansAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.gold import NewGold, part_of
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.learning.confusion import NONE, confusion_of
from llmlabel.learning.quality_detail import QualityDetail, QualityDetails, quality_detail
from llmlabel.review import ReviewQueue
from llmlabel.store import Store
from llmlabel.store.sampled import Checked, Sampled

GUIDELINE = a_guideline()
REF = GUIDELINE.ref


@pytest.fixture
def clock(store: Store) -> Clock:
    clock = Clock()
    store.database.clock = clock
    return clock


@pytest.fixture
def queue(store: Store, clock: Clock) -> ReviewQueue:
    return ReviewQueue(store, lambda ref: GUIDELINE)


@pytest.fixture
def detail(store: Store, clock: Clock) -> Callable[..., QualityDetail]:
    def look(threshold: float | None = 0.8, guideline: Guideline = GUIDELINE) -> QualityDetail:
        # A queue remembers for a while how long it was; a new one counts.
        queue = ReviewQueue(store, lambda ref: GUIDELINE)
        return quality_detail(store, queue, guideline, threshold)

    return look


@pytest.fixture
def put(store: Store, clock: Clock) -> Callable[..., Label]:
    """Stores a label of the pipeline, drawn for an audit unless told otherwise."""

    def give(
        id: str,
        confidence: float | None,
        *,
        text: str | None = None,
        rate: float = 1.0,
        calibrator: str | None = None,
        answer: Answer | None = GOOD,
        run: int = 1,
        **changes: object,
    ) -> Label:
        document = Document.of_text(text or f"text of {id}", id=id)
        store.documents.add([document], [REF])
        sure = None
        if confidence is not None:
            sure = Confidence(value=confidence, method="fake", calibrator=calibrator)
        fields: dict[str, object] = {
            "route": Route.ACCEPTED if (confidence or 0) >= 0.8 else Route.REVIEW,
            "audit_rate": rate,
            "drawn": rate > 0,
        }
        label = Label(
            document_id=id,
            text_sha256=document.text_sha256,
            guideline=REF,
            guideline_sha256=GUIDELINE.sha256,
            answer=answer if sure else None,
            confidence=sure,
            reason="-",
            threshold=0.8,
            created_at=store.database.clock(),
            **fields | changes,  # type: ignore[arg-type]
        )
        store.labels.save([label], run)
        return label

    return give


@pytest.fixture
def verify(queue: ReviewQueue) -> Callable[..., None]:
    """Has maria decide the open reviews of documents."""

    def give(reviewer: str = "maria", seconds: float = 6.0, **answers: Answer | None) -> None:
        for _ in answers:
            [item] = queue.take(reviewer)
            right = answers[item.document.id]
            queue.verdict(
                item.id,
                token=item.token,
                kind="reject" if right is None else "correct",
                reviewer=reviewer,
                answer=right,
                seconds=seconds,
            )

    return give


def test_without_anything_there_is_nothing_to_show(detail: Callable[..., QualityDetail]) -> None:
    found = detail()
    assert (found.n, found.reliability.n, found.reliability.ece, found.reliability.auroc) == (
        0, 0, None, None
    )  # fmt: skip
    assert (found.risk_coverage, found.active, found.agreement) == ((), None, None)
    assert (found.throughput, found.waiting) == ((), ())
    assert found.confusion is not None
    assert found.confusion.counts == ((0, 0, 0),) * 3


def test_numbers_are_those_worked_by_hand(
    put: Callable[..., Label],
    verify: Callable[..., None],
    detail: Callable[..., QualityDetail],
) -> None:
    for id, sure in (("a", 0.95), ("b", 0.95), ("c", 0.55), ("d", None)):
        put(id, sure)
    verify(a=GOOD, b=BAD, c=GOOD, d=BAD)
    found = detail()
    assert (found.n, found.left_out, found.calibrator, found.threshold) == (4, 0, None, 0.8)
    scores = found.reliability
    assert scores.n == 3, "without an answer there is no confidence"
    assert [(each.n, each.confidence, each.accuracy) for each in scores.bins] == [
        (1, pytest.approx(0.55), 1.0),
        (2, pytest.approx(0.95), 0.5),
    ]
    assert scores.ece == pytest.approx((1 * 0.45 + 2 * 0.45) / 3)
    assert scores.brier == pytest.approx((0.05**2 + 0.95**2 + 0.45**2) / 3)
    assert scores.auroc == pytest.approx((0.5 + 0) / 2)
    assert [(p.threshold, p.coverage, p.risk) for p in found.risk_coverage] == [
        (0.95, 0.5, 0.5),
        (0.55, 0.75, pytest.approx(1 / 3)),
    ]
    assert found.active is not None
    assert (found.active.threshold, found.active.coverage, found.active.risk) == (0.8, 0.5, 0.5)
    assert found.active.bound == binomial_upper(1, 2, 0.05)
    assert found.confusion is not None
    assert found.confusion.labels == ("good", "bad", NONE)
    assert found.confusion.counts == ((2, 0, 0), (1, 0, 1), (0, 0, 0))
    [maria] = found.throughput
    assert (maria.reviewer, maria.decided, maria.median_seconds) == ("maria", 4, 6.0)
    assert maria.per_hour == pytest.approx(600)
    assert detail(None).active is None


def test_an_answer_drawn_at_one_in_ten_stands_for_ten(
    put: Callable[..., Label],
    verify: Callable[..., None],
    detail: Callable[..., QualityDetail],
) -> None:
    put("rare", 0.9, rate=0.1)
    put("sure", 0.9, rate=1.0)
    verify(rare=BAD, sure=GOOD)
    found = detail()
    assert found.active is not None
    assert found.active.risk == pytest.approx(10 / 11)
    assert found.active.bound is None, "no exact bound is known of unlike chances"
    assert found.reliability.bins[0].accuracy == pytest.approx(1 / 11)


def test_doubted_answers_tell_nothing_of_the_others(
    put: Callable[..., Label],
    verify: Callable[..., None],
    detail: Callable[..., QualityDetail],
) -> None:
    put("doubted", 0.5, rate=0.0)
    put("forced", 0.6, rate=0.0, forced=True)
    verify(doubted=BAD, forced=GOOD)
    assert detail().n == 1
    assert detail().reliability.bins[0].confidence == pytest.approx(0.6)
    assert sum(each.decided for each in detail().throughput) == 2


def test_confidences_made_otherwise_are_left_out_and_counted(
    put: Callable[..., Label],
    verify: Callable[..., None],
    detail: Callable[..., QualityDetail],
) -> None:
    put("before", 0.9)
    put("after", 0.7, calibrator="t-2")
    verify(before=BAD, after=GOOD)
    found = detail()
    assert (found.n, found.left_out, found.calibrator) == (1, 1, "t-2")
    assert found.reliability.ece == pytest.approx(0.3)


def test_a_verdict_taken_back_is_no_sample_any_more(
    put: Callable[..., Label],
    verify: Callable[..., None],
    detail: Callable[..., QualityDetail],
    queue: ReviewQueue,
) -> None:
    put("a", 0.9)
    verify(a=GOOD)
    assert detail().n == 1
    queue.undo_last("maria")
    assert detail().n == 0
    [waits] = detail().waiting
    assert (waits.title, waits.kind, waits.open, waits.leased) == ("Mood", "blind", 1, 1)


def of_part(part: str) -> Document:
    texts = (Document.of_text(f"gold {n}", id=f"g{n}") for n in range(100))
    return next(each for each in texts if part_of(each.text_sha256) == part)


@pytest.mark.parametrize(("part", "counts"), [("certify", 1), ("fit", 0)])
def test_imported_gold_counts_unless_it_may_have_been_learned_by_heart(
    put: Callable[..., Label], store: Store, part: str, counts: int
) -> None:
    gold = of_part(part)
    store.gold.add([NewGold(document=gold, answer=BAD)], REF)
    put("later", 0.9, text=gold.text, rate=0.0)
    found = Sampled(store.database)(REF)
    assert len(found) == counts
    assert [(each.confidence, each.weight) for each in found] == [(0.9, 1.0)] * counts


def test_a_label_from_before_the_import_counts_whatever_its_part(
    put: Callable[..., Label], store: Store
) -> None:
    gold = of_part("fit")
    put("earlier", 0.9, text=gold.text, rate=0.0)
    store.gold.add([NewGold(document=gold, answer=BAD)], REF)
    [found] = Sampled(store.database)(REF)
    assert found.answers() == (GOOD, BAD)
    store.gold.add([NewGold(document=gold, answer=GOOD)], REF, replace=True)
    [found] = Sampled(store.database)(REF)
    assert found.agrees


def test_a_panel_counts_once_and_its_agreement_is_shown(
    put: Callable[..., Label],
    verify: Callable[..., None],
    detail: Callable[..., QualityDetail],
) -> None:
    put("a", 0.9, reviewers=2)
    verify("maria", a=GOOD)
    assert detail().n == 0
    verify("ben", a=GOOD)
    found = detail()
    assert found.n == 1
    assert found.agreement is not None
    assert (found.agreement.panels, found.agreement.settled) == (1, 1)


def test_what_was_measured_is_kept_until_a_label_or_verdict_is_new(
    store: Store, queue: ReviewQueue, put: Callable[..., Label], verify: Callable[..., None]
) -> None:
    details = QualityDetails()
    put("a", 0.9)
    verify(a=GOOD)
    first = details(store, queue, GUIDELINE, 0.8)
    assert details(store, queue, GUIDELINE, 0.8).reliability is first.reliability
    assert details(store, queue, GUIDELINE, 0.95).active != first.active
    put("b", 0.85)
    verify(b=BAD)
    assert details(store, queue, GUIDELINE, 0.8) == quality_detail(store, queue, GUIDELINE, 0.8)
    assert details(store, queue, GUIDELINE, 0.8).n == 2
    queue.undo_last("maria", None)
    assert details(store, queue, GUIDELINE, 0.8).n == 1


def test_spans_are_confused_place_by_place() -> None:
    def spans(*given: tuple[int, int, str]) -> dict[str, object]:
        units = tuple(Span(start=s, end=e, label=label) for s, e, label in given)
        return SpansAnswer(spans=units).model_dump()

    pairs = [
        (spans((0, 4, "good"), (5, 9, "bad")), spans((0, 4, "bad"), (10, 12, "bad"))),
        (spans((0, 4, "good")), spans((0, 4, "good"))),
        (spans((0, 4, "good"), (0, 4, "bad")), spans((0, 4, "bad"))),
        (None, spans((0, 4, "bad"))),
    ]
    checked = [Checked(str(n), said, right, 0.5, None, 1.0, None) for n, (right, said) in
               enumerate(pairs)]  # fmt: skip
    found = confusion_of(checked, a_guideline().model_copy(update={"kind": "spans"}))
    assert found is not None
    assert found.counts == ((1, 1, 1), (0, 1, 1), (0, 2, 0))
    transcripts = a_guideline().model_copy(update={"kind": "transcript"})
    assert confusion_of(checked, transcripts) is None


@pytest.mark.parametrize(("part", "counts"), [("certify", 1), ("fit", 0)])
def test_a_label_made_after_its_document_was_verified_counts_only_where_nothing_is_fitted(
    put: Callable[..., Label], verify: Callable[..., None], store: Store, part: str, counts: int
) -> None:
    text = of_part(part).text
    put("a", 0.9, text=text)
    verify(a=BAD)
    assert len(Sampled(store.database)(REF)) == 1
    put("a", 0.9, text=text, run=2, answer=BAD)
    [label] = store.documents.get("a").labels
    assert store.audits.requeue([label.id], "relabel", "It was labeled anew.") == 1
    verify("ben", a=BAD)
    assert len(Sampled(store.database)(REF)) == counts
