from __future__ import annotations

import numpy as np

from llmlabel.confidence.label_record import LabelRecord, own_evidence


def test_a_label_seen_often_is_told_from_one_seen_once() -> None:
    gold = np.array([0, 0, 0, 1, -1])
    record = LabelRecord.of(gold.clip(0), gold, np.ones(5), 3)
    told = record.evidence(np.array([0, 1, 2]), np.array([1, 2, 0]))["label.verified"]
    assert told.tolist() == [np.log1p(3), np.log1p(1), 0.0]


def test_a_label_whose_answers_are_often_wrong_has_the_lower_precision() -> None:
    answer = np.repeat([0, 1], 20)
    gold = np.where(np.arange(40) % 2 == 0, answer, 0)
    told = LabelRecord.of(answer, gold, np.ones(40), 2).evidence(np.array([0, 1]), np.array([1, 0]))
    assert told["label.precision"][0] > told["label.precision"][1]


def test_what_is_counted_tells_nothing_of_itself() -> None:
    # Answers are right at random, so no evidence may tell the right ones from the wrong ones.
    random = np.random.default_rng(0)
    answer = random.integers(0, 200, 4000)
    right = random.random(4000) < 0.7
    gold = np.where(right, answer, (answer + 1) % 200)
    told = own_evidence(answer, (answer + 7) % 200, gold, np.ones(4000), 200)
    for name in ("label.verified", "label.precision"):
        gap = told[name][right].mean() - told[name][~right].mean()
        error = told[name].std() * np.sqrt(1 / right.sum() + 1 / (~right).sum())
        assert abs(gap) < 4 * error, name


def test_a_record_reads_back_as_it_was_written() -> None:
    answer = np.array([0, 1, 1])
    record = LabelRecord.of(answer, np.array([0, 1, 0]), np.array([1.0, 0.5, 2.0]), 2)
    assert LabelRecord.from_dict(record.to_dict()) == record
