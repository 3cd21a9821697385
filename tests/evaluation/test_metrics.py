"""Scores agree with scikit-learn, with values worked by hand, and with their own laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.confidence import reliability
from llmlabel.evaluation import metrics
from llmlabel.evaluation.metrics import Counts
from llmlabel.evaluation.speech import WordErrors, normalised, word_errors

LABELS = ["a", "b", "c"]
pairs = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1, max_size=40
)
judged = st.lists(
    st.tuples(st.integers(0, 20).map(lambda i: i / 20), st.booleans()), min_size=1, max_size=60
)


def split(rows: list[tuple[float, bool]]) -> tuple[Any, Any]:
    return np.array([c for c, _ in rows]), np.array([r for _, r in rows])


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_choice_scores_agree_with_scikit_learn(rows: list[tuple[str, str]]) -> None:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    gold, said = [g for g, _ in rows], [s for _, s in rows]
    counts = metrics.label_counts(gold, said)
    precision, recall, f1, support = precision_recall_fscore_support(
        gold, said, labels=list(counts), zero_division=0.0
    )
    assert [c.precision or 0.0 for c in counts.values()] == pytest.approx(precision)
    assert [c.recall or 0.0 for c in counts.values()] == pytest.approx(recall)
    assert [c.f1 or 0.0 for c in counts.values()] == pytest.approx(f1)
    assert [c.gold for c in counts.values()] == list(support)
    assert metrics.macro_f1(counts) == pytest.approx(np.mean(f1))
    table = metrics.confusion_matrix(gold, said, LABELS)
    assert (table[:, :3] == confusion_matrix(gold, said, labels=LABELS)).all()
    assert table[:, 3].sum() == 0
    assert metrics.accuracy(gold, said) == pytest.approx(np.trace(table) / len(rows))


def test_a_missing_answer_is_wrong_and_costs_recall() -> None:
    assert metrics.accuracy(["a", "a", "b"], ["a", None, "b"]) == pytest.approx(2 / 3)
    counts = metrics.label_counts(["a", "a", "b"], ["a", None, "b"])
    assert (counts["a"].precision, counts["a"].recall) == (1.0, 0.5)
    assert metrics.confusion_matrix(["a", "a"], ["a", None], ["a"]).tolist() == [[1, 1]]


@settings(deadline=None, max_examples=60)
@given(judged)
def test_auroc_and_brier_agree_with_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    from sklearn.metrics import brier_score_loss, roc_auc_score

    confidence, right = split(rows)
    if right.all() or not right.any():
        assert np.isnan(reliability.auroc(confidence, right))
    else:
        assert reliability.auroc(confidence, right) == pytest.approx(
            roc_auc_score(right, confidence)
        )
        assert reliability.brier_score(confidence, right) == pytest.approx(
            brier_score_loss(right, confidence)
        )


def test_calibration_error_of_a_worked_example() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55, 1.0, 0.0])
    right = np.array([1, 1, 1, 0, 1, 0, 1, 0], dtype=bool)
    # bins of a tenth: four at .95 with .75 right, two at .55 with .5 right; 1.0 shares the top bin
    expected = (5 * abs(4 / 5 - (4 * 0.95 + 1) / 5) + 2 * 0.05 + 1 * 0.0) / 8
    assert reliability.expected_calibration_error(confidence, right, bins=10) == pytest.approx(
        expected
    )


@settings(deadline=None, max_examples=60)
@given(judged)
def test_calibration_error_vanishes_when_confidence_is_the_bins_accuracy(
    rows: list[tuple[float, bool]],
) -> None:
    _, right = split(rows)
    constant = np.full(len(right), right.mean())
    assert reliability.expected_calibration_error(constant, right) == pytest.approx(0, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(judged)
def test_risk_at_full_coverage_is_the_error_rate(rows: list[tuple[float, bool]]) -> None:
    confidence, right = split(rows)
    curve = reliability.risk_coverage(confidence, right)
    assert curve.coverage[-1] == 1
    assert curve.risk[-1] == pytest.approx(1 - right.mean())
    assert (np.diff(curve.coverage) > 0).all()
    assert (np.diff(curve.threshold) < 0).all()
    for threshold, coverage, risk in zip(curve.threshold, curve.coverage, curve.risk, strict=True):
        accepted = confidence >= threshold
        assert coverage == pytest.approx(accepted.mean())
        assert risk == pytest.approx(1 - right[accepted].mean())
    assert 0 <= reliability.aurc(confidence, right) <= 1


def test_a_perfect_ranking_has_the_lowest_aurc() -> None:
    right = np.array([True, True, True, False])
    good = reliability.aurc(np.array([0.9, 0.8, 0.7, 0.1]), right)
    assert good == pytest.approx((0 + 0 + 0 + 1 / 4) / 4)
    assert reliability.aurc(np.array([0.1, 0.2, 0.3, 0.9]), right) > good


@settings(deadline=None, max_examples=80)
@given(judged, st.sampled_from([0.5, 0.8, 0.95]), st.sampled_from(["estimate", "lower"]))
def test_no_lower_threshold_reaches_the_target(
    rows: list[tuple[float, bool]], target: float, by: Any
) -> None:
    confidence, right = split(rows)
    point = reliability.suggest_threshold(confidence, right, target, by)
    reaching = []
    for threshold in np.unique(confidence):
        found = reliability.operating_point(confidence, right, float(threshold))
        assert found is not None
        if (found.accuracy if by == "estimate" else found.lower) >= target:
            reaching.append(float(threshold))
    assert (point.threshold if point else None) == (min(reaching) if reaching else None)


def test_the_lower_bound_is_clopper_and_pearsons() -> None:
    assert reliability.accuracy_lower_bound(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert reliability.accuracy_lower_bound(0, 10) == 0
    assert reliability.accuracy_lower_bound(8, 10) == pytest.approx(0.4931, abs=1e-4)


@settings(deadline=None, max_examples=40)
@given(judged, st.integers(0, 5))
def test_precision_recall_agrees_with_scikit_learn(
    rows: list[tuple[float, bool]], missed: int
) -> None:
    from sklearn.metrics import precision_recall_curve

    confidence, right = split(rows)
    if not right.any():
        return
    curve = reliability.precision_recall(confidence, right, int(right.sum()) + missed)
    precision, recall, thresholds = precision_recall_curve(right, confidence)
    assert list(curve.threshold) == pytest.approx(list(thresholds[::-1]))
    assert list(curve.precision) == pytest.approx(list(precision[:-1][::-1]))
    share = right.sum() / (right.sum() + missed)
    assert list(curve.recall) == pytest.approx(list(recall[:-1][::-1] * share))


@pytest.mark.parametrize(
    ("confidence", "right"), [([], []), ([0.5], [True, False]), ([1.5], [True]), ([-0.1], [True])]
)
def test_arrays_that_make_no_sense_are_refused(confidence: list[float], right: list[bool]) -> None:
    arrays = np.array(confidence, dtype=float), np.array(right, dtype=bool)
    for function in (
        reliability.expected_calibration_error,
        reliability.brier_score,
        reliability.auroc,
        reliability.aurc,
    ):
        with pytest.raises(ValueError, match=r"shapes|no answers|lie in"):
            function(*arrays)
    with pytest.raises(ValueError, match="nothing"):
        metrics.accuracy([], [])
    with pytest.raises(ValueError, match="against"):
        metrics.accuracy(["a"], [])


def test_spans_count_only_when_start_end_and_label_agree() -> None:
    gold = [(0, 5, "PER"), (10, 15, "ORG"), (20, 25, "LOC")]
    said = [(0, 5, "PER"), (10, 15, "LOC"), (21, 25, "LOC"), (30, 31, "PER")]
    strict = metrics.span_counts(gold, said)
    assert (strict.right, strict.predicted, strict.gold) == (1, 4, 3)
    assert (strict.precision, strict.recall) == (0.25, pytest.approx(1 / 3))
    assert strict.f1 == pytest.approx(2 / 7)
    loose = metrics.overlap_counts(gold, said)
    assert (loose.right, loose.predicted, loose.gold) == (3, 4, 3)
    by_label = metrics.counts_by_label(gold, said)
    assert by_label == {"LOC": Counts(0, 2, 1), "ORG": Counts(0, 0, 1), "PER": Counts(1, 2, 1)}


def test_nothing_said_of_nothing_is_no_score_at_all() -> None:
    nothing = metrics.span_counts([], [])
    assert (nothing.precision, nothing.recall, nothing.f1) == (None, None, None)


spans = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 5), st.sampled_from(LABELS)).map(
        lambda s: (s[0], s[0] + s[1], s[2])
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=80)
@given(spans, spans)
def test_overlap_is_never_stricter_than_strict_and_labels_add_up(gold: Any, said: Any) -> None:
    strict, by_label = metrics.span_counts(gold, said), metrics.counts_by_label(gold, said)
    assert sum(by_label.values(), Counts()) == strict
    assert metrics.span_counts(gold, gold).f1 in {None, 1.0}
    loose = metrics.overlap_counts(gold, said)
    assert loose.right <= min(loose.predicted, loose.gold)
    flat_gold, flat_said = _without_overlaps(gold), _without_overlaps(said)
    assert (
        metrics.overlap_counts(flat_gold, flat_said).right
        >= metrics.span_counts(flat_gold, flat_said).right
    )


def _without_overlaps(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    kept: list[tuple[int, int, str]] = []
    for span in sorted(spans):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def test_a_token_cut_otherwise_is_wrong_and_not_aligned() -> None:
    gold = [(0, 2, "PRON"), (2, 5, "PART"), (6, 8, "VERB")]
    said = [(0, 5, "PRON"), (6, 8, "NOUN")]
    counts = metrics.token_counts(gold, said)
    assert (counts.right, counts.aligned, counts.gold) == (0, 1, 3)
    assert metrics.token_counts(gold, gold).right == 3


def test_the_bootstrap_interval_covers_as_often_as_it_says() -> None:
    draws = np.random.default_rng(7)
    covered = 0
    for seed in range(100):
        right = draws.random(200) < 0.8
        counts = np.column_stack([right, np.ones(200)])
        low, high = metrics.bootstrap_interval(
            counts, metrics.ratio_of_sums, resamples=400, seed=seed
        )
        covered += low <= 0.8 <= high
    assert covered >= 86


def test_the_bootstrap_is_repeatable_and_narrow_where_all_is_equal() -> None:
    counts = np.column_stack([np.full(30, 2), np.full(30, 2), np.full(30, 3)])
    low, high = metrics.bootstrap_interval(counts, metrics.f1_of_sums)
    assert low == high == pytest.approx(0.8)
    mixed = np.column_stack([np.arange(30) % 2, np.ones(30)])
    first = metrics.bootstrap_interval(mixed, metrics.ratio_of_sums)
    assert first == metrics.bootstrap_interval(mixed, metrics.ratio_of_sums)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Twenty-three people!", "23 people"),
        ("nineteen eighty-four", "1984"),
        ("in twenty twenty", "in 2020"),
        ("a hundred and five", "105"),
        ("one hundred thousand", "100,000"),
        ("two million three hundred thousand and six", "2,300,006"),
        ("the twenty first", "the 21st"),
        ("the eleventh of May", "the 11th of may"),
        ("one two three", "1, 2, 3"),
        ("seven and eight", "7 and 8"),
        ("three point five percent", "3.5%"),
        ("Mr. Hale said: don't", "mister hale said dont"),
        ("nineteen oh five", "19 oh 5"),
        ("a hundred", "100"),
        ("a cat and one dog", "a cat and 1 dog"),
        ("hundred to one", "hundred to 1"),
        ("flight KL601", "flight KL-601"),
        ("“Quoted” — text…", "quoted text"),
    ],
)
def test_ways_to_write_a_thing_compare_equal(written: str, spoken: str) -> None:
    assert normalised(written) == normalised(spoken)


def test_spelling_and_accents_stay_different() -> None:
    assert normalised("colour") != normalised("color")
    assert normalised("café", "fr") != normalised("cafe", "fr")
    assert normalised("one", "de") == ["one"]
    assert normalised("こんにちは。", "ja") == list("こんにちは")


def test_word_errors_of_a_worked_example() -> None:
    errors = word_errors(
        "all the quick brown foxes jump over lazy dogs",
        "All a quick brown foxes over lazy dogs, again.",
    )
    assert errors == WordErrors(substitutions=1, deletions=1, insertions=1, words=9)
    assert errors.rate == pytest.approx(1 / 3)
    assert word_errors("", "hello there").rate is None
    assert (word_errors("", "hello there") + errors).rate == pytest.approx(5 / 9)


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=40), st.text(max_size=40))
def test_word_errors_are_none_for_itself_and_bounded(reference: str, said: str) -> None:
    assert word_errors(reference, reference).errors == 0
    errors = word_errors(reference, said)
    lengths = len(normalised(reference)), len(normalised(said))
    assert abs(lengths[0] - lengths[1]) <= errors.errors <= max(lengths)
    assert normalised(" ".join(normalised(said))) == normalised(said)
