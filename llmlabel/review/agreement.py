"""How far people agree beyond chance: coefficients over what several said of the same things.

A value answers one thing: a document, a token, a word. Values are anything hashable. A
coefficient that is not defined is None and says why; it is never 1 because nothing could differ.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Any, Literal

Distance = Literal["nominal", "ordinal", "interval"]
SpanKey = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An agreement, or why there is none.

    Attributes:
        value: 1 is perfect, 0 what chance gives, below 0 worse than chance; of a plain share or
            an F1, 0 is no agreement at all. None where it is not defined.
        n: Things compared, each by two people or more.
        reason: Why `value` is None; empty otherwise.
    """

    value: float | None
    n: int
    reason: str = ""


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> Coefficient:
    """Agreement of two people beyond what their own shares of each value would give by chance.

    Args:
        first: What one said, shape (n,).
        second: What the other said of the same things, shape (n,).

    Raises:
        ValueError: The lengths differ.

    Source: Cohen 1960, "A coefficient of agreement for nominal scales", eq. 1.
    """
    n = len(first)
    if n != len(second):
        raise ValueError(f"{n} values against {len(second)}; both must be of the same things")
    if n == 0:
        return Coefficient(None, 0, "nothing was answered by both")
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / n
    ours, theirs = Counter(first), Counter(second)
    expected = sum(count * theirs[value] for value, count in ours.items()) / n**2
    return _beyond_chance(observed, expected, n)


def fleiss_kappa(items: Sequence[Sequence[Hashable]]) -> Coefficient:
    """Agreement of any people beyond the chance that the pooled shares of the values give.

    Args:
        items: What was said of each thing; of every one as many values, in any order. They need
            not come from the same people.

    Returns:
        None for its value where things were answered by different numbers of people;
        `krippendorff_alpha` allows for that.

    Source: Fleiss 1971, "Measuring nominal scale agreement among many raters".
    """
    sizes = {len(item) for item in items}
    if not items or max(sizes) < 2:
        return Coefficient(None, 0, "nothing was answered by two people")
    if len(sizes) > 1:
        return Coefficient(
            None,
            len(items),
            f"from {min(sizes)} to {max(sizes)} people answered; it needs the same number for each",
        )
    each = sizes.pop()
    counts = [Counter(item) for item in items]
    pooled = sum(counts, Counter[Hashable]())
    same = sum(n * (n - 1) for count in counts for n in count.values())
    observed = same / (len(items) * each * (each - 1))
    expected = sum(n * n for n in pooled.values()) / (len(items) * each) ** 2
    return _beyond_chance(observed, expected, len(items))


def krippendorff_alpha(
    units: Sequence[Sequence[Any]], distance: Distance = "nominal"
) -> Coefficient:
    """Agreement of any people on any scale; answers may be missing.

    Args:
        units: What was said of each thing, in any order. None is a missing answer; a thing with
            fewer than two answers tells nothing and is passed over.
        distance: `nominal`: values are equal or not. `ordinal`: they have an order. `interval`:
            they are numbers, and differences between them mean the same everywhere.

    Raises:
        ValueError: The scale is `ordinal` or `interval`, and a value is no finite number. Give
            the places of ordered labels in their order.

    Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability".
    """
    told = [[value for value in unit if value is not None] for unit in units]
    pairable = [Counter(unit) for unit in told if len(unit) > 1]
    if not pairable:
        return Coefficient(None, 0, "nothing was answered by two people")
    pooled = sum(pairable, Counter[Any]())
    if len(pooled) == 1:
        return Coefficient(None, len(pairable), _ONE_VALUE)
    if distance == "nominal":
        observed, expected = _nominal_disagreement(pairable, pooled)
    else:
        observed, expected = _metric_disagreement(pairable, pooled, distance)
    if expected <= 0:
        return Coefficient(None, len(pairable), "the answers are too close to be told apart")
    return Coefficient(1 - observed / expected, len(pairable))


