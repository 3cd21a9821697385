"""A calibrator of choices: its answers, its confidences, and what it never looks at."""

from __future__ import annotations

import json

import numpy as np
import pytest
from choices import opinions
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.confidence.choice_calibrator import ChoiceCalibrator, fit_choice_calibrator
from llmlabel.confidence.choice_evidence import ChoiceEvidence
from llmlabel.confidence.choice_pool import fit_pool
from llmlabel.confidence.folds import folds_of
from llmlabel.confidence.logistic import fit_logistic, sigmoid
from llmlabel.confidence.reliability import expected_calibration_error
from llmlabel.errors import InvalidInput


def test_confidence_is_the_share_of_right_answers_on_documents_never_seen() -> None:
    evidence, gold = opinions(1300, sharpness=1.0)
    fit = fit_choice_calibrator(evidence.rows(np.arange(300)), gold[:300])
    judged = fit.calibrator.judge(evidence.rows(np.arange(300, 1300)))
    right = judged.answer == gold[300:]
    assert 0.5 < right.mean() < 0.95
    assert expected_calibration_error(judged.confidence, right) < 0.06
    assert fit.scores["auroc"] > 0.65  # type: ignore[operator]
    assert judged.calibrated.all()
    assert set(judged.heads) == {"student+llm"}


def test_two_labelers_together_are_right_more_often_than_either() -> None:
    evidence, gold = opinions(400, sharpness=1.0)
    fit = fit_choice_calibrator(evidence, gold)
    accuracy = {
        pattern: (crossed.verdict.answer == gold).mean()
        for pattern, crossed in fit.by_pattern.items()
    }
    assert accuracy["student", "llm"] > max(accuracy["student",], accuracy["llm",])


def test_every_pattern_of_labelers_that_answered_has_its_own_head() -> None:
    evidence, gold = opinions(400)
    asked = np.arange(400) % 2 == 0
    fit = fit_choice_calibrator(evidence.asked_only("llm", asked), gold)
    assert set(fit.calibrator.heads) == {("student",), ("llm",), ("student", "llm")}
    judged = fit.calibrator.judge(evidence.asked_only("llm", asked))
    assert set(zip(judged.heads, asked.tolist(), strict=True)) == {
        ("student+llm", True),
        ("student", False),
    }


def test_a_pattern_never_seen_is_judged_by_the_nearest_head_and_says_so() -> None:
    evidence, gold = opinions(100)
    fit = fit_choice_calibrator(evidence.without("student"), gold)
    both = fit.calibrator.judge(evidence)
    assert set(both.heads) == {"llm"}
    assert not both.calibrated.any()
    alone = fit.calibrator.judge(evidence.without("llm"))
    assert not alone.calibrated.any()
    assert (alone.answer == evidence.logs["student"].argmax(axis=1)).all()


def test_no_opinion_is_no_answer() -> None:
    evidence, gold = opinions(50)
    fit = fit_choice_calibrator(evidence, gold)
    nobody = np.zeros(50, dtype=bool)
    silent = evidence.asked_only("llm", nobody).asked_only("student", nobody)
    judged = fit.calibrator.judge(silent)
    assert (judged.answer == -1).all()
    assert np.isnan(judged.confidence).all()


@pytest.mark.parametrize("n", [10, 60, 300, 1500])
def test_what_was_fitted_survives_json_exactly(n: int) -> None:
    evidence, gold = opinions(n, sharpness=1.0)
    calibrator = fit_choice_calibrator(evidence, gold).calibrator
    again = ChoiceCalibrator.from_dict(json.loads(json.dumps(calibrator.to_dict())))
    assert again == calibrator
    before, after = calibrator.judge(evidence), again.judge(evidence)
    assert (before.confidence == after.confidence).all()


def test_few_labels_are_scaled_and_many_weigh_all_evidence() -> None:
    evidence, gold = opinions(1500, sharpness=1.0)
    few = fit_choice_calibrator(evidence.rows(np.arange(150)), gold[:150])
    many = fit_choice_calibrator(evidence, gold)
    assert {head.method for head in few.calibrator.heads.values()} == {"platt"}
    assert all(head.method.startswith("logistic") for head in many.calibrator.heads.values())


def test_isotonic_steps_keep_answers_apart() -> None:
    evidence, gold = opinions(1500, sharpness=1.0)
    # Wrong in the middle of the scale: no logistic curve can say so, a step can.
    odd = evidence.logs["llm"].max(axis=1)
    gold = np.where((odd > -0.7) & (odd < -0.3), -1, gold)
    fit = fit_choice_calibrator(evidence.without("student"), gold)
    head = fit.calibrator.heads["llm",]
    if head.step is not None:
        assert np.all(np.diff(head.step.observed) >= 0)
    judged = fit.calibrator.judge(evidence.without("student"))
    assert len(np.unique(judged.confidence)) > 1400


@pytest.mark.parametrize("outcome", ["right", "wrong", "one class"])
def test_labels_without_contrast_give_no_certainty(outcome: str) -> None:
    evidence, gold = opinions(20, sharpness=9.0)
    if outcome == "wrong":
        gold = np.full(20, -1)
    elif outcome == "one class":
        gold = np.zeros(20, dtype=np.intp)
    fit = fit_choice_calibrator(evidence, gold)
    assert ((fit.confidence > 0) & (fit.confidence < 1)).all()
    if outcome == "right":
        assert fit.scores["auroc"] is None
        assert 0.7 < fit.confidence.mean() <= 21 / 22
    if outcome == "wrong":
        assert fit.confidence.mean() < 0.35


