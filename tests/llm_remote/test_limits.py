from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.llm.limits import MINUTE, Limits


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def _run(calls, requests, tokens):
    """Makes calls (gap before it in seconds, its tokens) one by one; returns their moments."""
    time = Time()
    limits = Limits(4, requests, tokens, clock=time.clock, sleep=time.sleep)
    starts = []
    for gap, size in calls:
        time.now += gap
        async with limits.call(size) as grant:
            assert time.now >= grant.at
            starts.append((grant.at, size))
    return starts


# Quarters of a second are exact in binary: adding and taking away 60 s leaves no rounding.
GAPS = st.integers(0, 160).map(lambda quarters: quarters / 4)
CALLS = st.lists(st.tuples(GAPS, st.integers(1, 500)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=50)
@given(calls=CALLS, limit=st.integers(1, 12))
def test_no_minute_holds_more_requests_than_allowed(calls, limit):
    starts = [at for at, _ in asyncio.run(_run(calls, limit, None))]
    for at in starts:
        assert sum(at - MINUTE < other <= at for other in starts) <= limit


@settings(deadline=None, max_examples=50)
@given(calls=CALLS, limit=st.integers(500, 2000))
def test_no_minute_holds_more_tokens_than_allowed(calls, limit):
    starts = asyncio.run(_run(calls, None, limit))
    for at, _ in starts:
        assert sum(size for other, size in starts if at - MINUTE < other <= at) <= limit


@settings(deadline=None, max_examples=50)
@given(calls=CALLS, requests=st.integers(1, 12), tokens=st.integers(500, 2000))
def test_calls_start_in_the_order_they_asked(calls, requests, tokens):
    starts = [at for at, _ in asyncio.run(_run(calls, requests, tokens))]
    assert starts == sorted(starts)


async def test_within_the_limits_nobody_waits():
    starts = await _run([(0, 10)] * 5, 5, 50)
    assert [at for at, _ in starts] == [0.0] * 5


async def test_a_request_larger_than_the_limit_passes_alone():
    starts = await _run([(0, 10), (0, 9999), (0, 10)], None, 100)
    assert [at for at, _ in starts] == [0.0, MINUTE, 2 * MINUTE]


async def test_tokens_not_used_are_given_back():
    time = Time()
    limits = Limits(4, None, 100, clock=time.clock, sleep=time.sleep)
    async with limits.call(100) as grant:
        limits.correct(grant, 10)
    async with limits.call(90) as second:
        assert second.at == 0.0


async def test_a_pause_holds_all_callers_back():
    time = Time()
    limits = Limits(4, clock=time.clock, sleep=time.sleep)
    limits.pause(12)
    async with limits.call(1) as grant:
        assert grant.at == time.now == 12.0
