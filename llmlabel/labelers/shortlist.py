"""The labels most like a text, by sentence embeddings: what to offer a model of many labels."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from llmlabel.domain.guideline import Guideline
from llmlabel.embedding import SentenceEmbedder

FloatArray = npt.NDArray[np.float32]


class Shortlist:
    """Ranks the labels of a guideline by how near their names and examples are to a text.

    The similarity of a label is the higher of two cosines: of the text with the label's name
    and definition, and of the text with the mean of the label's examples.
    """

    def __init__(self, embedder: SentenceEmbedder) -> None:
        self._embedder = embedder
        self._labels: dict[str, FloatArray] = {}

    async def similarities(self, texts: Sequence[str], guideline: Guideline) -> FloatArray:
        """Cosine similarity of each text with each label, shape (texts, labels)."""
        return await asyncio.to_thread(self._similarities, texts, guideline)

    def _similarities(self, texts: Sequence[str], guideline: Guideline) -> FloatArray:
        key = guideline.sha256
        if key not in self._labels:
            self._labels[key] = self._embed_labels(guideline)
        vectors = self._embedder.embed(texts)
        best: FloatArray = np.einsum("nd,vld->nvl", vectors, self._labels[key]).max(axis=1)
        return best

    def _embed_labels(self, guideline: Guideline) -> FloatArray:
        named = self._embedder.embed(label_sentences(guideline))
        shown = named.copy()
        examples = [e for e in guideline.examples if e.label is not None]
        if examples:
            vectors = self._embedder.embed([e.text for e in examples])
            for index, name in enumerate(guideline.label_names):
                mine = vectors[[e.label == name for e in examples]]
                if len(mine):
                    mean = mine.mean(axis=0)
                    shown[index] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return np.stack([named, shown])


def label_sentences(guideline: Guideline) -> list[str]:
    """Each label's name and definition, as a sentence encoder reads them; shape (labels,)."""
    return [f"{label.name.replace('_', ' ')}: {label.definition}" for label in guideline.labels]
