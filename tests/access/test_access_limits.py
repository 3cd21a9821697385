"""How much a key may ask for, and how often somebody may guess."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.access.limits import Attempts, Buckets, Limits
from llmlabel.domain.access import AccessKey


def key(**limits: int) -> AccessKey:
    when = datetime(2026, 5, 1, tzinfo=UTC)
    return AccessKey(
        id="a",
        name="ann",
        roles=("submitter",),
        project="default",
        created_at=when,
        created_by="",
        **limits,
    )


@given(
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 5)), max_size=60),
)
def test_no_stretch_of_time_gives_more_than_a_full_bucket_and_what_fills_it(
    limit: int, asked: list[tuple[float, int]]
) -> None:
    now = [0.0]
    buckets = Buckets(lambda: now[0])
    given_: list[tuple[float, int]] = []
    for pause, n in asked:
        now[0] += pause
        some = min(n, limit)
        standing = buckets.take("ann", limit, some)
        assert 0 <= standing.left <= limit
        if standing.wait:
            assert buckets.look("ann", limit, some) == pytest.approx(standing.wait)
        else:
            given_.append((now[0], some))
    for start, _ in given_:
        for end, _ in given_:
            if end >= start:
                sum_ = sum(n for at, n in given_ if start <= at <= end)
                assert sum_ <= limit + (end - start) * limit / 60 + 1e-6


def test_who_waits_as_long_as_was_said_is_served() -> None:
    now = [0.0]
    buckets = Buckets(lambda: now[0])
    assert buckets.take("ann", 10, 10).wait == 0
    assert buckets.take("bob", 10, 10).wait == 0
    standing = buckets.take("ann", 10, 5)
    assert standing.wait == pytest.approx(30)
    now[0] += standing.wait
    assert buckets.take("ann", 10, 5).wait == 0


def test_a_key_has_the_limit_of_the_settings_unless_it_has_its_own() -> None:
    limits = Limits(requests=100, documents=0)
    assert limits.limit(key(), "requests") == 100
    assert limits.limit(key(requests_per_minute=7), "requests") == 7
    assert limits.limit(key(requests_per_minute=0), "requests") == 0
    assert limits.take(key(), "documents", 10**9) is None
    assert limits.limit(key(documents_per_minute=3), "documents") == 3


def test_failures_of_one_host_count_together_and_hold_up_nobody_else() -> None:
    attempts = Attempts(per_minute=2)
    for address in ("2001:db8::1", "2001:db8::2"):
        assert attempts.wait("2001:db8::3") == 0
        attempts.failed(address)
    assert attempts.wait("2001:db8::3") > 0
    assert attempts.wait("2001:db8:1::1") == 0
    assert attempts.wait("203.0.113.7") == 0
    for _ in range(2):
        attempts.failed("::ffff:203.0.113.8")
    assert attempts.wait("203.0.113.8") > 0
    assert attempts.wait("::ffff:203.0.113.7") == 0
