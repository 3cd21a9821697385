from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.webhooks.schedule import (
    ATTEMPTS,
    LONGEST,
    LONGEST_REST,
    PATIENCE_FAILURES,
    STEPS,
    rest_after,
    seconds_of,
    wait_after,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_waits_grow_from_five_seconds_to_a_day() -> None:
    assert (STEPS[0], STEPS[-1]) == (5.0, 86_400.0)
    assert list(STEPS) == sorted(STEPS)


@given(st.integers(1, ATTEMPTS - 1), st.none() | st.floats(0, 1e9))
def test_a_wait_is_within_its_step_and_never_shorter_than_what_was_asked(
    attempts: int, asked: float | None
) -> None:
    wait = wait_after(attempts, asked)
    assert wait is not None
    least = min(asked or 0.0, LONGEST)
    assert least <= wait <= max(STEPS[attempts - 1], least)


def test_messages_that_failed_together_do_not_come_back_together() -> None:
    waits = {wait_after(3) for _ in range(100)}
    assert len(waits) == 100
    below = [wait for wait in waits if wait is not None and wait < STEPS[2] / 2]
    assert below and len(below) < 100


def test_after_the_last_attempt_there_is_no_wait() -> None:
    assert wait_after(ATTEMPTS) is None
    assert wait_after(ATTEMPTS, 1.0) is None


@given(st.integers(0, 10**6))
def test_an_endpoint_rests_only_after_several_failures_and_never_for_long(failures: int) -> None:
    rest = rest_after(failures)
    assert 0 <= rest <= LONGEST_REST
    if failures < PATIENCE_FAILURES:
        assert rest == 0
    assert rest_after(failures, 3600.0) >= 3600.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("9" * 400, LONGEST),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300.0),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(
    header: str | None, seconds: float | None
) -> None:
    assert seconds_of(header, NOW) == seconds


@given(st.text())
def test_any_retry_after_is_read_or_passed_over(header: str) -> None:
    found = seconds_of(header, NOW)
    assert found is None or 0 <= found <= LONGEST
