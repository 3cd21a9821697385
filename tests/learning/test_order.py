"""Which doubtful document is reviewed first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from live_parts import GOOD

from llmlabel.domain.confidence import Confidence
from llmlabel.domain.label import Label, Route
from llmlabel.learning.order import priorities, spread

NOW = datetime(2026, 5, 4, tzinfo=UTC)


def label(confidence: float | None, age: timedelta = timedelta(0)) -> Label:
    return Label(
        document_id="d",
        text_sha256="0" * 64,
        guideline="mood@1.0.0",
        guideline_sha256="0" * 64,
        answer=None if confidence is None else GOOD,
        confidence=None if confidence is None else Confidence(value=confidence, method="-"),
        route=Route.REVIEW,
        reason="-",
        threshold=0.9,
        created_at=NOW - age,
    )


def ranked(values: list[float]) -> list[int]:
    return sorted(range(len(values)), key=lambda n: -values[n])


def test_the_most_doubtful_comes_first_and_no_answer_before_all() -> None:
    found = priorities([label(0.8), label(0.3), label(None), label(0.5)], "uncertainty")
    assert ranked(found) == [2, 1, 3, 0]


def test_first_come_first_served_where_the_policy_says_so() -> None:
    ages = [timedelta(hours=n) for n in (1, 3, 2)]
    found = priorities([label(0.1 * n, age) for n, age in enumerate(ages)], "fifo")
    assert ranked(found) == [1, 2, 0]


def test_after_a_day_anything_comes_before_what_is_new() -> None:
    old, new = label(1.0, timedelta(hours=25)), label(0.0)
    assert ranked(priorities([new, old], "uncertainty")) == [1, 0]
    young = label(0.9, timedelta(hours=2))
    assert ranked(priorities([young, label(0.5)], "uncertainty")) == [1, 0]


def test_of_two_alike_the_second_waits_for_something_else() -> None:
    alike, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    labels = [label(0.30), label(0.31), label(0.6)]
    vectors = np.stack([alike, alike, other])
    assert ranked(priorities(labels, "uncertainty")) == [0, 1, 2]
    assert ranked(priorities(labels, "diverse", vectors)) == [0, 2, 1]


def test_without_vectors_doubt_decides() -> None:
    labels = [label(0.3), label(0.2)]
    assert priorities(labels, "diverse") == priorities(labels, "uncertainty")


def test_one_vector_per_label_is_needed() -> None:
    with pytest.raises(ValueError, match="2 labels"):
        priorities([label(0.3), label(0.2)], "diverse", np.eye(3))


def test_nothing_to_order_is_no_error() -> None:
    assert priorities([], "diverse", np.empty((0, 4))) == []


@given(st.integers(1, 30), st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_spread_lies_between_a_copy_and_the_farthest(n: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    vectors = draws.normal(size=(n, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    doubt = draws.random(n)
    found = spread(np.concatenate([vectors, vectors]), np.concatenate([doubt, doubt]))
    assert np.all((found >= 0) & (found <= 1))
    # Of each text and its copy, the one that comes later adds nothing.
    assert np.all(np.minimum(found[:n], found[n:]) < 1e-9)
    assert found[int(np.argmax(np.concatenate([doubt, doubt])))] == 1.0
