"""The system under a promise, order after order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_streams import USUAL, KnownLearner, learner_of, made_stream

from llmlabel.confidence.bounds import smallest_sample
from llmlabel.domain.promise import Promise
from llmlabel.errors import InvalidInput
from llmlabel.learning.simulate.policies import POLICIES
from llmlabel.learning.simulate.replay import (
    Replay,
    Rules,
    Standing,
    before_the_stream,
)
from llmlabel.learning.simulate.report import is_broken
from llmlabel.learning.simulate.simulation import Conditions, simulate
from llmlabel.learning.simulate.stream import Stream, make_order
from llmlabel.learning.simulate.trace import Trace


def replayed(
    stream: Stream, learner: KnownLearner, number: int = 0, rules: Rules | None = None
) -> Trace:
    rules = rules or Rules(USUAL)
    order = make_order(stream, number, seed=0, reviewer_error=0.0, audit=rules.audit)
    standing = before_the_stream(stream, learner, rules)
    return Replay(stream, learner, rules, order, standing).run()


def sure(stream: Stream) -> KnownLearner:
    count = len(stream.documents)
    return KnownLearner.of(stream, np.linspace(0.9, 0.99, count).tolist(), [True] * count)


def hopeless(stream: Stream) -> KnownLearner:
    count = len(stream.documents)
    random = np.random.default_rng(0)
    return KnownLearner.of(
        stream, random.random(count).tolist(), (random.random(count) < 0.4).tolist()
    )


@settings(max_examples=6, deadline=None)
@given(
    skill=st.floats(0.0, 1.0),
    seed=st.integers(0, 50),
    error=st.sampled_from([0.0, 0.1]),
    kind=st.sampled_from(["delivered", "accepted"]),
)
def test_people_and_unseen_answers_add_up_to_the_documents(
    skill: float, seed: int, error: float, kind: str
) -> None:
    stream = made_stream(120, 150, skill=skill, seed=seed)
    promise = Promise.parse(f"{kind}:0.1:0.9")
    learner = learner_of(stream, promise=promise)
    traces = simulate(stream, learner, learner, Rules(promise), Conditions(2, error, seed))
    arrived = np.arange(1, 121)
    for each in (trace for found in traces.values() for trace in found):
        assert (each.human + each.unseen == arrived).all()
        assert sum(each.reasons.values()) == each.human[-1]
        assert (each.unseen_wrong <= each.wrong).all()
        assert (each.unseen_wrong <= each.unseen).all()


def test_the_same_seed_gives_the_same_and_another_seed_another_account() -> None:
    stream = made_stream(150, 200)

    def run(seed: int) -> list[tuple[int, ...]]:
        learner = learner_of(stream)
        traces = simulate(stream, learner, learner, Rules(USUAL), Conditions(2, 0.05, seed))
        return [tuple(t.wrong.tolist()) for found in traces.values() for t in found]

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_a_perfect_labeler_needs_few_people() -> None:
    stream = made_stream(400, 400)
    found = replayed(stream, sure(stream))
    assert found.human[-1] < 0.12 * stream.n
    assert found.reasons["gold"] == 0
    assert found.wrong[-1] == 0


def test_a_hopeless_labeler_delivers_nothing_unseen() -> None:
    stream = made_stream(300, 300)
    found = replayed(stream, hopeless(stream))
    assert found.unseen[-1] == 0
    assert found.human[-1] == stream.n


def test_from_a_cold_start_nothing_is_accepted_before_a_certificate_is_possible() -> None:
    stream = made_stream(600)
    rules = Rules(USUAL)
    found = replayed(stream, sure(stream), rules=rules)
    assert found.certificates >= 1
    first = int(np.flatnonzero(found.unseen)[0])
    verified = make_order(stream, 0, seed=0, reviewer_error=0, audit=0.05).sequence[:first]
    assert stream.certifies[verified].sum() >= smallest_sample(0.05, rules.delta(1))
    assert (found.human[:first] == np.arange(1, first + 1)).all()


@pytest.mark.parametrize("history", [0, 60])
def test_without_a_certificate_nothing_is_accepted(history: int) -> None:
    stream = made_stream(100, history)
    found = replayed(stream, sure(stream))
    assert found.certificates == 0
    assert found.threshold is None
    assert found.unseen[-1] == 0


def test_answers_that_do_not_exist_go_to_people() -> None:
    stream = made_stream(300, 400)
    learner = sure(stream)
    learner.raw.confidence[-100:] = np.nan
    found = replayed(stream, learner)
    assert found.unseen[-1] <= 200
    assert found.reasons["doubt"] >= 100


def test_audits_are_about_as_many_as_their_rate_says() -> None:
    stream = made_stream(500, 400)
    rules = Rules(USUAL, audit=0.2)
    audits = [replayed(stream, sure(stream), k, rules).reasons["audit"] for k in range(6)]
    assert 0.15 * 500 < np.mean(audits) < 0.25 * 500


def test_a_promise_that_does_not_hold_is_found_out_and_the_unchecked_recalled() -> None:
    stream = made_stream(1000, skill=0.2)
    learner = hopeless(stream)
    rules = Rules(USUAL, audit=0.2)
    order = make_order(stream, 0, seed=0, reviewer_error=0.0, audit=0.2)
    # A certificate that is plainly wrong: everything is accepted.
    found = Replay(stream, learner, rules, order, Standing(learner.raw, 0.0, 1.0, 1)).run()
    assert found.breaches == 1
    assert found.reasons["breach"] > 0
    assert found.threshold is None
    closed = int(np.flatnonzero(np.diff(found.unseen) < 0)[0])
    assert closed < 300
    # Afterwards all go to people.
    assert (np.diff(found.human[closed + 1 :]) == 1).all()


def test_over_many_orders_the_promise_is_broken_no_more_often_than_allowed() -> None:
    orders, broken, accepted = 100, 0, 0
    for number in range(orders):
        stream = made_stream(500, seed=number)
        random = np.random.default_rng(number)
        confidence = random.beta(4, 0.7, 500)
        learner = KnownLearner.of(
            stream, confidence.tolist(), (random.random(500) < confidence).tolist()
        )
        found = replayed(stream, learner, number)
        broken += is_broken(found, USUAL)
        accepted += int(found.unseen[-1]) > 0
    assert accepted > orders / 2
    assert broken <= 0.05 * orders + 2 * (orders * 0.05 * 0.95) ** 0.5


def test_every_policy_is_run_on_every_order_and_random_spends_what_the_promise_did() -> None:
    stream = made_stream(150, 300)
    learner = learner_of(stream)
    traces = simulate(
        stream, learner, learner_of(stream, student=False), Rules(USUAL), Conditions(3)
    )
    assert list(traces) == list(POLICIES)
    assert all(len(found) == 3 for found in traces.values())
    for kept, random in zip(traces["promise"], traces["random"], strict=True):
        assert kept.human[-1] == random.human[-1]
    assert all(trace.human[-1] == 150 and trace.calls == 0 for trace in traces["all_human"])


def test_a_reviewer_who_errs_delivers_errors() -> None:
    stream = made_stream(2000)
    order = make_order(stream, 0, seed=1, reviewer_error=0.1, audit=0.05)
    wrong = np.mean(order.verdicts != stream.gold)
    assert 0.08 < wrong < 0.12
    assert ((order.verdicts >= 0) & (order.verdicts < 3)).all()


def test_the_history_is_taken_as_it_is_and_never_arrives() -> None:
    stream = made_stream(100, 80)
    order = make_order(stream, 0, seed=1, reviewer_error=0.9, audit=0.05)
    assert (order.verdicts[:80] == stream.gold[:80]).all()
    assert sorted(order.sequence.tolist()) == list(range(80, 180))


@pytest.mark.parametrize(
    ("conditions", "field"),
    [
        (Conditions(orders=0), "orders"),
        (Conditions(reviewer_error=1.0), "reviewer_error"),
        (Conditions(reviewer_error=-0.1), "reviewer_error"),
    ],
)
def test_conditions_that_cannot_be_met_are_refused(conditions: Conditions, field: str) -> None:
    stream = made_stream(60)
    learner = learner_of(stream)
    with pytest.raises(InvalidInput) as caught:
        simulate(stream, learner, learner, Rules(USUAL), conditions)
    assert caught.value.field == field


def test_too_few_documents_are_refused() -> None:
    stream = made_stream(49)
    learner = learner_of(stream)
    with pytest.raises(InvalidInput, match="--gold gives 49 documents"):
        simulate(stream, learner, learner, Rules(USUAL), Conditions(1))