def percent_agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> Coefficient:
    """Share of things of which two people said the same.

    Raises:
        ValueError: The lengths differ.
    """
    n = len(first)
    if n != len(second):
        raise ValueError(f"{n} values against {len(second)}; both must be of the same things")
    if n == 0:
        return Coefficient(None, 0, "nothing was answered by both")
    return Coefficient(sum(a == b for a, b in zip(first, second, strict=True)) / n, n)


def pairwise_span_f1(documents: Sequence[Sequence[Sequence[SpanKey]]]) -> Coefficient:
    """Strict F1 of spans between people: start, end and label must all agree.

    Every pair of people on every document is counted once, and the counts are summed over all of
    them. Which of a pair counts as the gold makes no difference.

    Args:
        documents: Of each document the spans of each person, as (start, end, label).

    Source: Hripcsak and Rothschild 2005, "Agreement, the F-measure, and reliability in
    information retrieval": as most of a text is no span, kappa tends to this mean F1.
    """
    same = either = compared = 0
    for people in documents:
        sets = [set(spans) for spans in people]
        compared += len(sets) > 1
        for one, other in combinations(sets, 2):
            same += 2 * len(one & other)
            either += len(one) + len(other)
    if not compared:
        return Coefficient(None, 0, "nothing was answered by two people")
    if not either:
        return Coefficient(None, compared, "nobody marked a span")
    return Coefficient(same / either, compared)


def token_agreement(documents: Sequence[Sequence[Sequence[SpanKey]]]) -> Coefficient:
    """Share of tokens that two people label the same, over every pair of people.

    A token that one of a pair cut otherwise counts as labeled otherwise.

    Args:
        documents: Of each document the tokens of each person, as (start, end, label).

    Returns:
        Its `n` counts documents, not tokens.
    """
    same = either = compared = 0
    for people in documents:
        said = [{(start, end): label for start, end, label in tokens} for tokens in people]
        compared += len(said) > 1
        for one, other in combinations(said, 2):
            places = one.keys() | other.keys()
            either += len(places)
            same += sum(place in one and one[place] == other.get(place) for place in places)
    if not compared:
        return Coefficient(None, 0, "nothing was answered by two people")
    if not either:
        return Coefficient(None, compared, "there are no tokens")
    return Coefficient(same / either, compared)


_ONE_VALUE = "everybody said the same one thing of everything, so chance cannot be told from skill"


def _beyond_chance(observed: float, expected: float, n: int) -> Coefficient:
    # Only where one value is all there is does chance explain everything.
    if math.isclose(expected, 1.0, abs_tol=1e-12):
        return Coefficient(None, n, _ONE_VALUE)
    return Coefficient((observed - expected) / (1 - expected), n)


def _nominal_disagreement(
    units: Sequence[Counter[Any]], pooled: Counter[Any]
) -> tuple[float, float]:
    total = pooled.total()
    agreeing = 0.0
    for unit in units:
        agreeing += sum(n * (n - 1) for n in unit.values()) / (unit.total() - 1)
    by_chance = sum(n * (n - 1) for n in pooled.values())
    return 1 - agreeing / total, 1 - by_chance / (total * (total - 1))


def _metric_disagreement(
    units: Sequence[Counter[Any]], pooled: Counter[Any], distance: Distance
) -> tuple[float, float]:
    for value in pooled:
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{value!r} is not a finite number, as the {distance} scale needs")
    values = sorted(pooled)
    if distance == "interval":
        scale = {value: float(value) for value in values}
    else:
        # Of two values, the difference of their mean ranks is what Krippendorff counts: all
        # answers between them, and half of their own.
        ends = accumulate(pooled[value] for value in values)
        scale = {value: end - pooled[value] / 2 for value, end in zip(values, ends, strict=True)}
    observed = sum(_squares(unit, scale) / (unit.total() - 1) for unit in units)
    return observed / pooled.total(), _squares(pooled, scale) / (
        pooled.total() - 1
    ) / pooled.total()


def _squares(counts: Counter[Any], scale: Mapping[Any, float]) -> float:
    """Sum of the squared differences of all ordered pairs."""
    total = counts.total()
    mean = sum(n * scale[value] for value, n in counts.items()) / total
    return 2 * total * sum(n * (scale[value] - mean) ** 2 for value, n in counts.items())
