"""Made-up embeddings about a centre per label, and a made-up language model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlabel.confidence.choice_evidence import ChoiceEvidence
from llmlabel.pooling import log_softmax


@dataclass(frozen=True)
class Texts:
    vectors: NDArray[np.float32]
    gold: NDArray[np.intp]
    sha: list[str]
    base: ChoiceEvidence
    prototypes: NDArray[np.float32]

    @property
    def names(self) -> tuple[str, ...]:
        return self.base.labels

    def rows(self, index: NDArray[np.intp]) -> Texts:
        return Texts(
            self.vectors[index],
            self.gold[index],
            [self.sha[i] for i in index.tolist()],
            self.base.rows(index),
            self.prototypes,
        )


def texts(
    n: int, *, labels: int = 4, seed: int = 0, student: float = 1.0, llm: float = 1.5
) -> Texts:
    """`student` and `llm` say how much embeddings and language model know of the labels."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(labels, 16))
    gold = random.integers(0, labels, n)
    vectors = student * centres[gold] + random.normal(size=(n, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    logits = random.normal(size=(n, labels))
    logits[np.arange(n), gold] += llm
    names = tuple(f"label-{i}" for i in range(labels))
    base = ChoiceEvidence(
        names, {"llm": log_softmax(2 * logits)}, {"log_length": random.normal(3, 1, n)}
    )
    sha = [hashlib.sha256(f"{seed} {i}".encode()).hexdigest() for i in range(n)]
    prototypes = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    return Texts(vectors.astype(np.float32), gold, sha, base, prototypes.astype(np.float32))
