"""The student: a small classifier of sentence embeddings, learned from verified labels."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.prediction import Prediction, Source
from llmlabel.embedding import SentenceEmbedder
from llmlabel.pooling import log_softmax

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]
Ints = NDArray[np.intp]

LABELS_KEPT = 20
"""Of a guideline with more labels, the student speaks of its best ones only, as a language
model does of its shortlist; the others count as not offered."""

_ROWS = 1024


@dataclass(frozen=True)
class Neighbours:
    """How near n texts are to the verified examples.

    Attributes:
        similarity: Cosine with the nearest example, 0 where there is none, shape (n,).
        label: That example's label by index, -1 where there is none, shape (n,).
        own: Cosine with the nearest example of the student's own answer, shape (n,).
        other: Cosine with the nearest example of any other label, shape (n,).
    """

    similarity: Floats
    label: Ints
    own: Floats
    other: Floats

    def evidence(self, answer: Ints) -> dict[str, Floats]:
        """As evidence on the student's answers, shape (n,)."""
        return {
            "nearest_similarity": self.similarity,
            "nearest_agrees": (self.label == answer).astype(np.float64),
            "own_similarity": self.own,
            "other_similarity": self.other,
        }


@dataclass(frozen=True)
class Memory:
    """The verified examples that a student learned from, by their embeddings.

    Attributes:
        vectors: Of unit length, float16, shape (m, dimensions).
        labels: By index, int32, shape (m,).
        text_sha: SHA-256 of the texts in hexadecimal, bytes of length 64, shape (m,).
    """

    vectors: NDArray[np.float16]
    labels: NDArray[np.int32]
    text_sha: NDArray[np.bytes_]

    def nearest(self, vectors: Vectors, answer: Ints, text_sha: Sequence[str]) -> Neighbours:
        """The nearest examples of other texts: a text never sees its own verified label.

        Args:
            vectors: Of unit length, shape (n, dimensions).
            answer: The student's answer to each, shape (n,).
            text_sha: SHA-256 of each text, shape (n,).
        """
        n = len(vectors)
        similarity, own, other = np.zeros(n), np.zeros(n), np.zeros(n)
        label = np.full(n, -1, dtype=np.intp)
        if not len(self.labels):
            return Neighbours(similarity, label, own, other)
        examples = self.vectors.astype(np.float32).T
        places: dict[bytes, list[int]] = {}
        for place, sha in enumerate(self.text_sha.tolist()):
            places.setdefault(sha, []).append(place)
        for start in range(0, n, _ROWS):
            rows = slice(start, min(start + _ROWS, n))
            cosine = vectors[rows] @ examples
            for row, sha in enumerate(text_sha[rows]):
                cosine[row, places.get(sha.encode(), [])] = -np.inf
            best = cosine.argmax(axis=1)
            height = cosine[np.arange(len(cosine)), best]
            found = np.isfinite(height)
            similarity[rows] = np.where(found, height, 0.0)
            label[rows] = np.where(found, self.labels[best], -1)
            same = self.labels[None, :] == answer[rows, None]
            own[rows] = _highest(np.where(same, cosine, -np.inf))
            other[rows] = _highest(np.where(same, -np.inf, cosine))
        return Neighbours(similarity, label, own, other)


