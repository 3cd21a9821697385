"""Agreement has the values that were published, and keeps its own laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.review.agreement import (
    Coefficient,
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pairwise_span_f1,
    percent_agreement,
    token_agreement,
)

# Krippendorff 2011, example C: four observers, twelve units, a dot where one is missing.
OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
# Fleiss 1971, table 1: five diagnoses of thirty patients by six psychiatrists each.
DIAGNOSES = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
# Cohen 1960: how two judges sorted 200 cases into three kinds.
JUDGES = ((88, 14, 18), (10, 40, 10), (2, 6, 12))

answers = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), max_size=30)
panels = st.lists(
    st.lists(st.one_of(st.none(), st.integers(0, 3)), max_size=5), min_size=1, max_size=20
)


def observed() -> list[tuple[int | None, ...]]:
    rows = ([None if mark == "." else int(mark) for mark in row] for row in OBSERVERS)
    return list(zip(*rows, strict=True))


@pytest.mark.parametrize(
    ("distance", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_has_krippendorffs_values_with_missing_answers(distance: Any, alpha: float) -> None:
    found = krippendorff_alpha(observed(), distance)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert found.n == 11, "one unit was seen by one observer alone"


def test_fleiss_kappa_has_the_value_of_1971() -> None:
    rows = [
        [place for place, n in enumerate(row) for _ in range(int(n))] for row in DIAGNOSES.split()
    ]
    assert fleiss_kappa(rows).value == pytest.approx(0.430, abs=5e-4)


def test_cohens_kappa_has_the_value_of_1960() -> None:
    cells = [(i, j) for i, row in enumerate(JUDGES) for j, n in enumerate(row) for _ in range(n)]
    found = cohen_kappa([i for i, _ in cells], [j for _, j in cells])
    assert found.value == pytest.approx(0.492, abs=5e-4)
    assert found.n == 200


@settings(deadline=None, max_examples=80)
@given(answers)
def test_cohens_kappa_agrees_with_scikit_learn(rows: list[tuple[str, str]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    found = cohen_kappa([a for a, _ in rows], [b for _, b in rows])
    if found.value is None:
        assert len({value for row in rows for value in row}) < 2
        assert found.reason
    else:
        expected = cohen_kappa_score([a for a, _ in rows], [b for _, b in rows])
        assert found.value == pytest.approx(expected)


@given(panels, st.permutations(range(4)))
def test_other_names_for_the_values_change_nothing(
    units: list[list[int | None]], names: list[int]
) -> None:
    renamed = [[None if value is None else f"label {names[value]}" for value in u] for u in units]
    same(krippendorff_alpha(units), krippendorff_alpha(renamed))
    pairs = [(u[0], u[1]) for u in units if len(u) > 1]
    other = [(u[0], u[1]) for u in renamed if len(u) > 1]
    same(fleiss_kappa(pairs), fleiss_kappa(other))
    same(
        cohen_kappa([a for a, _ in pairs], [b for _, b in pairs]),
        cohen_kappa([a for a, _ in other], [b for _, b in other]),
    )


@given(panels)
def test_who_said_it_and_in_which_order_changes_no_alpha(units: list[list[int | None]]) -> None:
    turned = [list(reversed(unit)) for unit in reversed(units)]
    for distance in ("nominal", "ordinal", "interval"):
        same(krippendorff_alpha(units, distance), krippendorff_alpha(turned, distance))


@given(panels, st.floats(0.1, 50), st.floats(-50, 50))
def test_another_unit_of_measure_changes_no_interval_alpha(
    units: list[list[int | None]], by: float, shift: float
) -> None:
    moved = [[None if value is None else by * value + shift for value in unit] for unit in units]
    same(krippendorff_alpha(units, "interval"), krippendorff_alpha(moved, "interval"))


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20), st.integers(2, 5))
def test_perfect_agreement_is_one_and_one_value_alone_is_none(
    values: list[int], people: int
) -> None:
    units = [[value] * people for value in values]
    found = [fleiss_kappa(units), cohen_kappa(values, values)]
    found += [krippendorff_alpha(units, scale) for scale in ("nominal", "ordinal", "interval")]
    for each in found:
        if len(set(values)) > 1:
            assert each.value == pytest.approx(1.0)
        else:
            assert each.value is None
            assert "same one thing" in each.reason


@given(panels)
def test_agreement_is_at_most_one_and_never_undefined_without_a_reason(
    units: list[list[int | None]],
) -> None:
    for distance in ("nominal", "ordinal", "interval"):
        found = krippendorff_alpha(units, distance)
        assert (found.value is None) == bool(found.reason)
        assert found.value is None or found.value <= 1 + 1e-12


def test_two_people_who_never_agree_are_worse_than_chance() -> None:
    assert cohen_kappa("aabb", "bbaa").value == -1.0
    found = krippendorff_alpha(list(zip("aabb", "bbaa", strict=True))).value
    assert found is not None
    assert found < 0


def test_two_people_who_each_say_one_other_thing_agree_as_chance_has_it() -> None:
    assert cohen_kappa("aaaa", "bbbb").value == 0.0


@pytest.mark.parametrize(
    "nothing",
    [
        lambda: cohen_kappa([], []),
        lambda: fleiss_kappa([]),
        lambda: fleiss_kappa([["a"], ["b"]]),
        lambda: krippendorff_alpha([]),
        lambda: krippendorff_alpha([["a"], [None, "b"], []]),
        lambda: percent_agreement([], []),
        lambda: pairwise_span_f1([[[(0, 1, "A")]]]),
        lambda: token_agreement([[]]),
    ],
)
def test_what_nobody_else_answered_has_no_agreement(nothing: Callable[[], Coefficient]) -> None:
    found = nothing()
    assert (found.value, found.n) == (None, 0)
    assert "answered by" in found.reason


def test_fleiss_kappa_says_when_people_are_missing() -> None:
    found = fleiss_kappa([["a", "b"], ["a", "b", "a"]])
    assert found.value is None
    assert "from 2 to 3 people" in found.reason


def test_other_lengths_are_refused() -> None:
    for measure in (cohen_kappa, percent_agreement):
        with pytest.raises(ValueError, match="1 values against 2"):
            measure(["a"], ["a", "b"])


@pytest.mark.parametrize("value", ["good", float("nan"), float("inf")])
def test_an_ordered_scale_takes_numbers_only(value: object) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        krippendorff_alpha([[1, value], [2, 3]], "ordinal")


def test_span_f1_counts_every_pair_of_people_once() -> None:
    anna, rome = (0, 4, "PERSON"), (9, 13, "PLACE")
    assert pairwise_span_f1([[[anna, rome], [anna]]]).value == pytest.approx(2 / 3)
    # Three people: 2/3 of the first pair, 1 of the second, 2/3 of the third.
    three = pairwise_span_f1([[[anna, rome], [anna], [anna]]])
    assert three.value == pytest.approx((2 + 2 + 2) / (3 + 2 + 3))
    assert pairwise_span_f1([[[anna], [(0, 4, "PLACE")]]]).value == 0.0
    nobody = pairwise_span_f1([[[], []]])
    assert (nobody.value, nobody.reason) == (None, "nobody marked a span")


def test_tokens_agree_where_offsets_and_labels_do() -> None:
    one, other = [(0, 4, "NOUN"), (5, 9, "VERB")], [(0, 4, "NOUN"), (5, 9, "NOUN")]
    assert token_agreement([[one, other]]).value == 0.5
    cut = [(0, 2, "NOUN"), (2, 4, "NOUN"), (5, 9, "VERB")]
    assert token_agreement([[one, cut]]).value == 0.25, "one of four places is the same"
    assert token_agreement([[one, one], [other, other]]).value == 1.0


def same(one: Coefficient, other: Coefficient) -> None:
    assert one.n == other.n
    if one.value is None or other.value is None:
        assert one.value is other.value
    else:
        assert one.value == pytest.approx(other.value, abs=1e-9)
