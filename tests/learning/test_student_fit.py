"""How a student learns, and that cross-fitting keeps a text's own label out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import texts

from llmlabel.errors import InvalidInput
from llmlabel.learning.student_fit import cross_fit_student, fit_student


def test_it_learns_what_the_embeddings_say() -> None:
    known, new = texts(300), texts(500, seed=1)
    student = fit_student(known.vectors, known.gold, known.names, known.sha)
    assert (student.probabilities(new.vectors).argmax(axis=1) == new.gold).mean() > 0.85


def test_its_probabilities_are_as_often_right_as_they_say() -> None:
    known, new = texts(400, student=0.5), texts(1500, seed=1, student=0.5)
    student = fit_student(known.vectors, known.gold, known.names, known.sha)
    shares = student.probabilities(new.vectors)
    right = (shares.argmax(axis=1) == new.gold).mean()
    assert shares.max(axis=1).mean() == pytest.approx(right, abs=0.06)


def test_labels_never_seen_are_told_apart_by_their_names() -> None:
    known, new = texts(40), texts(300, seed=1)
    seen = known.rows(np.flatnonzero(known.gold < 2))
    student = fit_student(
        seen.vectors, seen.gold, seen.names, seen.sha, prototypes=known.prototypes
    )
    unseen = new.rows(np.flatnonzero(new.gold >= 2))
    chosen = student.probabilities(unseen.vectors).argmax(axis=1)
    assert (chosen == unseen.gold).mean() > 0.7


def test_one_class_is_learned_without_complaint() -> None:
    known = texts(30)
    student = fit_student(
        known.vectors, np.zeros(30, np.intp), known.names, known.sha, prototypes=known.prototypes
    )
    assert np.isfinite(student.probabilities(known.vectors)).all()


def test_nothing_to_learn_from_is_refused() -> None:
    none = texts(1).rows(np.array([], np.intp))
    with pytest.raises(InvalidInput, match="verified labels"):
        fit_student(none.vectors, none.gold, none.names, none.sha)
    one = texts(1)
    with pytest.raises(InvalidInput, match="two different texts"):
        cross_fit_student(one.vectors, one.gold, one.names, one.sha)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 79))
def test_a_label_has_no_part_in_what_is_said_of_its_own_text(seed: int, place: int) -> None:
    known = texts(80, seed=seed)
    changed = known.gold.copy()
    changed[place] = (changed[place] + 1) % 4
    before, after = (
        cross_fit_student(
            known.vectors, gold, known.names, known.sha, seed=seed, freedom=5.0, temperature=1.0
        )
        for gold in (known.gold, changed)
    )
    assert (before.logs[place] == after.logs[place]).all()
    assert all(before.extras[k][place] == after.extras[k][place] for k in before.extras)


def test_no_right_label_is_judged_but_not_learned() -> None:
    known = texts(100)
    gold = known.gold.copy()
    gold[:20] = -1
    crossed = cross_fit_student(known.vectors, gold, known.names, known.sha)
    assert np.isfinite(crossed.logs).all()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_an_example_given_twice_counts_as_one_of_weight_two(seed: int) -> None:
    from llmlabel.learning.student_fit import _fit

    known = texts(60, seed=seed)
    twice = np.append(np.arange(60), [4, 9])
    weight = np.ones(60)
    weight[[4, 9]] = 2
    by_weight = _fit(known.vectors, known.gold, 4, None, weight, 1.0)
    by_rows = _fit(known.vectors[twice], known.gold[twice], 4, None, np.ones(62), 1.0)
    assert by_weight.weights == pytest.approx(by_rows.weights, abs=0.05)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_examples_does_not_matter(seed: int) -> None:
    known = texts(80, seed=seed)
    mixed = known.rows(np.random.default_rng(seed).permutation(80))
    one, other = (
        fit_student(each.vectors, each.gold, each.names, each.sha) for each in (known, mixed)
    )
    assert one.probabilities(known.vectors) == pytest.approx(
        other.probabilities(known.vectors), abs=0.02
    )
