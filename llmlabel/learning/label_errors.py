"""Verified labels that are likely wrong: those that a model of all others finds improbable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from llmlabel.domain.answer import Answer, ChoiceAnswer, Span, SpansAnswer, TokensAnswer
from llmlabel.domain.base import Value
from llmlabel.domain.document import Document
from llmlabel.domain.gold import GoldSource
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import InvalidInput, Unsupported
from llmlabel.labelers.shortlist import label_sentences
from llmlabel.labelers.spacy_features import Featured
from llmlabel.labelers.spacy_tokens import SHOWN
from llmlabel.learning.student_fit import cross_fit_student
from llmlabel.learning.units import learn_units
from llmlabel.store import Store
from llmlabel.store.learning_records import VerifiedLabel

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Vectors = NDArray[np.float32]
Features = Callable[[Sequence[Document]], Awaitable[Sequence[Featured]]]

FEWEST = 30
"""Verified labels without which a model of them says little about any one."""

LIKELY_BELOW = 0.5
"""Of spans and tokens: a label that the others give less than this probability is likely wrong."""

REASON = "it agrees badly with all the other verified labels; please look again"

_TINY = 1e-6


class Suspect(Value):
    """A verified label, how well it agrees with all the others, and what they suggest."""

    document_id: str
    text: str
    text_sha256: str
    verified: Answer
    suggested: Answer
    quality: float = Field(ge=0, le=1, description="Low where it is likely wrong.")
    likely: bool = Field(description="Wrong in all likelihood, not only among the least likely.")
    source: GoldSource
    reviewer: str | None = None
    label_id: str | None = Field(default=None, description="Of the proposal that was reviewed.")
    looked_again: bool = Field(default=False, description="It was verified by such a second look.")


@dataclass(frozen=True)
class Quality:
    """How well n labels agree with a model that did not learn from them.

    Attributes:
        score: In [0, 1], low where a label is likely wrong, shape (n,).
        suggested: The label that the model finds most probable, by index, shape (n,).
        likely: Wrong by confident learning, shape (n,).
    """

    score: Floats
    suggested: Ints
    likely: NDArray[np.bool_]


def choice_quality(
    vectors: Vectors,
    labels: Ints,
    names: Sequence[str],
    text_sha: Sequence[str],
    prototypes: Vectors | None = None,
) -> Quality:
    """Judge the labels of a choice by cross-fitted students.

    Args:
        vectors: Sentence embeddings of unit length, shape (n, dimensions).
        labels: By index into `names`, shape (n,).
        names: The labels of the guideline.
        text_sha: SHA-256 of the texts, shape (n,).
        prototypes: Embeddings of the labels' names, shape (labels, dimensions).

    Source: Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in
    dataset labels" (which are likely wrong); Kuan and Mueller 2022, "Model-agnostic label
    quality scoring to detect real-world label errors" (the score is the self-confidence).
    """
    from cleanlab.filter import find_label_issues  # noqa: PLC0415
    from cleanlab.rank import get_label_quality_scores  # noqa: PLC0415

    crossed = cross_fit_student(vectors, labels, names, text_sha, prototypes=prototypes)
    chance = np.maximum(np.exp(crossed.logs), _TINY)
    chance /= chance.sum(axis=1, keepdims=True)
    score = get_label_quality_scores(labels, chance, method="self_confidence")
    suggested = chance.argmax(axis=1)
    likely = np.zeros(len(labels), dtype=bool)
    if len(np.unique(labels)) > 1:
        likely = find_label_issues(labels, chance, filter_by="confident_learning", n_jobs=1)
    return Quality(np.clip(score, 0.0, 1.0), suggested, likely & (suggested != labels))


async def label_errors(
    guideline: Guideline,
    verified: Sequence[VerifiedLabel],
    *,
    embedder: Callable[[], SentenceEmbedder],
    features: Features | None = None,
) -> list[Suspect]:
    """All verified labels of a guideline, the likeliest wrong first.

    Spans and tokens are judged by the head: as well as the least probable of a document's
    verified units, and of what the head finds beside them.

    Args:
        guideline: Whose labels.
        verified: All that is known under it, as the store gives it; of one text the newest.
        embedder: Gives the sentence encoder; asked for a choice only.
        features: spaCy's predictions with what a head reads; for spans and tokens.

    Raises:
        InvalidInput: There are too few verified labels.
        Unsupported: The guideline's kind cannot be judged so.
        MissingModel: A model's weights are not on this machine.
    """
    by_text = {each.document.text_sha256: each for each in verified if each.answer is not None}
    known = [each for each in by_text.values() if _fits(each.answer, guideline)]
    if len(known) < FEWEST:
        raise InvalidInput(
            f"{guideline.ref} has {len(known)} verified labels to compare with one another; at "
            f"least {FEWEST} are needed to tell which are likely wrong.",
            field="guideline",
        )
    if guideline.kind == "choice":
        found = await asyncio.to_thread(_of_choice, guideline, known, embedder)
    elif guideline.kind in ("spans", "tokens") and features is not None:
        found = await _of_units(guideline, known, features)
    else:
        raise Unsupported(
            f"Verified labels of {guideline.ref} ({guideline.kind}) cannot be compared with one "
            "another; that is done for choices, and for spans and tokens that spaCy labels.",
            field="guideline",
        )
    return sorted(found, key=lambda suspect: suspect.quality)


def _of_choice(
    guideline: Guideline, known: Sequence[VerifiedLabel], embedder: Callable[[], SentenceEmbedder]
) -> list[Suspect]:
    names = guideline.label_names
    encoder = embedder()
    labels = np.array(
        [names.index(e.answer.label) for e in known if isinstance(e.answer, ChoiceAnswer)]
    )
    judged = choice_quality(
        encoder.embed([each.document.text for each in known]),
        labels,
        names,
        [each.document.text_sha256 for each in known],
        encoder.embed(label_sentences(guideline)),
    )
    return [
        _suspect(
            each,
            ChoiceAnswer(label=names[judged.suggested[row]]),
            float(judged.score[row]),
            bool(judged.likely[row]),
        )
        for row, each in enumerate(known)
    ]


async def _of_units(
    guideline: Guideline, known: Sequence[VerifiedLabel], features: Features
) -> list[Suspect]:
    documents = [each.document for each in known]
    featured = await features(documents)
    opinions = [[each.prediction] for each in featured]
    gold = [each.answer for each in known]
    learned = await asyncio.to_thread(
        lambda: learn_units(documents, guideline, opinions, gold, featured=featured)
    )
    suspects = []
    for each, said in zip(known, learned.combined, strict=True):
        if said.answer is None or each.answer is None:
            continue
        quality = unit_quality(each.answer, said)
        suspects.append(_suspect(each, said.answer, quality, quality < LIKELY_BELOW))
    return suspects


def unit_quality(verified: Answer, said: Prediction) -> float:
    """The probability of the least probable unit on which an answer stands, in [0, 1].

    A span that the prediction holds and the answer does not has the probability that it is none.
    Tokens are compared where both have one: how a text is cut is no matter of labels.

    Source: Wang and Mueller 2022, "Detecting label errors in token classification data" (the
    worst of the tokens' scores).
    """
    right = {(unit.start, unit.end, unit.label) for unit in _units(verified)}
    places = {(unit.start, unit.end): unit for unit in said.units}
    worst = 1.0
    for start, end, label in right:
        unit = places.get((start, end))
        if unit is None and isinstance(verified, TokensAnswer):
            continue
        if unit is None:
            chance = 0.0
        elif unit.label == label:
            chance = unit.probability or 0.0
        else:
            unlisted = min(SHOWN, 1.0 - (unit.probability or 0.0))
            chance = unit.evidence.get(f"label:{label}", max(0.0, unlisted))
        worst = min(worst, chance)
    for unit in said.units if isinstance(verified, SpansAnswer) else ():
        if unit.kept and (unit.start, unit.end, unit.label) not in right:
            worst = min(worst, 1.0 - (unit.probability or 0.0))
    return max(0.0, worst)


def _units(answer: Answer) -> Sequence[Span]:
    match answer:
        case SpansAnswer():
            return answer.spans
        case TokensAnswer():
            return answer.tokens
    return ()


def _fits(answer: Answer | None, guideline: Guideline) -> bool:
    """Whether the answer has only labels that the guideline has."""
    names = set(guideline.label_names)
    if isinstance(answer, ChoiceAnswer):
        return answer.label in names
    return answer is not None and {unit.label for unit in _units(answer)} <= names


def _suspect(each: VerifiedLabel, suggested: Answer, quality: float, likely: bool) -> Suspect:
    assert each.answer is not None
    return Suspect(
        document_id=each.document.id,
        text=each.document.text,
        text_sha256=each.document.text_sha256,
        verified=each.answer,
        suggested=suggested,
        quality=quality,
        likely=likely,
        source=each.source,
        reviewer=each.reviewer,
        label_id=each.label_id,
        looked_again=each.kind == "relabel",
    )


def queue_again(store: Store, suspects: Sequence[Suspect]) -> str:
    """Put those that are likely wrong into review once more; the labels stand until then.

    Each only once: what waits already, or was verified by such a second look, stays as it is.

    Returns:
        What was done, as a sentence.
    """
    likely = [suspect for suspect in suspects if suspect.likely]
    ids = [each.label_id for each in likely if each.label_id and not each.looked_again]
    opened = store.audits.requeue(ids, "relabel", REASON) if ids else 0
    imported = sum(each.label_id is None for each in likely)
    said = f"{opened} of {len(likely)} likely wrong ones wait for another look"
    if imported:
        said += (
            f"; {imported} are imported gold: correct the file and import it again with --replace"
        )
    rest = len(likely) - imported - opened
    if rest:
        said += f"; {rest} wait already, or people looked at them again before"
    return said + "."
