"""Audits are weighed; a broken promise closes the gate, once, and says so; on either database."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_parts import ACCEPTED, DELIVERED, Clock, World

from llmlabel.domain.label import Route
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.learning.live import Seen, live_risk
from llmlabel.learning.watch import BREACHED, Watch
from llmlabel.store import Asker, Store

REF = "mood@1.0.0"
MARIA = Asker("maria", None, timedelta(hours=1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store.open(database_url, recordings=tmp_path / "r", clock=clock)
    yield store
    store.close()


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def watch(world: World) -> Watch:
    return Watch(world.store, lambda ref: world.guideline, risk_seconds=0, drift_seconds=0)


@pytest.fixture
async def certificate(world: World) -> Certificate:
    world.gold(300, confidence=0.95, wrong=0.0)
    return await world.certify()


def events(store: Store, kind: str) -> list[str]:
    return [event.subject for event in store.events.after(kind=kind)]


async def test_good_answers_keep_the_certificate(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(300, certificate, confidence=0.95, wrong=0.01)
    world.review()
    live = watch.check(REF)
    assert live is not None
    assert not live.broken
    assert live.accepted == 300
    assert 30 <= live.audits <= 90
    assert live.low <= 0.01 <= live.high
    assert world.store.gates.get(REF).open
    assert world.store.certificates.active(REF) == certificate


async def test_a_broken_promise_closes_the_gate_and_takes_answers_back(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    good = world.deliver(100, certificate, confidence=0.95, wrong=0.0)
    bad = world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    world.review()
    live = watch.check(REF)
    assert live is not None
    assert live.broken
    assert live.low >= DELIVERED.error

    gate = world.store.gates.get(REF)
    assert not gate.open
    assert "llmlabel certify mood@1.0.0" in gate.reason
    ended = world.store.certificates.get(certificate.id)
    assert (ended.status, world.store.certificates.active(REF)) == ("breached", None)
    assert events(world.store, BREACHED) == [certificate.id]

    waiting = {
        item.document.id: item for item in world.store.reviews.page(limit=500, status="open").items
    }
    assert {item.kind for item in waiting.values()} == {"breach"}
    unseen_bad = {each.document_id for each in bad[50:] if not each.drawn}
    unseen_good = {each.document_id for each in good[:50] if not each.drawn}
    assert unseen_bad <= set(waiting)
    assert unseen_good
    assert not unseen_good & set(waiting), "what a good audit came after stays accepted"
    for id in waiting:
        assert world.store.documents.get(id).labels[0].label.route is Route.REVIEW


async def test_doing_it_again_changes_nothing(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    world.review()
    watch.check(REF)
    before = world.store.reviews.page(limit=500)
    gate = world.store.gates.get(REF)
    for _ in range(3):
        assert watch.check(REF) is None
        watch.upkeep()
    assert world.store.reviews.page(limit=500) == before
    assert world.store.gates.get(REF) == gate
    assert events(world.store, BREACHED) == [certificate.id]


async def test_two_watchers_at_once_act_as_one(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    world.review()
    others = [Watch(world.store, lambda ref: world.guideline) for _ in range(4)]
    ready = threading.Barrier(len(others))

    def look(each: Watch) -> None:
        ready.wait()
        each.check(REF)

    with ThreadPoolExecutor(len(others)) as threads:
        list(threads.map(look, others))
    assert events(world.store, BREACHED) == [certificate.id]
    assert events(world.store, "gate.closed") == [REF]
    waiting = [
        item.document.id for item in world.store.reviews.page(limit=500, status="open").items
    ]
    assert len(waiting) == len(set(waiting)) > 0


async def test_an_answer_accepted_while_the_gate_closed_is_taken_back_too(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    world.review()
    watch.check(REF)
    [late] = world.deliver(1, certificate, rate=0.0, confidence=0.95)
    watch.check(REF)
    assert world.store.documents.get(late.document_id).labels[0].label.route is Route.REVIEW


async def test_a_process_that_dies_after_closing_the_gate_is_finished_by_another(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    world.review()
    world.store.gates.close(REF, "broken", certificate=certificate.id)
    assert events(world.store, BREACHED) == []
    watch.upkeep()
    assert events(world.store, BREACHED) == [certificate.id]
    assert world.store.reviews.page(limit=500, status="open").items


async def test_undoing_the_verdict_that_broke_it_does_not_open_the_gate(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    last = None
    while (live := watch.check(REF)) is not None:
        assert not live.broken or live.audits
        [last] = world.review(1)
    assert last is not None
    world.store.reviews.verdicts.undo(MARIA, last)
    watch.check(REF)
    watch.upkeep()
    assert not world.store.gates.get(REF).open
    assert world.store.certificates.active(REF) is None


async def test_a_verdict_on_an_audit_is_weighed_at_once_and_others_are_not(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    closed_after = None
    for number in range(1000):
        decided = world.review(1)
        if not decided:
            break
        watch.decided(world.store.reviews.get(decided[0]))
        if not world.store.gates.get(REF).open:
            closed_after = number
            break
    assert closed_after is not None
    assert world.store.certificates.get(certificate.id).status == "breached"


async def test_a_new_certificate_on_gold_from_since_opens_the_gate_again(
    world: World, watch: Watch, certificate: Certificate
) -> None:
    world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    world.review()
    watch.check(REF)
    assert (await world.certify()).status == "infeasible"
    world.gold(150, confidence=0.97, wrong=0.0)
    again = await world.certify()
    assert again.status == "active"
    assert world.store.gates.get(REF).open
    live = watch.check(REF)
    assert live is not None
    assert (live.accepted, live.audits, live.broken) == (0, 0, False)


async def test_a_clock_that_steps_back_hides_no_breach(
    world: World, watch: Watch, certificate: Certificate, clock: Clock
) -> None:
    world.deliver(75, certificate, confidence=0.95, wrong=0.6)
    clock.move(days=-30)
    late = world.deliver(75, certificate, confidence=0.95, wrong=0.6)
    world.review()
    watch.check(REF)
    assert not world.store.gates.get(REF).open
    taken_back = {
        item.document.id for item in world.store.reviews.page(limit=500, status="open").items
    }
    assert {each.document_id for each in late if not each.drawn} <= taken_back


async def test_what_people_reviewed_dilutes_a_delivered_promise_but_not_an_accepted_one(
    world: World, watch: Watch
) -> None:
    world.gold(300, confidence=0.95, wrong=0.0)
    certificate = await world.certify()
    world.deliver(20, certificate, rate=1.0, confidence=0.95, wrong=0.2)
    world.deliver(180, certificate, rate=1.0, confidence=0.05, wrong=0.5)
    world.review()
    live = watch.live(certificate)
    assert live.doubted == 180
    assert live.estimate is not None
    assert live.estimate < 0.05
    assert not live.broken
    same = certificate.model_copy(update={"promise": Promise(kind="accepted", error=0.01)})
    unseen = watch.live(same)
    assert unseen.estimate is not None
    assert unseen.estimate == pytest.approx(10 * live.estimate)


def test_without_audits_nothing_is_known() -> None:
    live = live_risk([], DELIVERED)
    assert (live.estimate, live.low, live.high, live.broken) == (None, 0.0, 1.0, False)


def test_an_open_audit_counts_for_neither_side() -> None:
    decided = [Seen(n, 0.5, True, 0.0) for n in range(1, 100)]
    waiting = [*decided, Seen(100, 0.5, True)]
    live = live_risk(waiting, ACCEPTED)
    assert (live.estimate, live.pending, live.low) == (0.0, 1, 0.0)
    assert live.high >= live_risk(decided, ACCEPTED).high


def test_the_last_good_audit_is_the_one_before_the_errors_began() -> None:
    seen = [Seen(n, 1.0, True, 0.0) for n in range(1, 41)]
    seen += [Seen(n, 1.0, True, 1.0) for n in range(41, 61)]
    live = live_risk(seen, DELIVERED)
    assert live.broken
    assert live.good_until == 42  # 2 of 42 is the last share below 5%


def test_where_a_reviewed_document_stands_among_runs_is_no_matter() -> None:
    audits = [Seen(10 * n, 0.5, True, float(n == 3)) for n in range(1, 6)]
    run = Seen(9, 0.5, count=9)
    before = live_risk([*audits, run, Seen(1, 0.5, accepted=False)], DELIVERED)
    after = live_risk([Seen(8, 0.5, accepted=False), run, *audits], DELIVERED)
    assert before == after


@given(
    losses=st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), max_size=20),
    rate=st.sampled_from([0.05, 1.0]),
    doubted=st.integers(0, 100),
)
@settings(max_examples=20, deadline=None)
def test_a_verdict_to_come_can_only_lower_the_upper_end(
    losses: list[float | None], rate: float, doubted: int
) -> None:
    reviewed = [Seen(2 * n + 1, rate, accepted=False) for n in range(doubted)]
    seen = [Seen(2 * n + 2, rate, True, loss) for n, loss in enumerate(losses)]
    open_ = live_risk([*seen, *reviewed], DELIVERED)
    for value in (0.0, 1.0):
        done = [Seen(s.seq, s.rate, True, value if s.loss is None else s.loss) for s in seen]
        closed = live_risk([*done, *reviewed], DELIVERED)
        assert max(open_.high, closed.low) >= closed.high - 1e-12
        assert 0 <= closed.low <= closed.high <= 1


def test_a_kept_promise_is_seldom_called_broken_however_often_one_looks() -> None:
    alarms = 0
    for seed in range(60):
        draws = random.Random(seed)
        seen = []
        for n in range(1, 401):
            accepted, drawn = draws.random() < 0.8, draws.random() < 0.3
            loss = float(draws.random() < 0.05) if accepted and drawn else None
            seen.append(Seen(n, 0.3, drawn and accepted, loss, accepted=accepted))
        alarms += live_risk(seen, DELIVERED).broken  # its lower end is the highest it ever was
    assert alarms <= 5  # 2.5% of 60 is 1.5; more than 5 has a probability below 1%