def test_too_few_labels_are_refused_with_the_minimum() -> None:
    evidence, gold = opinions(9)
    with pytest.raises(InvalidInput, match="at least 10"):
        fit_choice_calibrator(evidence, gold)
    evidence, gold = opinions(30)
    silent = evidence.asked_only("llm", np.zeros(30, dtype=bool)).without("student")
    with pytest.raises(InvalidInput, match="No labeler answered"):
        fit_choice_calibrator(silent, gold)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan")])
def test_a_weight_that_is_no_weight_is_refused(bad: float) -> None:
    evidence, gold = opinions(20)
    weight = np.ones(20)
    weight[3] = bad
    with pytest.raises(InvalidInput, match="positive"):
        fit_choice_calibrator(evidence, gold, weight=weight)


def test_a_label_has_no_part_in_its_own_cross_fitted_confidence() -> None:
    evidence, gold = opinions(250, sharpness=1.0)
    before = fit_choice_calibrator(evidence, gold)
    changed = gold.copy()
    changed[7] = (gold[7] + 1) % 4
    after = fit_choice_calibrator(evidence, changed)
    assert after.confidence[7] == before.confidence[7]
    assert (after.confidence != before.confidence).any()


def test_rows_of_one_text_share_a_fold() -> None:
    evidence, gold = opinions(120, sharpness=1.0)
    texts = [str(i // 2) for i in range(120)]
    twins = np.repeat(np.arange(0, 120, 2), 2)
    before = fit_choice_calibrator(evidence.rows(twins), gold[twins], text_sha=texts)
    changed = gold[twins]
    changed[7] = (changed[7] + 1) % 4
    after = fit_choice_calibrator(evidence.rows(twins), changed, text_sha=texts)
    assert after.confidence[6] == before.confidence[6]
    assert after.confidence[7] == before.confidence[7]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 120))
def test_the_order_of_documents_does_not_matter(seed: int, n: int) -> None:
    evidence, gold = opinions(n, seed=seed, sharpness=1.0)
    texts = [str(i) for i in range(n)]
    order = np.random.default_rng(seed).permutation(n)
    plain = fit_choice_calibrator(evidence, gold, text_sha=texts)
    mixed = fit_choice_calibrator(
        evidence.rows(order), gold[order], text_sha=[texts[i] for i in order]
    )
    assert mixed.confidence == pytest.approx(plain.confidence[order], abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_a_label_given_twice_counts_as_a_label_of_weight_two(seed: int) -> None:
    evidence, gold = opinions(60, seed=seed, sharpness=1.0)
    twice = np.append(np.arange(60), [4, 9])
    weight = np.ones(60)
    weight[[4, 9]] = 2
    pattern = ("student", "llm")
    by_weight = fit_pool(evidence, pattern, gold, weight)
    by_rows = fit_pool(evidence.rows(twice), pattern, gold[twice], np.ones(62))
    assert by_weight.weights == pytest.approx(by_rows.weights, abs=1e-3)
    columns = np.stack([np.ones(60), evidence.extras["log_length"]], axis=1)
    target = (gold > 1).astype(float)
    prior, precision = np.zeros(2), np.ones(2)
    assert fit_logistic(columns, target, weight, prior, precision) == pytest.approx(
        fit_logistic(columns[twice], target[twice], np.ones(62), prior, precision), abs=1e-6
    )


def test_the_logistic_fit_agrees_with_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    features = random.normal(size=(200, 3))
    target = random.random(200) < sigmoid(features @ [1.0, -2.0, 0.5])
    mine = fit_logistic(features, target.astype(float), np.ones(200), np.zeros(3), np.ones(3))
    theirs = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-8).fit(features, target)
    assert mine == pytest.approx(theirs.coef_[0], abs=1e-4)


def test_a_labeler_that_knows_nothing_loses_its_say() -> None:
    evidence, gold = opinions(400)
    noise = np.random.default_rng(5).normal(size=(400, 4))
    evidence = evidence.with_labeler("student", noise - np.logaddexp.reduce(noise, 1)[:, None])
    pool = fit_pool(evidence, ("student", "llm"), gold, np.ones(400))
    assert pool.weights[0] < 0.3 < pool.weights[1]


def test_labels_that_were_not_offered_are_weighed_not_excluded() -> None:
    evidence, gold = opinions(300, sharpness=1.0)
    logs = evidence.logs["llm"].copy()
    worst = logs.argmin(axis=1)
    logs[np.arange(300), worst] = -np.inf
    offered = ChoiceEvidence(evidence.labels, {"llm": logs})
    judged = fit_choice_calibrator(offered, gold).calibrator.judge(offered)
    assert (judged.probabilities > 0).all()
    assert judged.probabilities.sum(axis=1) == pytest.approx(1)


@given(st.lists(st.text(max_size=3), min_size=1, max_size=40), st.integers(2, 6))
def test_folds_part_no_text_and_are_nearly_even(texts: list[str], folds: int) -> None:
    found = folds_of(texts, folds)
    by_text = dict(zip(texts, found.tolist(), strict=True))
    assert [by_text[text] for text in texts] == found.tolist()
    sizes = np.bincount(list(by_text.values()), minlength=folds)
    assert sizes.max() - sizes.min() <= 1