@dataclass(frozen=True)
class Student:
    """A multinomial logistic model on sentence embeddings, with the examples it learned from.

    Attributes:
        labels: The labels of the guideline, in its order.
        weights: Shape (dimensions, labels), float32.
        bias: Shape (labels,), float32.
        temperature: The logits are divided by it, so that probabilities are as the verified
            labels were outside the part that was learned from.
        memory: The verified examples.
    """

    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    temperature: float
    memory: Memory

    def logits(self, vectors: Vectors) -> Floats:
        """Before the temperature, shape (n, labels)."""
        made: Floats = (vectors @ self.weights + self.bias).astype(np.float64)
        return made

    def logs(self, vectors: Vectors) -> Floats:
        """Log-probability of every label, -inf for those it does not speak of, (n, labels)."""
        return spoken_of(log_softmax(self.logits(vectors) / self.temperature))

    def probabilities(self, vectors: Vectors) -> Floats:
        """Probability of every label, shape (n, labels); zero for those it does not speak of.

        Args:
            vectors: Sentence embeddings of unit length, shape (n, dimensions).
        """
        shares: Floats = np.exp(self.logs(vectors))
        return shares

    def nearest(self, vectors: Vectors, text_sha: Sequence[str]) -> Neighbours:
        """How near the texts are to the examples; a text's own example does not count.

        Args:
            vectors: Of unit length, shape (n, dimensions).
            text_sha: SHA-256 of each text, shape (n,).
        """
        return self.memory.nearest(vectors, self.logits(vectors).argmax(axis=1), text_sha)

    @cached_property
    def sha256(self) -> str:
        """Of all that it learned."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays().items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As an npz file holds it; no array holds Python objects."""
        return {
            "labels": np.array(self.labels),
            "weights": self.weights,
            "bias": self.bias,
            "temperature": np.array(self.temperature),
            "memory_vectors": self.memory.vectors,
            "memory_labels": self.memory.labels,
            "memory_sha": self.memory.text_sha,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Student:
        """The student that `arrays` gave."""
        return cls(
            tuple(str(name) for name in arrays["labels"]),
            arrays["weights"],
            arrays["bias"],
            float(arrays["temperature"]),
            Memory(arrays["memory_vectors"], arrays["memory_labels"], arrays["memory_sha"]),
        )


class StudentLabeler:
    """Labels with a student; nothing but its own and the encoder's weights is needed.

    Args:
        student: What was learned.
        embedder: The sentence encoder that it was learned with.
    """

    name = "student"

    def __init__(self, student: Student, embedder: SentenceEmbedder) -> None:
        self._student = student
        self._embedder = embedder

    async def predict(
        self,
        documents: Sequence[Document],
        guideline: Guideline,
        earlier: Sequence[Sequence[Prediction]],
    ) -> Sequence[Prediction]:
        """One prediction per document; see `Labeler.predict`."""
        return await asyncio.to_thread(self._predict, documents)

    def _predict(self, documents: Sequence[Document]) -> list[Prediction]:
        began = time.perf_counter()
        student = self._student
        vectors = self._embedder.embed([document.text for document in documents])
        probabilities = student.probabilities(vectors)
        answer = probabilities.argmax(axis=1)
        near = student.nearest(vectors, [document.text_sha256 for document in documents])
        extras = near.evidence(answer)
        seconds = (time.perf_counter() - began) / max(len(documents), 1)
        source = Source(labeler=self.name, model=f"student@{student.sha256[:12]}", seconds=seconds)
        return [
            self._prediction(
                row, {name: float(values[index]) for name, values in extras.items()}, source
            )
            for index, row in enumerate(probabilities)
        ]

    def _prediction(self, row: Floats, extras: dict[str, float], source: Source) -> Prediction:
        names = self._student.labels
        order = [int(i) for i in np.argsort(-row, kind="stable") if row[i] > 0]
        best = float(row[order[0]])
        second = float(row[order[1]]) if len(order) > 1 else 0.0
        return Prediction(
            answer=ChoiceAnswer(label=names[order[0]]),
            probability=min(best, 1.0),
            method="student",
            evidence={**extras, "top_probability": best, "margin": best - second},
            scores={names[i]: float(row[i]) for i in order},
            source=source,
            detail=(
                f"{names[order[0]]} {best:.2f} against {names[order[1]]} {second:.2f}"
                if best < 0.9 and len(order) > 1
                else ""
            ),
        )


def spoken_of(logs: Floats) -> Floats:
    """Log-probabilities of the best labels, made to sum to one; -inf for all others.

    Args:
        logs: Of all labels, shape (n, labels).
    """
    if logs.shape[1] <= LABELS_KEPT:
        return logs
    bound = np.partition(logs, -LABELS_KEPT, axis=1)[:, -LABELS_KEPT, None]
    kept = np.where(logs >= bound, logs, -np.inf)
    return log_softmax(kept)


def _highest(cosine: Vectors) -> Floats:
    best = cosine.max(axis=1).astype(np.float64)
    found: Floats = np.where(np.isfinite(best), best, 0.0)
    return found
