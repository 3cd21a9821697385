"""What a training learns from: the verified labels of a guideline that may be learned from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlabel.domain.answer import Answer, ChoiceAnswer, SpansAnswer, TokensAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import CERTIFY_SHARE
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Route
from llmlabel.errors import InvalidInput
from llmlabel.store.learning_records import VerifiedLabel

Floats = NDArray[np.float64]

LARGEST_WEIGHT = 4.0
"""No document stands for more than this many. With the exact weights of a small audit rate a few
audited documents would outweigh all others; cut weights trade a little bias for much less
variance (Ionides 2008, "Truncated importance sampling")."""

CERTIFIES = "kept to certify: what certifies is never learned from"
SHOWN = "shown to the model as an example of the guideline"
UNKNOWN = "labels that the guideline does not have"
REPEATED = "the same text again; the newest answer counts"


@dataclass(frozen=True)
class Gathered:
    """Verified documents to learn from, one per text.

    Attributes:
        documents: Shape (n,).
        answers: The right answers; None where no right answer exists. Shape (n,).
        sampled: Whether each belongs to a random sample of all documents, shape (n,).
        weight: How many documents each stands for, shape (n,).
        from_gold: How many come from imported gold; the others from verdicts.
        known: Verified labels there are in all.
        left_out: How many were left out, by the reason.
    """

    documents: tuple[Document, ...]
    answers: tuple[Answer | None, ...]
    sampled: NDArray[np.bool_]
    weight: Floats
    from_gold: int
    known: int
    left_out: dict[str, int]

    def __len__(self) -> int:
        return len(self.documents)

    @property
    def text_sha(self) -> list[str]:
        """SHA-256 of each text, shape (n,)."""
        return [document.text_sha256 for document in self.documents]


def gather(guideline: Guideline, verified: Sequence[VerifiedLabel], least: int) -> Gathered:
    """Choose what may be learned from.

    Args:
        guideline: Whose labels they are.
        verified: All that is known under it, as the store gives it.
        least: How many are needed.

    Raises:
        InvalidInput: Fewer are left; says how many there are and how many more are needed.
    """
    shown = {example.text for example in guideline.examples}
    names = set(guideline.label_names)
    left_out: Counter[str] = Counter()
    by_text: dict[str, list[VerifiedLabel]] = {}
    for each in verified:
        if each.part == "certify":
            left_out[CERTIFIES] += 1
        elif each.document.text in shown:
            left_out[SHOWN] += 1
        elif not _labels(each.answer) <= names:
            left_out[UNKNOWN] += 1
        else:
            by_text.setdefault(each.document.text_sha256, []).append(each)
    left_out[REPEATED] = sum(len(same) - 1 for same in by_text.values())
    kept = [max(same, key=lambda each: each.created_at) for same in by_text.values()]
    reasons = {reason: count for reason, count in left_out.items() if count}
    if len(kept) < least:
        raise InvalidInput(_too_few(guideline, len(kept), len(verified), least, reasons))
    return Gathered(
        documents=tuple(each.document for each in kept),
        answers=tuple(each.answer for each in kept),
        sampled=np.array(
            [any(e.sampled is not None for e in same) for same in by_text.values()], dtype=bool
        ),
        weight=np.array([max(map(stands_for, same)) for same in by_text.values()]),
        from_gold=sum(each.source == "import" for each in kept),
        known=len(verified),
        left_out=reasons,
    )


def stands_for(label: VerifiedLabel) -> float:
    """How many documents a verified one stands for: 1 / the probability that it was looked at.

    Every doubtful document is looked at, drawn or not, so each stands for itself; an accepted
    one is looked at only when it is drawn.
    """
    accepted = label.proposal is not None and label.proposal.route is Route.ACCEPTED
    if label.sampled is None or not accepted:
        return 1.0
    return min(1.0 / label.sampled, LARGEST_WEIGHT)


def _labels(answer: Answer | None) -> set[str]:
    match answer:
        case ChoiceAnswer():
            return {answer.label}
        case SpansAnswer():
            return {span.label for span in answer.spans}
        case TokensAnswer():
            return {token.label for token in answer.tokens}
    return set()


def _too_few(
    guideline: Guideline, usable: int, known: int, least: int, left_out: dict[str, int]
) -> str:
    more = math.ceil((least - usable) / (1 - CERTIFY_SHARE))
    without = "".join(f"; {count} {reason}" for reason, count in left_out.items())
    return (
        f"{guideline.ref} has {known} verified labels, of which {usable} may be learned from"
        f"{without}. At least {least} are needed: verify about {more} more documents, or import "
        f"gold with `llmlabel gold import FILE --guideline {guideline.ref}`."
    )
