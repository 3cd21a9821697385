"""How right answers are: pure functions over labels, spans and counts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
SpanKey = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Counts:
    """Units that are right, were predicted and are in the gold; sums of them give F1."""

    right: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: Counts) -> Counts:
        """Both together."""
        return Counts(
            self.right + other.right, self.predicted + other.predicted, self.gold + other.gold
        )

    @property
    def precision(self) -> float | None:
        """Right among the predicted; None where nothing was predicted."""
        return self.right / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Right among the gold; None where the gold is empty."""
        return self.right / self.gold if self.gold else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where there is nothing on either side."""
        both = self.predicted + self.gold
        return 2 * self.right / both if both else None


def accuracy(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """Share of answers equal to the gold; None (no answer) is wrong.

    Raises:
        ValueError: The sequences differ in length or are empty.
    """
    _check(gold, predicted)
    return sum(a == b for a, b in zip(gold, predicted, strict=True)) / len(gold)


def label_counts(gold: Sequence[str], predicted: Sequence[str | None]) -> dict[str, Counts]:
    """Counts of every label that occurs on either side, by name.

    A missing answer (None) counts as not predicted: it costs recall, not precision.
    """
    _check(gold, predicted)
    names = sorted(set(gold) | {name for name in predicted if name is not None})
    found = dict.fromkeys(names, Counts())
    for truth, said in zip(gold, predicted, strict=True):
        found[truth] += Counts(right=int(truth == said), gold=1)
        if said is not None:
            found[said] += Counts(predicted=1)
    return found


def macro_f1(counts: Mapping[str, Counts]) -> float:
    """Mean F1 over the labels that occur in the gold or in the answers, each weighing the same.

    Source: Sokolova and Lapalme 2009, "A systematic analysis of performance measures for
    classification tasks"; the mean of per-label F1, as scikit-learn's `average="macro"`.

    Raises:
        ValueError: There are no labels.
    """
    if not counts:
        raise ValueError("macro F1 needs at least one label")
    return float(np.mean([count.f1 or 0.0 for count in counts.values()]))


def confusion_matrix(
    gold: Sequence[str], predicted: Sequence[str | None], labels: Sequence[str]
) -> NDArray[np.int64]:
    """How often each gold label (row) was answered with each label (column).

    Returns:
        Shape (k, k + 1); the last column counts answers that are missing or not in `labels`.
    """
    _check(gold, predicted)
    place = {label: index for index, label in enumerate(labels)}
    table = np.zeros((len(labels), len(labels) + 1), dtype=np.int64)
    for truth, said in zip(gold, predicted, strict=True):
        if truth in place:
            table[place[truth], place.get(said, len(labels)) if said else len(labels)] += 1
    return table


def span_counts(gold: Sequence[SpanKey], predicted: Sequence[SpanKey]) -> Counts:
    """Strict span counts of one document: start, end and label must all agree.

    Source: Tjong Kim Sang and De Meulder 2003 (CoNLL-2003): an entity is right only when it is
    an exact match.
    """
    truth, said = set(gold), set(predicted)
    return Counts(len(truth & said), len(said), len(truth))


def overlap_counts(gold: Sequence[SpanKey], predicted: Sequence[SpanKey]) -> Counts:
    """Counts that ask only whether spans share a character, whatever their labels.

    Each span is paired with one other at most, in order of their ends, which pairs as many as
    can be paired when the spans of one side do not overlap each other.
    """
    truth = sorted({(end, start) for start, end, _ in gold})
    said = sorted({(end, start) for start, end, _ in predicted})
    paired = i = j = 0
    while i < len(truth) and j < len(said):
        (gold_end, gold_start), (said_end, said_start) = truth[i], said[j]
        if gold_start < said_end and said_start < gold_end:
            paired += 1
            i += 1
            j += 1
        elif gold_end <= said_end:
            i += 1
        else:
            j += 1
    return Counts(paired, len(said), len(truth))


def counts_by_label(gold: Sequence[SpanKey], predicted: Sequence[SpanKey]) -> dict[str, Counts]:
    """Strict span counts of one document, apart for every label that occurs in it."""
    names = sorted({label for *_, label in gold} | {label for *_, label in predicted})
    return {
        name: span_counts(
            [span for span in gold if span[2] == name],
            [span for span in predicted if span[2] == name],
        )
        for name in names
    }


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Gold tokens of a document, those found with the same offsets, and those labeled right."""

    right: int
    aligned: int
    gold: int


def token_counts(gold: Sequence[SpanKey], predicted: Sequence[SpanKey]) -> TokenCounts:
    """Compare tokens by their offsets; a gold token cut otherwise counts as wrong.

    Source: the aligned accuracy of Zeman et al. 2018 (CoNLL shared task), with gold tokens as
    the denominator.
    """
    said = {(start, end): label for start, end, label in predicted}
    found = [(said.get((start, end)), label) for start, end, label in gold]
    return TokenCounts(
        right=sum(a == b for a, b in found),
        aligned=sum(a is not None for a, _ in found),
        gold=len(found),
    )


def bootstrap_interval(
    counts: NDArray[Any],
    statistic: Callable[[Floats], Floats],
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of a statistic of summed counts, resampling whole documents.

    Args:
        counts: What each document adds, shape (n, k), such as right and total.
        statistic: From sums over resampled documents, shape (resamples, k), to values,
            shape (resamples,).
        level: Probability that the interval covers the statistic's true value.
        resamples: How many times the documents are drawn anew.
        seed: Of the draws, so that a report can be repeated.

    Returns:
        Lower and upper end. Both nan where the statistic is undefined in every resample.

    Raises:
        ValueError: There are no documents.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", ch. 13.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or len(table) == 0:
        raise ValueError("the bootstrap needs a table of counts with at least one document")
    n = len(table)
    draws = np.random.default_rng(seed)
    values = []
    for _ in range(0, resamples, 200):  # in parts, so that memory stays small for large n
        weights = draws.multinomial(n, np.full(n, 1 / n), size=min(200, resamples))
        values.append(statistic(weights @ table))
    joined = np.concatenate(values)
    joined = joined[np.isfinite(joined)]
    if len(joined) == 0:
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.quantile(joined, [tail, 1 - tail])
    return float(low), float(high)


def ratio_of_sums(sums: Floats) -> Floats:
    """First column over the second: accuracy from (right, total), WER from (errors, words)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = sums[:, 0] / sums[:, 1]
    return result


def f1_of_sums(sums: Floats) -> Floats:
    """F1 from the columns right, predicted, gold."""
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = 2 * sums[:, 0] / (sums[:, 1] + sums[:, 2])
    return result


def _check(gold: Sequence[object], predicted: Sequence[object]) -> None:
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold labels against {len(predicted)} answers")
    if not gold:
        raise ValueError("there is nothing to compare")
