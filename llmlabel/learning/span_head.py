"""Trains the head over spans: a head over tokens first, then what its word is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from llmlabel.confidence.folds import folds_of
from llmlabel.confidence.logistic import fit_logistic
from llmlabel.domain.answer import SpansAnswer
from llmlabel.domain.prediction import Prediction, Unit
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
from llmlabel.labelers.token_head import NO_UNIT, TokenHead
from llmlabel.learning.token_head import fit_token_head

Floats = npt.NDArray[np.float64]

FEWEST_SPANS = 20
PRECISION = 10.0
"""Inverse variance of the prior of a weight. By five-fold cross-validation on the training
documents of UNER EWT and WikiGold a factor of three either way changes the AUROC by .004."""


@dataclass(frozen=True)
class SpanStack:
    """Heads over tokens, each trained without one fold of the documents, and one on all.

    What is fitted on top of them learns from what they say of documents that they were not
    trained on, or it would believe them too much (stacking, Wolpert 1992). They are trained
    once, for the final head over spans and for its cross-fitting.

    Attributes:
        documents: What spaCy says of each, shape (n,).
        gold: The right answers, shape (n,).
        weight: How often each document counts, shape (n,).
        fold: The fold of each document, shape (n,).
        heads: By fold, the head trained without it.
        tokens: The head trained on all.
    """

    documents: Sequence[Featured]
    gold: Sequence[SpansAnswer]
    weight: Floats
    fold: npt.NDArray[np.intp]
    heads: Mapping[int, TokenHead]
    tokens: TokenHead

    def head(self, keep: float | None = None) -> SpanHead:
        """The head over spans; `keep` as there.

        Raises:
            InvalidInput: Too few spans are proposed, or all are right, or all wrong.
        """
        return self._fit(self.tokens, self._rows(keep), None, keep)

    def cross_fitted(self, keep: float | None = None) -> list[Prediction]:
        """What heads over spans say of the documents that they were not fitted on, shape (n,).

        Raises:
            InvalidInput: As of `head`.
        """
        rows = self._rows(keep)
        made: list[Prediction] = [each.prediction for each in self.documents]
        for index, tokens in self.heads.items():
            head = self._fit(tokens, rows, index, keep)
            for i in np.flatnonzero(self.fold == index).tolist():
                each = self.documents[i]
                made[i] = head.apply(each.text, each.prediction, each.tokens)
        return made

    def _rows(self, keep: float | None) -> list[_Row]:
        """The evidence for every span proposed, by heads that were not trained on it."""
        rows: list[_Row] = []
        for i, document in enumerate(self.documents):
            head = self.heads[int(self.fold[i])]
            chances = head.probabilities(document.tokens)
            units: list[Unit] = list(document.prediction.units)
            if keep is not None:
                units += proposed(head, chances, document.tokens, units)
            truth = {(span.start, span.end, span.label) for span in self.gold[i].spans}
            told = span_evidence(document.text, units, head, chances, document.tokens)
            rows += [
                _Row(i, each, (unit.start, unit.end, unit.label) in truth)
                for unit, each in zip(units, told, strict=True)
            ]
        return rows

    def _fit(
        self, tokens: TokenHead, rows: Sequence[_Row], without: int | None, keep: float | None
    ) -> SpanHead:
        used = [row for row in rows if without is None or self.fold[row.document] != without]
        target = np.array([row.right for row in used], dtype=np.float64)
        if len(target) < FEWEST_SPANS or target.min() == target.max():
            raise InvalidInput(
                "A head over spans needs verified documents in which at least "
                f"{FEWEST_SPANS} spans are proposed, some right and some wrong; "
                f"{int(target.sum())} of {len(target)} are right. Review more, or import gold."
            )
        names = tuple(sorted({name for row in used for name in row.evidence}))
        table = evidence_table([row.evidence for row in used], names)
        mean, scale = table.mean(axis=0), table.std(axis=0) + 1e-3
        features = np.column_stack([(table - mean) / scale, np.ones(len(used))])
        precision = np.full(len(names) + 1, PRECISION)
        precision[-1] = 1e-3
        count = self.weight[[row.document for row in used]]
        prior = np.zeros(len(names) + 1)
        found = fit_logistic(features, target, count / count.mean(), prior, precision)
        return SpanHead(tokens, names, mean, scale, found[:-1], float(found[-1]), keep)


@dataclass(frozen=True, slots=True)
class _Row:
    document: int
    evidence: dict[str, float]
    right: bool


def stack_spans(
    documents: Sequence[Featured],
    gold: Sequence[SpansAnswer],
    *,
    weight: Floats | None = None,
    fold: npt.NDArray[np.intp] | None = None,
) -> SpanStack:
    """Train the heads over tokens on documents whose spans are known.

    Args:
        documents: What spaCy says of each, shape (n,).
        gold: The right answers, shape (n,).
        weight: How often each document counts, shape (n,).
        fold: Of the stacking, shape (n,); five by the documents' texts where None.

    Raises:
        InvalidInput: There are too few tokens, or none is in a span.
    """
    mass = np.ones(len(documents)) if weight is None else np.asarray(weight, np.float64)
    if fold is None:
        fold = folds_of([document.text for document in documents], 5)
    targets = [
        span_classes(document.tokens, answer)
        for document, answer in zip(documents, gold, strict=True)
    ]

    def trained(rows: Sequence[int]) -> TokenHead:
        return fit_token_head(
            [documents[i].tokens for i in rows],
            [targets[i] for i in rows],
            weight=mass[list(rows)],
        )

    heads = {
        index: trained(np.flatnonzero(fold != index).tolist()) for index in np.unique(fold).tolist()
    }
    return SpanStack(documents, gold, mass, fold, heads, trained(range(len(documents))))


def span_classes(features: TokenFeatures, gold: SpansAnswer) -> list[str]:
    """The class of every token: first or further token of a span, or outside."""
    classes = [NO_UNIT] * len(features)
    for span in gold.spans:
        under = np.flatnonzero((features.start < span.end) & (features.end > span.start))
        for rank, token in enumerate(under):
            classes[int(token)] = (INNER if rank else FIRST) + span.label
    return classes
