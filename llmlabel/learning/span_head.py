"""Trains the head over spans: a head over tokens first, then what its word is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmlabel.confidence.folds import folds_of
from llmlabel.confidence.logistic import fit_logistic
from llmlabel.domain.answer import SpansAnswer
from llmlabel.domain.prediction import Unit
from llmlabel.errors import InvalidInput
from llmlabel.labelers.spacy_features import Featured, TokenFeatures
from llmlabel.labelers.span_head import (
    FIRST,
    INNER,
    SpanHead,
    evidence_table,
    proposed,
    span_evidence,
)
from llmlabel.labelers.token_head import NO_UNIT
from llmlabel.learning.token_head import fit_token_head

Floats = npt.NDArray[np.float64]

FEWEST_SPANS = 20
PRECISION = 30.0
"""Inverse variance of the prior of a weight, chosen by cross-validation on training documents
of UNER EWT and WikiGold."""


def fit_span_head(
    documents: Sequence[Featured],
    gold: Sequence[SpansAnswer],
    *,
    weight: Floats | None = None,
    keep: float | None = None,
    folds: int = 5,
    seed: int = 0,
) -> SpanHead:
    """Train on documents whose spans are known.

    The logistic model learns from what heads over tokens say of documents that they were not
    trained on, or it would believe them too much (stacking, Wolpert 1992).

    Args:
        documents: What spaCy says of each, shape (n,).
        gold: The right answers, shape (n,).
        weight: How often each document counts, shape (n,).
        keep: As in `SpanHead`.
        folds: Of the stacking.
        seed: Of the folds.

    Raises:
        InvalidInput: There are too few documents or spans, or all spans are right or wrong.
    """
    mass = np.ones(len(documents)) if weight is None else np.asarray(weight, np.float64)
    targets = [
        span_classes(document.tokens, answer)
        for document, answer in zip(documents, gold, strict=True)
    ]
    fold = folds_of([document.text for document in documents], folds, seed)
    rows: list[dict[str, float]] = []
    right: list[bool] = []
    counts: list[float] = []
    for index in np.unique(fold):
        inside = np.flatnonzero(fold != index).tolist()
        head = fit_token_head(
            [documents[i].tokens for i in inside],
            [targets[i] for i in inside],
            weight=mass[inside],
        )
        for i in np.flatnonzero(fold == index).tolist():
            document = documents[i]
            chances = head.probabilities(document.tokens)
            units: list[Unit] = list(document.prediction.units)
            if keep is not None:
                units += proposed(head, chances, document.tokens, units)
            truth = {(span.start, span.end, span.label) for span in gold[i].spans}
            rows += span_evidence(document.text, units, head, chances, document.tokens)
            right += [(unit.start, unit.end, unit.label) in truth for unit in units]
            counts += [float(mass[i])] * len(units)
    target = np.array(right, dtype=np.float64)
    if len(target) < FEWEST_SPANS or target.min() == target.max():
        raise InvalidInput(
            f"A head over spans needs verified documents in which at least {FEWEST_SPANS} spans "
            f"are proposed, some right and some wrong; {int(target.sum())} of {len(target)} are "
            "right. Review more, or import gold."
        )
    names = tuple(sorted({name for row in rows for name in row}))
    table = evidence_table(rows, names)
    mean, scale = table.mean(axis=0), table.std(axis=0) + 1e-3
    features = np.column_stack([(table - mean) / scale, np.ones(len(rows))])
    precision = np.full(len(names) + 1, PRECISION)
    precision[-1] = 1e-3
    each = np.array(counts)
    found = fit_logistic(features, target, each / each.mean(), np.zeros(len(names) + 1), precision)
    tokens = fit_token_head([each.tokens for each in documents], targets, weight=mass)
    return SpanHead(tokens, names, mean, scale, found[:-1], float(found[-1]), keep)


def span_classes(features: TokenFeatures, gold: SpansAnswer) -> list[str]:
    """The class of every token: first or further token of a span, or outside."""
    classes = [NO_UNIT] * len(features)
    for span in gold.spans:
        under = np.flatnonzero((features.start < span.end) & (features.end > span.start))
        for rank, token in enumerate(under):
            classes[int(token)] = (INNER if rank else FIRST) + span.label
    return classes
