"""What is known of a provider, as pure values: times are numbers here."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.llm.provider_state import (
    AHEAD,
    WINDOW,
    Leave,
    ProviderState,
    Refused,
    Second,
    Terms,
)

# Quarters of a second are exact in binary, so that adding a minute leaves no rounding.
GAPS = st.integers(0, 160).map(lambda quarters: quarters / 4)
CALLS = st.lists(st.tuples(GAPS, st.integers(1, 500)), min_size=1, max_size=60)
TERMS = Terms(failures=3, open_seconds=30.0, probe_seconds=10.0)


def _run(calls, terms):
    """Many workers ask, each after a gap; returns when each call starts, and its tokens."""
    state, now, starts = ProviderState(), 1000.0, []
    for gap, tokens in calls:
        now += gap
        state, got = state.enter(now, tokens, terms)
        while isinstance(got, Refused):
            now += got.wait
            state, got = state.enter(now, tokens, terms)
        assert 0 <= got.wait <= AHEAD
        starts.append((now + got.wait, tokens))
    return starts


@settings(deadline=None, max_examples=60)
@given(calls=CALLS, limit=st.integers(1, 12))
def test_no_minute_holds_more_requests_of_all_workers_than_allowed(calls, limit):
    starts = [at for at, _ in _run(calls, Terms(requests_per_minute=limit))]
    for at in starts:
        assert sum(at - WINDOW < other <= at for other in starts) <= limit


@settings(deadline=None, max_examples=60)
@given(calls=CALLS, limit=st.integers(500, 2000))
def test_no_minute_holds_more_tokens_of_all_workers_than_allowed(calls, limit):
    starts = _run(calls, Terms(tokens_per_minute=limit))
    for at, _ in starts:
        assert sum(n for other, n in starts if at - WINDOW < other <= at) <= limit


@settings(deadline=None, max_examples=60)
@given(calls=CALLS, requests=st.integers(1, 12), tokens=st.integers(100, 900))
def test_what_is_kept_of_a_provider_stays_small(calls, requests, tokens):
    terms = Terms(requests_per_minute=requests, tokens_per_minute=tokens)
    state, now = ProviderState(), 1000.0
    for gap, size in calls:
        now += gap
        state, _ = state.enter(now, size, terms)
        assert len(state.seconds) <= WINDOW + AHEAD + 1


def test_a_call_of_more_tokens_than_the_limit_passes_alone():
    terms = Terms(tokens_per_minute=100)
    state, first = ProviderState().enter(1000.0, 10, terms)
    assert first == Leave(0.0, 1000, 10)
    state, big = state.enter(1000.0, 5000, terms)
    assert isinstance(big, Refused)  # its place lies too far ahead; it asks again
    state, big = state.enter(1000.0 + big.wait, 5000, terms)
    assert isinstance(big, Leave)
    assert big.second == 1061


def test_tokens_that_were_not_taken_are_given_back():
    terms = Terms(tokens_per_minute=100)
    state, leave = ProviderState().enter(1000.0, 100, terms)
    assert isinstance(leave, Leave)
    state, got = state.corrected(leave, 20).enter(1000.0, 80, terms)
    assert isinstance(got, Leave)
    assert got.wait == 0


def _failed(times, now=1000.0):
    state = ProviderState()
    for _ in range(times):
        state, leave = state.enter(now, 1, TERMS)
        assert isinstance(leave, Leave)
        state = state.failed(now, leave, TERMS)
    return state


def test_a_circuit_opens_after_failures_in_a_row_only():
    assert _failed(2).circuit(1000.0, TERMS) == "closed"
    assert _failed(3).circuit(1000.0, TERMS) == "open"
    state = _failed(2).answered()
    state = state.failed(1000.0, Leave(0, 0, 1), TERMS)
    assert state.circuit(1000.0, TERMS) == "closed"


def test_an_open_circuit_lets_nobody_pass_and_then_one_call_try():
    state = _failed(3)
    assert state.enter(1010.0, 1, TERMS)[1] == Refused(20.0, "circuit")
    assert state.circuit(1030.0, TERMS) == "half_open"
    state, probe = state.enter(1030.0, 1, TERMS)
    assert isinstance(probe, Leave)
    assert probe.probe
    assert isinstance(state.enter(1031.0, 1, TERMS)[1], Refused)
    assert state.answered().circuit(1032.0, TERMS) == "closed"
    assert state.failed(1032.0, probe, TERMS).circuit(1033.0, TERMS) == "open"


def test_a_probe_that_never_came_back_does_not_block_the_next():
    state, _ = _failed(3).enter(1030.0, 1, TERMS)
    _, again = state.enter(1040.0, 1, TERMS)
    assert isinstance(again, Leave)
    assert again.probe


def test_calls_that_were_under_way_do_not_keep_a_circuit_open():
    state = _failed(3).failed(1020.0, Leave(0, 0, 1), TERMS)
    assert state.circuit(1030.0, TERMS) == "half_open"


def test_the_longest_wait_a_provider_asked_for_counts():
    state = ProviderState().asked_to_wait(1000.0, 20.0).asked_to_wait(1001.0, 5.0)
    assert state.enter(1010.0, 1, TERMS)[1] == Refused(10.0, "told")
    assert isinstance(state.enter(1020.0, 1, TERMS)[1], Leave)


def test_a_clock_that_is_set_back_holds_nobody_up():
    terms = Terms(requests_per_minute=1, failures=1, open_seconds=30.0)
    later = 10_000.0
    state, leave = ProviderState().enter(later, 1, terms)
    assert isinstance(leave, Leave)
    state = state.failed(later, leave, terms).asked_to_wait(later, 30.0)
    state, got = state.enter(1000.0, 1, terms)
    assert isinstance(got, Leave)
    assert got.wait == 0


def test_a_note_of_another_release_is_begun_anew():
    assert ProviderState.read('{"what": 1}') == ProviderState()
    kept = ProviderState(failures=2, seconds=(Second(at=1, requests=1, tokens=2.0),))
    assert ProviderState.read(kept.model_dump_json()) == kept
