"""Learns from verified spans, tokens and transcripts: a head, and what a whole answer is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from llmlabel.confidence.folds import folds_of
from llmlabel.confidence.unit_calibrator import UnitCalibrator, fit_unit_calibrator
from llmlabel.domain.answer import Answer, SpansAnswer, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Outcome, Prediction
from llmlabel.domain.promise import Loss
from llmlabel.errors import InvalidInput
from llmlabel.labelers.ensemble import combine
from llmlabel.labelers.spacy_features import Featured
from llmlabel.labelers.spacy_head import Head, under
from llmlabel.labelers.token_head import NO_UNIT
from llmlabel.learning.losses import loss_of
from llmlabel.learning.paired import PairedTest, paired_test
from llmlabel.learning.span_head import stack_spans
from llmlabel.learning.token_head import fit_token_head
from llmlabel.learning.unit_scores import opinion_loss, unit_scores

Floats = npt.NDArray[np.float64]

FEWEST_DOCUMENTS = 30
"""Verified documents below which no head is tried."""
KEEP = 0.3
"""Where a head chooses the spans, those at least this probable are kept: near the half of the F1
that is reached, below which keeping a span lowers the expected F1 (Lipton et al. 2014). By
cross-validation on the training documents of UNER EWT and WikiGold .3 is as good as .4 in F1 and
better in whole answers."""


@dataclass(frozen=True)
class LearnedUnits:
    """What was learned, and what it would have said of the documents it was learned from.

    Attributes:
        head: Joins the labeler `spacy`; None where the paired test does not say that it helps.
        calibrator: Of combined predictions made with that head.
        confidence: Cross-fitted, NaN where no labeler answered, shape (n,).
        right: 1 - loss of the combined answers made with cross-fitted heads, shape (n,).
        combined: Those answers, shape (n,).
        report: Scores and the tests, as JSON holds them.
    """

    head: Head | None
    calibrator: UnitCalibrator
    confidence: Floats
    right: Floats
    combined: tuple[Prediction, ...]
    report: dict[str, Any]


def learn_units(
    documents: Sequence[Document],
    guideline: Guideline,
    opinions: Sequence[Sequence[Prediction]],
    gold: Sequence[Answer | None],
    *,
    featured: Sequence[Featured] | None = None,
    weight: Floats | None = None,
    loss: Loss | None = None,
    folds: int = 5,
    seed: int = 0,
) -> LearnedUnits:
    """Learn from verified documents.

    Args:
        documents: Shape (n,).
        guideline: Of kind spans, tokens or transcript.
        opinions: What the labelers said of each, in the order of the cascade. Where `featured`
            is given, an opinion of `spacy` among them is replaced by the new one.
        gold: The right answers; None where no right answer exists.
        featured: spaCy's predictions and features (`SpacyLabeler.features`), shape (n,); None
            where spaCy is no labeler, and no head is learned.
        weight: How many documents each stands for, shape (n,).
        loss: What counts as wrong; the guideline's by default.
        folds: Of the cross-fitting.
        seed: Of the folds.

    Raises:
        InvalidInput: Too few of the documents have an answer.
    """
    counted = loss or guideline.policy.loss
    fold = folds_of([document.text_sha256 for document in documents], folds, seed)
    mass = np.ones(len(documents)) if weight is None else np.asarray(weight, np.float64)
    head: Head | None = None
    report: dict[str, Any] = {"documents": len(documents), "loss": counted}
    first: Sequence[Prediction] | None = None
    if featured is not None:
        head, first, report["head"] = _learn_head(documents, featured, gold, mass, fold)
    combined = [
        combine(document, guideline, said)
        for document, said in zip(documents, _with(first, opinions), strict=True)
    ]
    right = np.array(
        [
            1.0 - loss_of(made.answer, answer, counted, document.language)
            for document, made, answer in zip(documents, combined, gold, strict=True)
        ]
    )
    answered = np.array([made.outcome is Outcome.ANSWERED for made in combined], bool)
    rows = np.flatnonzero(answered).tolist()
    fit = fit_unit_calibrator(
        [combined[i] for i in rows],
        right[rows],
        weight=mass[rows],
        texts=[documents[i].text_sha256 for i in rows],
        folds=folds,
        seed=seed,
    )
    confidence = np.full(len(documents), np.nan)
    confidence[rows] = fit.confidence
    report["calibrator"] = fit.scores
    report["units"] = unit_scores(combined, gold)
    return LearnedUnits(head, fit.calibrator, confidence, right, tuple(combined), report)


def _with(
    first: Sequence[Prediction] | None, opinions: Sequence[Sequence[Prediction]]
) -> list[list[Prediction]]:
    if first is None:
        return [list(said) for said in opinions]
    return [
        [new, *(each for each in said if each.source.labeler != "spacy")]
        for new, said in zip(first, opinions, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Known:
    """The documents whose right answer is known, which a head is trained on."""

    featured: Sequence[Featured]
    gold: Sequence[Answer | None]
    weight: Floats
    fold: npt.NDArray[np.intp]
    texts: Sequence[str]


def _learn_head(
    documents: Sequence[Document],
    featured: Sequence[Featured],
    gold: Sequence[Answer | None],
    weight: Floats,
    fold: npt.NDArray[np.intp],
) -> tuple[Head | None, list[Prediction], dict[str, Any]]:
    """The head, the cross-fitted predictions (spaCy's own without it), and why."""
    own = [each.prediction for each in featured]
    rows = [i for i, each in enumerate(gold) if isinstance(each, SpansAnswer | TokensAnswer)]
    report: dict[str, Any] = {"joins": False, "before": unit_scores(own, gold)}
    if len(rows) < FEWEST_DOCUMENTS:
        report["reason"] = f"a head is tried from {FEWEST_DOCUMENTS} verified documents on"
        return None, own, report
    known = _Known(
        [featured[i] for i in rows],
        [gold[i] for i in rows],
        weight[rows],
        fold[rows],
        [documents[i].text_sha256 for i in rows],
    )
    spans = any(isinstance(each, SpansAnswer) for each in known.gold)
    try:
        head, made, report["tests"] = (_learn_spans if spans else _learn_tokens)(known)
    except InvalidInput as exc:
        return None, own, report | {"reason": exc.detail}
    if head is None:
        return None, own, report | {"reason": "the paired test does not say that it helps"}
    # Documents without a right answer are not trained on; the final head is fair to them.
    first = [under(each, head) for each in featured]
    for i, prediction in zip(rows, made, strict=True):
        first[i] = prediction
    return head, first, report | {"joins": True}


def _learn_tokens(known: _Known) -> tuple[Head | None, list[Prediction], dict[str, Any]]:
    made = [each.prediction for each in known.featured]
    for index in np.unique(known.fold):
        head = _token_head(known, np.flatnonzero(known.fold != index).tolist())
        for i in np.flatnonzero(known.fold == index).tolist():
            made[i] = under(known.featured[i], head)
    own = [each.prediction for each in known.featured]
    test = _test(known, own, made, opinion_loss)
    tests = {"labels": {**test.to_dict(), "scores": unit_scores(made, known.gold)}}
    return (_token_head(known, range(len(made))) if test.helps else None), made, tests


def _learn_spans(known: _Known) -> tuple[Head | None, list[Prediction], dict[str, Any]]:
    """A head that weighs spaCy's spans is tried, then one that chooses the spans as well.

    The second has to make better answers, and not only better probabilities.
    """
    answers = [each for each in known.gold if isinstance(each, SpansAnswer)]
    stack = stack_spans(known.featured, answers, weight=known.weight, fold=known.fold)
    best = [each.prediction for each in known.featured]
    head, tests = None, {}
    for name, keep, loss in (("weighs", None, opinion_loss), ("chooses", KEEP, _answer_loss)):
        made = stack.cross_fitted(keep)
        test = _test(known, best, made, loss)
        tests[name] = {**test.to_dict(), "scores": unit_scores(made, known.gold)}
        if test.helps:
            best, head = made, stack.head(keep)
    return head, best, tests


def _test(
    known: _Known,
    before: Sequence[Prediction],
    after: Sequence[Prediction],
    loss: Callable[[Prediction, Answer | None], float],
) -> PairedTest:
    losses = [
        np.array([loss(made, gold) for made, gold in zip(each, known.gold, strict=True)])
        for each in (before, after)
    ]
    return paired_test(losses[0], losses[1], known.weight, known.texts)


def _answer_loss(prediction: Prediction, gold: Answer | None) -> float:
    return loss_of(prediction.answer, gold, "units")


def _token_head(known: _Known, rows: Sequence[int]) -> Head:
    targets = []
    for i in rows:
        each, answer = known.featured[i], known.gold[i]
        assert isinstance(answer, TokensAnswer)
        labels = {(token.start, token.end): token.label for token in answer.tokens}
        places = zip(each.tokens.start.tolist(), each.tokens.end.tolist(), strict=True)
        targets.append([labels.get(place, NO_UNIT) for place in places])
    return fit_token_head(
        [known.featured[i].tokens for i in rows], targets, weight=known.weight[list(rows)]
    )
