"""Days under a certificate are compared with its sample; drift has more audits drawn."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from live_parts import Clock, World, a_guideline

from llmlabel.confidence.shift import Shift
from llmlabel.domain.prediction import Prediction
from llmlabel.domain.promise import Certificate
from llmlabel.learning.drift import NOTICED, DriftDay, audit_factor
from llmlabel.learning.reference import KEPT, reference_in, reference_of
from llmlabel.learning.speak import Spoken
from llmlabel.learning.watch import Watch
from llmlabel.store import Store

REF = "mood@1.0.0"


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 5, 4, 9, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}", recordings=tmp_path / "r", clock=clock)
    yield store
    store.close()


@pytest.fixture
def world(store: Store) -> World:
    return World(store, a_guideline(audit=0.2))


@pytest.fixture
def watch(world: World) -> Watch:
    return Watch(world.store, lambda ref: world.guideline)


@pytest.fixture
async def certificate(world: World) -> Certificate:
    world.gold(300, wrong=0.0)
    return await world.certify()


def rate(world: World) -> float | None:
    return world.store.gates.get(REF).audit_rate


def test_a_long_sample_is_thinned_and_keeps_its_shape(world: World) -> None:
    some = world.documents(2000)
    for document in some[:200]:
        world.said[document.text] = None
    sample = reference_in(reference_of([world.say(each) for each in some]))
    assert sample is not None
    assert len(sample.confidence) == KEPT
    unanswered = int(np.isnan(sample.confidence).sum())
    assert unanswered / KEPT == pytest.approx(0.1, abs=0.01)
    assert sum(sample.labels.values()) == 2000


def test_a_certificate_without_a_sample_is_not_compared() -> None:
    assert reference_in({"looked": False}) is None


async def test_days_like_the_gold_change_nothing(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(200, certificate)
    [day] = watch.drift(REF)
    assert day.day == date(2026, 5, 4)
    assert not day.shift.drifted
    assert rate(world) is None
    assert world.store.events.after(kind=NOTICED) == []


async def test_a_day_of_drift_doubles_the_audits_and_is_noticed_once(
    world: World, watch: Watch, certificate: Certificate, clock: Clock
) -> None:
    world.deliver(100, certificate, confidence=0.55)
    for _ in range(3):
        watch.drift(REF)
    assert rate(world) == pytest.approx(0.4)
    [event] = world.store.events.after(kind=NOTICED)
    assert event.subject == "mood@1.0.0 2026-05-04"
    assert "confidences are lower" in str(event.payload["words"])
    assert world.store.certificates.active(REF) == certificate, "drift voids nothing"


async def test_two_days_make_it_four_times_and_a_calm_day_ends_it(
    world: World, watch: Watch, certificate: Certificate, clock: Clock
) -> None:
    for expected in (0.4, 0.8, 0.8):
        world.deliver(60, certificate, confidence=0.55)
        watch.drift(REF)
        assert rate(world) == pytest.approx(expected)
        clock.move(days=1)
    world.deliver(10, certificate, confidence=0.55)
    watch.drift(REF)
    assert rate(world) == pytest.approx(0.8), "a few documents tell nothing"
    clock.move(days=1)
    world.deliver(100, certificate)
    watch.drift(REF)
    assert rate(world) is None
    assert len(world.store.events.after(kind=NOTICED)) == 3


async def test_the_rate_never_passes_one(store: Store, clock: Clock) -> None:
    world = World(store, a_guideline(audit=0.7))
    world.gold(300, wrong=0.0)
    certificate = await world.certify()
    world.deliver(60, certificate, confidence=0.55)
    Watch(store, lambda ref: world.guideline).drift(REF)
    assert rate(world) == 1.0


async def test_a_clock_that_steps_back_notices_no_day_twice(
    world: World, watch: Watch, certificate: Certificate, clock: Clock
) -> None:
    world.deliver(60, certificate, confidence=0.55)
    watch.drift(REF)
    clock.move(hours=-2)
    world.deliver(60, certificate, confidence=0.55)
    watch.drift(REF)
    assert len(world.store.events.after(kind=NOTICED)) == 1


async def test_unlike_documents_are_noticed_where_the_student_says_how_near_they_are(
    world: World, watch: Watch
) -> None:
    near = 0.9
    say = world.say

    def with_distance(document: object) -> Spoken:
        spoken = say(document)  # type: ignore[arg-type]
        jitter = world.random.random() / 20
        opinion = spoken.opinions[0].model_copy(
            update={"evidence": {"nearest_similarity": near + jitter}}
        )
        return Spoken(spoken.judged, (Prediction.model_validate(opinion.model_dump()),))

    world.say = with_distance  # type: ignore[method-assign, assignment]
    world.gold(300, wrong=0.0)
    certificate = await world.certify()
    world.deliver(60, certificate)
    [day] = watch.drift(REF)
    assert day.shift.signs == ()
    near = 0.2
    world.deliver(60, certificate)
    [day] = watch.drift(REF)
    assert day.shift.signs == ("novelty",)
    assert day.shift.novel_share == pytest.approx(0.5, abs=0.1)


async def test_without_a_certificate_there_is_nothing_to_compare(
    world: World, watch: Watch
) -> None:
    assert watch.drift(REF) == []


def a_day(documents: int, *signs: str) -> DriftDay:
    shift = Shift(300, documents, None, None, None, None, None, None, signs, "-")
    return DriftDay(date(2026, 5, 4), shift)


@pytest.mark.parametrize(
    ("days", "factor"),
    [
        ([], 1),
        ([a_day(99)], 1),
        ([a_day(99, "labels")], 2),
        ([a_day(99, "labels"), a_day(99, "labels")], 4),
        ([a_day(99, "labels")] * 5, 4),
        ([a_day(99, "labels"), a_day(99)], 1),
        ([a_day(99), a_day(99, "labels"), a_day(3)], 2),
    ],
)
def test_the_audit_rate_follows_the_last_days(days: list[DriftDay], factor: float) -> None:
    assert audit_factor(days) == factor
