"""A student joins when it helps, and the others are asked where it is unsure."""

from __future__ import annotations

import json

import numpy as np
import pytest
from texts import Texts, texts

from llmlabel.confidence.choice_calibrator import fit_choice_calibrator
from llmlabel.domain.promise import Promise
from llmlabel.errors import InvalidInput
from llmlabel.learning.cascade import choose_doubt, coverage_at
from llmlabel.learning.choice import learn_choice
from llmlabel.learning.paired import answer_loss, paired_test


def learn(known: Texts, **options: object):  # type: ignore[no-untyped-def]
    return learn_choice(
        known.base,
        known.vectors,
        known.gold,
        known.sha,
        names=known.names,
        **options,  # type: ignore[arg-type]
    )


def test_a_student_that_knows_more_joins_and_saves_calls() -> None:
    learned = learn(texts(300, student=2.0, llm=1.0))
    assert learned.student is not None
    assert learned.report["paired_test"]["p_value"] < 0.01
    assert learned.doubt is not None
    assert learned.report["cascade"]["saved"] > 0.3
    json.dumps(learned.report)


def test_a_student_that_knows_nothing_stays_out() -> None:
    learned = learn(texts(300, student=0.0, llm=2.5))
    assert learned.student is None
    assert learned.doubt is None
    assert learned.report["student"] is False


def test_few_labels_train_no_student() -> None:
    learned = learn(texts(30, student=2.0, llm=1.0))
    assert learned.student is None
    assert "fewer than 50" in learned.report["why"]


def test_what_is_applied_is_what_a_cascade_would_do() -> None:
    learned = learn(texts(300, student=2.0, llm=1.0))
    new = texts(200, seed=1, student=2.0, llm=1.0)
    applied = learned.apply(new.base, new.vectors, new.sha)
    assert learned.student is not None
    top = learned.student.probabilities(new.vectors).max(axis=1)
    assert (applied.asked == (top < learned.doubt)).all()
    # What the language model says where it is not asked changes nothing.
    silent = new.base.asked_only("llm", applied.asked)
    again = learned.apply(silent, new.vectors, new.sha)
    assert (again.answer == applied.answer).all()
    assert (again.confidence == applied.confidence).all()
    assert applied.calibrated.all()


def test_where_no_other_labeler_answers_the_student_is_all_there_is() -> None:
    known = texts(200, student=2.0)
    learned = learn_choice(
        known.base.without("llm"), known.vectors, known.gold, known.sha, names=known.names
    )
    assert learned.student is not None
    assert learned.doubt is None
    with pytest.raises(InvalidInput):
        learn_choice(known.base.without("llm"), None, known.gold, known.sha, names=known.names)


def test_a_document_without_a_right_label_counts_against_the_answer() -> None:
    known = texts(300, llm=3.0)
    reject = np.where(np.arange(300) % 3 == 0, -1, known.gold)
    plain = fit_choice_calibrator(known.base, known.gold)
    rejected = fit_choice_calibrator(known.base, reject)
    assert rejected.confidence.mean() < plain.confidence.mean() - 0.2


def test_no_gain_is_no_help_and_a_real_one_is() -> None:
    random = np.random.default_rng(0)
    loss = random.random(100)
    names = [str(i) for i in range(100)]
    assert not paired_test(loss, loss, None, names).helps
    assert paired_test(loss, loss - 0.1 * random.random(100), None, names).helps
    assert not paired_test(loss, loss + 0.1, None, names).helps


def test_gains_that_are_all_equal_help_where_there_are_enough() -> None:
    def of(texts: int, gain: float) -> tuple[float, bool]:
        loss = np.full(texts, 0.5)
        found = paired_test(loss, loss - gain, None, [str(i) for i in range(texts)])
        return found.p_value, found.helps

    assert of(4, 0.1) == (0.0625, False)
    assert of(5, 0.1) == (0.03125, True)
    assert of(35, 0.1)[1]
    assert of(35, -0.1) == (1.0, False)
    assert of(35, 0.0) == (1.0, False)


def test_the_paired_test_agrees_with_scipy() -> None:
    from scipy.stats import ttest_rel

    random = np.random.default_rng(1)
    before, after = random.random((2, 40))
    mine = paired_test(before, after, None, [str(i) for i in range(40)])
    assert mine.p_value == pytest.approx(ttest_rel(before, after, alternative="greater").pvalue)


def test_rows_of_one_text_are_one_observation() -> None:
    random = np.random.default_rng(2)
    before, after = random.random((2, 30))
    once = paired_test(before, after, None, [str(i) for i in range(30)])
    thrice = paired_test(
        np.repeat(before, 3), np.repeat(after, 3), None, [str(i // 3) for i in range(90)]
    )
    assert thrice.p_value == pytest.approx(once.p_value)
    assert thrice.texts == 30


def test_the_loss_of_a_sure_and_right_answer_is_none_and_of_a_wrong_one_two() -> None:
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.0, 0.0]])
    loss = answer_loss(
        np.array([0, 0, -1]), np.array([1.0, 1.0, np.nan]), shares, np.array([0, 1, 0])
    )
    assert loss == pytest.approx([0.0, 2.0, 0.5])


def test_coverage_counts_what_the_promise_allows() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, np.nan])
    right = np.array([True, True, False, True, True])
    weight = np.ones(5)
    assert coverage_at(confidence, right, weight, Promise(error=0.1)) == pytest.approx(0.4)
    assert coverage_at(confidence, right, weight, Promise(error=0.2)) == pytest.approx(0.8)
    strict = Promise(kind="accepted", error=0.2)
    assert coverage_at(confidence, right, weight, strict) == pytest.approx(0.4)


def test_a_student_that_is_always_right_saves_every_call() -> None:
    top = np.linspace(0.3, 0.9, 100)
    sure = (top, np.ones(100, dtype=bool))
    cascade = choose_doubt(top, sure, sure, np.ones(100), Promise(error=0.05))
    assert cascade.saved == 1
    useless = (top, np.zeros(100, dtype=bool))
    assert choose_doubt(top, sure, useless, np.ones(100), Promise(error=0.05)).saved < 0.1
