from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from llmlabel.monitoring.kept import Kept


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_value_is_good_for_its_time_and_then_made_anew() -> None:
    clock, made = Clock(), iter(range(9))
    kept = Kept(lambda: next(made), 5.0, 60.0, clock)
    assert (kept.get(), kept.get()) == (0, 0)
    clock.now = 5.0
    assert kept.get() == 1


def test_what_takes_long_is_made_seldom() -> None:
    clock, made = Clock(), iter(range(9))

    def slow() -> int:
        clock.now += 2.0
        return next(made)

    kept = Kept(slow, 5.0, 60.0, clock)
    assert kept.get() == 0
    clock.now += 39.0
    assert kept.get() == 0
    clock.now += 1.0
    assert kept.get() == 1


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_who_asks_does_not_wait_for_what_hangs(let_go: threading.Event) -> None:
    clock, calls = Clock(), []

    def hangs_later() -> int:
        calls.append(1)
        if len(calls) > 1:
            let_go.wait(60)
        return len(calls)

    kept = Kept(hangs_later, 5.0, 0.2, clock)
    while kept.get() is None:
        pass
    clock.now = 1000.0
    assert [kept.get(), kept.get()] == [1, 1]
    assert len(calls) == 2, "while one is made no other is begun"


def test_a_failure_is_raised_and_tried_again() -> None:
    answers: list[int | Exception] = [RuntimeError("no"), 7]

    def make() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(make, 5.0, 60.0, Clock())
    with pytest.raises(RuntimeError):
        kept.get()
    assert kept.get() == 7
