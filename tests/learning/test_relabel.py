"""Labels that people look at again, chosen on real labels in a real store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from live_parts import BAD, GOOD, Clock, a_guideline

from llmlabel.domain.answer import Answer, Span, SpansAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Label, Route
from llmlabel.errors import InvalidInput, UnknownGuideline
from llmlabel.learning.label_errors import REASON, Suspect
from llmlabel.learning.relabel import Relabeling, Wanted, check, said_of, select
from llmlabel.review import ReviewQueue
from llmlabel.store import Store

MOOD = "mood@1.0.0"
START = datetime(2026, 5, 4, 9, tzinfo=UTC)


@pytest.fixture
def clock(store: Store) -> Clock:
    clock = Clock(START)
    store.database.clock = clock
    return clock


@pytest.fixture
def accept(store: Store, clock: Clock) -> Callable[..., str]:
    """Stores an accepted label and gives its id."""

    def put(
        id: str, answer: Answer | None = GOOD, sure: float = 0.9, ref: str = MOOD, **changes: Any
    ) -> str:
        document = Document.of_text(f"text of {id}", id=id)
        store.documents.add([document], [ref])
        label = Label(
            document_id=id,
            text_sha256=document.text_sha256,
            guideline=ref,
            guideline_sha256="0" * 64,
            answer=answer,
            confidence=None if answer is None else Confidence(value=sure, method="fake"),
            route=Route.ACCEPTED if answer else Route.REVIEW,
            reason="-",
            threshold=0.8,
            created_at=clock(),
        )
        store.labels.save([label.model_copy(update=changes)])
        (stored,) = store.labels.history(id, ref)
        return stored.id

    return put


@pytest.fixture
def queue(store: Store, clock: Clock) -> ReviewQueue:
    return ReviewQueue(store, lambda ref: a_guideline(), lease_seconds=300)


def test_labels_are_chosen_by_answer_confidence_and_moment_oldest_first(
    store: Store, clock: Clock, accept: Callable[..., str]
) -> None:
    a = accept("a", sure=0.95)
    clock.move(days=1)
    b = accept("b", answer=BAD, sure=0.85)
    clock.move(days=1)
    c = accept("c", sure=0.85)
    accept("other", ref="mood@2.0.0")
    assert select(store, MOOD) == [a, b, c]
    assert select(store, MOOD, limit=2) == [a, b]
    assert select(store, MOOD, label="bad") == [b]
    assert select(store, MOOD, confidence_below=0.95) == [b, c]
    assert select(store, MOOD, confidence_above=0.95) == [a]
    assert select(store, MOOD, since=START + timedelta(days=1)) == [b, c]
    naive = (START + timedelta(days=1)).replace(tzinfo=None)
    assert select(store, MOOD, until=naive) == [a]
    assert select(store, MOOD, since=naive, until=START + timedelta(days=2)) == [b]
    assert select(store, MOOD, verified=True) == []
    assert select(store, MOOD, verified=False, label="good", confidence_below=0.9) == [c]


def test_a_label_of_spans_is_one_that_any_span_has(
    store: Store, accept: Callable[..., str]
) -> None:
    both = SpansAnswer(
        spans=(Span(start=0, end=1, label="PERSON"), Span(start=2, end=3, label="PLACE"))
    )
    a = accept("a", answer=both)
    accept("b", answer=SpansAnswer())
    accept("c", answer=None)
    assert select(store, MOOD, label="PLACE") == [a]
    assert select(store, MOOD, label="TIME") == []


def test_more_than_a_page_is_read_to_the_end(
    store: Store, accept: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlabel.store.current._PAGE", 2)
    ids = [accept(f"d{n}") for n in range(5)]
    assert select(store, MOOD) == ids


async def test_what_was_chosen_waits_and_its_label_stands_until_it_is_decided(
    store: Store, accept: Callable[..., str], relabel: Relabeling, queue: ReviewQueue
) -> None:
    accept("a", sure=0.81)
    accept("b")
    wanted = Wanted(confidence_below=0.85)
    counted = await relabel("mood", wanted, dry_run=True)
    assert (counted.selected, counted.queued) == (1, 0)
    assert store.counts().reviews_open == 0
    done = await relabel("mood", wanted, reason=" a new rule ")
    assert (done.selected, done.queued) == (1, 1)
    again = await relabel("mood", wanted)
    assert (again.selected, again.queued) == (0, 0), "it waits already"
    (label,) = store.documents.get("a").labels
    assert label.label.route is Route.ACCEPTED
    item = queue.next("ann")
    assert item is not None
    assert (item.kind, item.reason, item.document.id) == ("relabel", "a new rule", "a")
    queue.verdict(item.id, token=item.token, kind="correct", reviewer="ann", answer=BAD)
    history = [each.label.answer for each in store.labels.history("a", "mood")]
    assert history == [GOOD, BAD], "and what was said before is kept"
    assert len(select(store, MOOD, verified=True)) == 1


async def test_suspected_errors_come_worst_first_and_each_is_looked_at_again_once(
    store: Store,
    accept: Callable[..., str],
    relabel: Relabeling,
    queue: ReviewQueue,
    suspects: list[Suspect],
) -> None:
    for id in ("a", "b", "c", "d", "e"):
        accept(id)
        store.audits.requeue([label.id for label in store.labels.history(id)], "relabel", "-")
        item = queue.next("ann")
        assert item is not None
        queue.verdict(item.id, token=item.token, kind="confirm", reviewer="ann")
    accept("unverified")
    suspects += [
        suspect("a", 0.4),
        suspect("b", 0.1),
        suspect("c", 0.0, likely=False),
        suspect("d", 0.0, looked_again=True),
        suspect("unverified", 0.0),
        suspect("gone", 0.0),
    ]
    found = select(store, MOOD, suspected_errors=suspects)
    newest = {id: store.labels.history(id, "mood")[-1].id for id in ("a", "b")}
    assert found == [newest["b"], newest["a"]]
    assert select(store, MOOD, suspected_errors=suspects, limit=1) == [newest["b"]]
    assert (await relabel("mood", Wanted(suspected_errors=True, limit=1))).queued == 1
    again = queue.next("ann")
    assert again is not None
    assert again.reason == REASON


def suspect(id: str, quality: float, **changes: Any) -> Suspect:
    return Suspect(
        document_id=id,
        text="-",
        text_sha256="0" * 64,
        verified=GOOD,
        suggested=BAD,
        quality=quality,
        source="verdict",
        **{"likely": True} | changes,
    )


@pytest.fixture
def suspects() -> list[Suspect]:
    return []


@pytest.fixture
def relabel(store: Store, suspects: list[Suspect]) -> Relabeling:
    async def label_errors(ref: str) -> list[Suspect]:
        assert ref == MOOD
        return suspects

    def guideline(ref: str) -> Guideline:
        if ref.partition("@")[0] != "mood":
            raise UnknownGuideline(ref)
        return a_guideline()

    return Relabeling(lambda: store, guideline, label_errors)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted(label="joy"), "label"),
        (Wanted(confidence_below=1.5), "confidence_below"),
        (Wanted(confidence_above=-0.1), "confidence_above"),
        (Wanted(confidence_above=float("nan")), "confidence_above"),
        (Wanted(confidence_below=0.5, confidence_above=0.5), "confidence_below"),
        (Wanted(since=START, until=START.replace(tzinfo=None)), "until"),
        (Wanted(suspected_errors=True, verified=False), "verified"),
    ],
)
async def test_what_contradicts_itself_names_its_field(
    wanted: Wanted, field: str, relabel: Relabeling
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await relabel("mood", wanted)
    assert refused.value.field == field


async def test_a_guideline_that_does_not_exist_is_refused(relabel: Relabeling) -> None:
    with pytest.raises(UnknownGuideline):
        await relabel("weather", Wanted())


def test_a_kind_without_labels_says_so() -> None:
    guideline = a_guideline().model_copy(update={"kind": "transcript", "labels": ()})
    with pytest.raises(InvalidInput, match="it has none"):
        check(Wanted(label="good"), guideline)


def test_the_reason_tells_what_was_wanted() -> None:
    wanted = Wanted(label="bad", confidence_below=0.9, verified=False, since=START)
    assert said_of(wanted) == (
        "labels with the label bad, with a confidence below 0.9, since 2026-05-04, decided by "
        "nobody are looked at again"
    )
    assert said_of(Wanted()) == "labels of this guideline are looked at again"
