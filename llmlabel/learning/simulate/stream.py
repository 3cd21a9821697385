"""The documents of a simulation as arrays: what the labelers say and what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.gold import draw, part_of
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction
from llmlabel.errors import InvalidInput
from llmlabel.evaluation.cases import Case

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Vectors = NDArray[np.float32]

NONE = -1
"""The code of no answer, and of what no one has verified."""

FEWEST = 50
"""With fewer documents an order says nothing about a promise."""


@dataclass(frozen=True, slots=True)
class Stream:
    """An earlier stream and the one to replay, history first.

    Answers are codes: the place of the label among the guideline's.

    Attributes:
        guideline: The task.
        documents: N of them; the first `history` are the earlier stream.
        opinions: What the base labelers say of each; one or more.
        gold: The right answer, shape (N,).
        vectors: Sentence vectors, shape (N, d), unit length.
        certifies: Whether the document's gold certifies; else it is for fitting, shape (N,).
        distinct: Whether it is the first document with its text; others neither fit nor
            certify, so that no text counts twice, shape (N,).
        history: How many documents are the earlier stream.
        answers: How many codes there are.
    """

    guideline: Guideline
    documents: tuple[Document, ...]
    opinions: tuple[tuple[Prediction, ...], ...]
    gold: Ints
    vectors: Vectors
    certifies: Bools
    distinct: Bools
    history: int
    answers: int

    @property
    def n(self) -> int:
        """Documents to replay."""
        return len(self.documents) - self.history


@dataclass(frozen=True, slots=True)
class Order:
    """One random order of arrival, with a reviewer and a draw of audits of its own.

    Attributes:
        sequence: Documents by time of arrival, shape (n,), as places in the stream.
        verdicts: What the reviewer says of each document when asked, shape (N,).
        drawn: Whether the document is drawn for an audit, shape (N,).
    """

    sequence: Ints
    verdicts: Ints
    drawn: Bools


def without_shared(gold: Sequence[Case], history: Sequence[Case]) -> tuple[list[Case], int]:
    """The history without texts that the gold holds too, and how many were left out.

    Raises:
        InvalidInput: All of them are shared.
    """
    texts = {case.document.text_sha256 for case in gold if case.document}
    kept = [c for c in history if c.document and c.document.text_sha256 not in texts]
    if history and not kept:
        raise InvalidInput(
            "Every text of --history occurs in --gold too; give an earlier stream of other texts.",
            field="history",
        )
    return kept, len(history) - len(kept)


def check_cases(cases: Sequence[Case], guideline: Guideline, option: str) -> None:
    """Refuse gold that the guideline cannot give.

    Raises:
        InvalidInput: A label is not one of the guideline's; names the option and the line.
    """
    known = set(guideline.label_names)
    for case in cases:
        unknown = [label for label in case.labels if label not in known]
        if unknown and known:
            raise InvalidInput(
                f"--{option}: {case.place}: {guideline.ref} has no label {unknown[0]!r}; map or "
                "drop those lines, or let the task be made of the data's labels with "
                "--labels-from-data.",
                field=option,
            )


def choice_stream(
    guideline: Guideline,
    gold: Sequence[Case],
    history: Sequence[Case],
    opinions: Sequence[Sequence[Prediction]],
    vectors: Vectors,
) -> Stream:
    """The arrays of a choice.

    Args:
        guideline: Of kind choice.
        gold: The documents to replay.
        history: The earlier stream.
        opinions: Of the history, then the gold.
        vectors: In the same order, shape (N, d).
    """
    code = {name: index for index, name in enumerate(guideline.label_names)}
    cases = [*history, *gold]
    return Stream(
        guideline=guideline,
        documents=documents_of(cases),
        opinions=tuple(tuple(said) for said in opinions),
        gold=np.array(
            [code[c.gold.label] for c in cases if isinstance(c.gold, ChoiceAnswer)], np.int64
        ),
        vectors=vectors,
        certifies=certifying(cases),
        distinct=first_of_text(cases),
        history=len(history),
        answers=len(code),
    )


def documents_of(cases: Sequence[Case]) -> tuple[Document, ...]:
    """The documents of cases that are texts."""
    return tuple(case.document for case in cases if case.document is not None)


def certifying(cases: Sequence[Case]) -> Bools:
    """Which cases' gold is kept for certifying, shape (n,)."""
    return np.array([part_of(d.text_sha256) == "certify" for d in documents_of(cases)], np.bool_)


def first_of_text(cases: Sequence[Case]) -> Bools:
    """Which cases are the first with their text, shape (n,)."""
    shas = [document.text_sha256 for document in documents_of(cases)]
    first = {sha: index for index, sha in reversed(list(enumerate(shas)))}
    return np.array([first[sha] == index for index, sha in enumerate(shas)], np.bool_)


def make_order(
    stream: Stream, number: int, *, seed: int, reviewer_error: float, audit: float
) -> Order:
    """Shuffle the documents, let the reviewer err, and draw the audits.

    Args:
        stream: What is replayed.
        number: Which order; each has randomness of its own.
        seed: Of the simulation.
        reviewer_error: Probability with which a verdict is a random other answer. The history's
            labels are taken as they are.
        audit: Probability with which a document is drawn.
    """
    random = np.random.default_rng([seed, number])
    total, first = len(stream.documents), stream.history
    sequence = first + random.permutation(stream.n).astype(np.int64)
    errs = random.random(total) < reviewer_error
    errs[:first] = False
    other = random.integers(1, max(2, stream.answers), total)
    verdicts = np.where(errs, (stream.gold + other) % stream.answers, stream.gold)
    ref, name = stream.guideline.ref, f"{seed}-{number}"
    drawn = np.array([draw(name, ref, d.text_sha256) < audit for d in stream.documents], np.bool_)
    return Order(sequence, verdicts.astype(np.int64), drawn)
