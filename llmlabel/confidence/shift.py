"""Whether documents still look like those of the certificate: confidences, labels, novelty.

A certificate holds for documents like its gold. Drift is no proof that it broke; it is a reason
to audit more. A sign of drift must be both large (population stability index, share of novel
documents) and beyond chance (a two-sample test): the index alone is large in any small sample,
and a test alone finds the slightest change in a large one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = Mapping[str, int]

_SMOOTHING = 0.5  # added to every count, so that an empty bin has a logarithm
_FEWEST_EXPECTED = 1.0


@dataclass(frozen=True, slots=True)
class DriftLimits:
    """When a change counts as drift.

    `index` .2 is the usual line between a moderate and a large shift of the population
    stability index (Siddiqi 2006, "Credit Risk Scorecards"). A p-value of .001 per test gives
    a false alarm in about a year of daily looks at three signs, before the size of the change
    is asked for too. `novel_ratio` is how many times the expected share must be novel.
    """

    index: float = 0.2
    p_value: float = 0.001
    documents: int = 50
    bins: int = 10
    novelty_quantile: float = 0.95
    novel_ratio: float = 3.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What is compared of a set of documents.

    `confidence`: shape (n,), NaN where there was no answer. `labels`: how often each label was
    answered. `distance`: to the nearest document of the training set, shape (n,), and of the
    reference to the nearest other one; empty where it is not known.
    """

    confidence: Floats
    labels: Counts = field(default_factory=dict)
    distance: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a sample is from its reference, and whether that is drift.

    An index or p-value is None where there was too little to compare. `signs` names what
    drifted; `words` is one sentence for people.
    """

    reference: int
    documents: int
    confidence_index: float | None
    confidence_p: float | None
    label_index: float | None
    label_p: float | None
    novel_share: float | None
    novel_p: float | None
    signs: tuple[str, ...]
    words: str

    @property
    def drifted(self) -> bool:
        """Whether any sign was found."""
        return bool(self.signs)


def measure_shift(reference: Sample, sample: Sample, limits: DriftLimits | None = None) -> Shift:
    """Compare documents with those of the certificate, and say whether they drifted.

    With fewer than `limits.documents` on either side nothing is called drift.

    Raises:
        ValueError: A count of a label is negative, or a distance not a number.
    """
    limits = limits or DriftLimits()
    before, now = np.ravel(reference.confidence), np.ravel(sample.confidence)
    signs: list[str] = []
    words: list[str] = []

    def enough(first: int, second: int) -> bool:
        return min(first, second) >= limits.documents

    confidence_index = confidence_p = label_index = label_p = novel = novel_p = None
    if enough(len(before), len(now)):
        confidence_index = stability_of_values(before, now, limits.bins)
        confidence_p = kolmogorov_smirnov(before, now)
        if confidence_index > limits.index and confidence_p < limits.p_value:
            signs.append("confidence")
            way = "lower" if _middle(now) < _middle(before) else "other"
            words.append(f"confidences are {way} than they were ({_strength(confidence_index)})")
    if enough(sum(reference.labels.values()), sum(sample.labels.values())):
        label_index = stability_of_counts(reference.labels, sample.labels)
        label_p = same_mix(reference.labels, sample.labels)
        if label_index > limits.index and label_p < limits.p_value:
            signs.append("labels")
            name, old, new = _most_changed(reference.labels, sample.labels)
            words.append(
                f"the mix of labels changed ({_strength(label_index)}), most of all {name}, "
                f"from {old:.0%} to {new:.0%}"
            )
    if enough(len(reference.distance), len(sample.distance)):
        novel, novel_p = novelty(reference.distance, sample.distance, limits.novelty_quantile)
        expected = 1 - limits.novelty_quantile
        if novel > limits.novel_ratio * expected and novel_p < limits.p_value:
            signs.append("novelty")
            words.append(
                f"{novel:.0%} of the documents are unlike those learned from, where "
                f"{expected:.0%} are expected"
            )
    return Shift(
        reference=len(before),
        documents=len(now),
        confidence_index=confidence_index,
        confidence_p=confidence_p,
        label_index=label_index,
        label_p=label_p,
        novel_share=novel,
        novel_p=novel_p,
        signs=tuple(signs),
        words=_sentence(words, len(before), len(now), limits.documents),
    )


def population_stability(reference: NDArray[Any], sample: NDArray[Any]) -> float:
    """Population stability index of two sets of counts over the same bins.

    The sum over bins of (q - p) ln(q / p), with p and q the shares of the bin, each count
    raised by a half. 0 for equal shares; under .1 is usually called stable, over .2 a large
    shift. By chance alone it is about (bins - 1)(1/n + 1/m).

    Args:
        reference: Counts, shape (bins,).
        sample: Counts, shape (bins,).

    Raises:
        ValueError: The counts differ in length, or one is negative.

    Source: Siddiqi 2006, "Credit Risk Scorecards", ch. 9; the symmetrised divergence of
    Kullback and Leibler 1951. Its expectation by chance: Yurdakul and Naranjo 2020,
    "Statistical properties of the population stability index".
    """
    first = np.asarray(reference, dtype=np.float64)
    second = np.asarray(sample, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"reference has {first.size} bins and sample {second.size}")
    if np.any(first < 0) or np.any(second < 0):
        raise ValueError("counts must not be negative")
    if first.size == 0:
        return 0.0
    p, q = first + _SMOOTHING, second + _SMOOTHING
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def stability_of_values(reference: Floats, sample: Floats, bins: int = 10) -> float:
    """Population stability index over bins that the reference's quantiles cut.

    Values that are NaN (no answer) have a bin of their own. Where the reference has few
    distinct values there are fewer bins.

    Raises:
        ValueError: `bins` is below 2.
    """
    if bins < 2:
        raise ValueError(f"bins must be at least 2, not {bins}")
    known = reference[~np.isnan(reference)]
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    cuts: Floats = np.empty(0)
    if len(known):
        cuts = np.unique(np.quantile(known, inner, method="inverted_cdf"))
    return population_stability(_binned(reference, cuts), _binned(sample, cuts))


def stability_of_counts(reference: Counts, sample: Counts) -> float:
    """Population stability index over labels; one that a side lacks counts 0 there."""
    first, second = _aligned(reference, sample)
    return population_stability(first, second)


def kolmogorov_smirnov(reference: Floats, sample: Floats) -> float:
    """P-value that both come from one distribution; NaN (no answer) lies below every value.

    Ties make it cautious. An empty side gives 1.

    Source: the two-sample test of Smirnov 1939 with the asymptotic distribution.
    """
    from scipy.stats import ks_2samp  # noqa: PLC0415

    if len(reference) == 0 or len(sample) == 0:
        return 1.0
    first = np.where(np.isnan(reference), -np.inf, reference)
    second = np.where(np.isnan(sample), -np.inf, sample)
    return float(ks_2samp(first, second, method="asymp").pvalue)


def same_mix(reference: Counts, sample: Counts) -> float:
    """P-value that both sets of labels come from one mix.

    Labels too rare to be tested alone (expected less than once on either side) are tested
    together. With fewer than two groups left it is 1.

    Source: Pearson's chi-square test of homogeneity; Cochran 1954 and Koehler and Larntz 1980
    on how small expected counts may be where there are many.
    """
    from scipy.stats import chi2_contingency  # noqa: PLC0415

    table = np.stack(_aligned(reference, sample))
    total = table.sum()
    if total == 0 or 0 in table.sum(axis=1):
        return 1.0
    smaller = table.sum(axis=1).min() / total
    rare = table.sum(axis=0) * smaller < _FEWEST_EXPECTED
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return 1.0
    return float(chi2_contingency(table, correction=False).pvalue)


def novelty(reference: Floats, sample: Floats, quantile: float = 0.95) -> tuple[float, float]:
    """Share of documents farther off than a quantile of the reference, and its p-value.

    Args:
        reference: Distances of reference documents to the nearest other one, shape (n,).
        sample: Distances of documents to the nearest of the training set, shape (m,).
        quantile: Of the reference, from which on a document is novel.

    Returns:
        The share of the sample, and the probability that as many are beyond it by chance. An
        empty side gives (0, 1).

    Raises:
        ValueError: `quantile` is not above 0 and below 1, or a distance is not a number.

    Source: Fisher's exact test, one-sided, which counts the reference's own chance too.
    """
    from scipy.stats import hypergeom  # noqa: PLC0415

    if not 0 < quantile < 1:
        raise ValueError(f"quantile must be above 0 and below 1, not {quantile}")
    if np.any(np.isnan(reference)) or np.any(np.isnan(sample)):
        raise ValueError("distance must be a number for every document")
    if len(reference) == 0 or len(sample) == 0:
        return 0.0, 1.0
    limit = np.quantile(reference, quantile, method="inverted_cdf")
    known, new = int(np.sum(reference > limit)), int(np.sum(sample > limit))
    both = len(reference) + len(sample)
    return new / len(sample), float(hypergeom.sf(new - 1, both, known + new, len(sample)))


def _binned(values: Floats, cuts: Floats) -> Floats:
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(cuts, known, side="left"), minlength=len(cuts) + 1)
    return np.append(counts, len(values) - len(known)).astype(np.float64)


def _aligned(reference: Counts, sample: Counts) -> tuple[Floats, Floats]:
    names = sorted({*reference, *sample})
    first = np.array([reference.get(name, 0) for name in names], dtype=np.float64)
    second = np.array([sample.get(name, 0) for name in names], dtype=np.float64)
    if np.any(first < 0) or np.any(second < 0):
        raise ValueError("counts must not be negative")
    return first, second


def _middle(values: Floats) -> float:
    return float(np.median(np.where(np.isnan(values), -math.inf, values)))


def _most_changed(reference: Counts, sample: Counts) -> tuple[str, float, float]:
    names = sorted({*reference, *sample})
    first, second = _aligned(reference, sample)
    old, new = first / first.sum(), second / second.sum()
    at = int(np.argmax(np.abs(new - old)))
    return names[at], float(old[at]), float(new[at])


def _strength(index: float) -> str:
    return f"stability index {index:.2f}"


def _sentence(words: list[str], reference: int, documents: int, fewest: int) -> str:
    if words:
        return f"{documents} documents differ from the certificate's {reference}: " + "; ".join(
            words
        )
    if min(reference, documents) < fewest:
        return (
            f"{documents} documents against {reference} of the certificate are too few to tell; "
            f"{fewest} are needed on either side"
        )
    return f"{documents} documents look like the certificate's {reference}"
