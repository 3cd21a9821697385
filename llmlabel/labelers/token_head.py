"""A frozen multinomial logistic model over the features of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from llmlabel.errors import InvalidInput
from llmlabel.labelers.spacy_features import FloatArray, KeyArray, TokenFeatures

Arrays = dict[str, npt.NDArray[Any]]

NO_UNIT = ""
"""The class of a token that the verified answers cut otherwise, or that is in no span."""


@dataclass(frozen=True, eq=False)
class TokenHead:
    """Probabilities of every class of every token.

    Attributes:
        classes: What a token can be, shape (k,).
        mean: Of the dense features in training, shape (d,).
        scale: Their spread, shape (d,).
        dense: Weights, shape (d, k).
        vocabulary: Hashes seen in training, ascending, shape (v,).
        sparse: Their weights, shape (v, k).
        bias: Shape (k,).
        temperature: Divides the logits; fitted on documents the weights were not.
    """

    classes: tuple[str, ...]
    mean: FloatArray
    scale: FloatArray
    dense: FloatArray
    vocabulary: KeyArray
    sparse: FloatArray
    bias: FloatArray
    temperature: float = 1.0

    def logits(self, features: TokenFeatures) -> FloatArray:
        """Before temperature and softmax, shape (n, k).

        Raises:
            InvalidInput: The features come from another pipeline than those of training.
        """
        if features.dense.shape[1] != len(self.mean):
            raise InvalidInput(
                f"This head was trained on {len(self.mean)} numbers per token and the spaCy "
                f"pipeline gives {features.dense.shape[1]}; train it again with this pipeline."
            )
        total = ((features.dense - self.mean) / self.scale) @ self.dense + self.bias
        if len(self.vocabulary) and len(features):
            place = np.searchsorted(self.vocabulary, features.keys)
            place = np.minimum(place, len(self.vocabulary) - 1)
            known = self.vocabulary[place] == features.keys
            # Row by slot: unknown hashes point at a row of zeros behind the last.
            padded = np.where(known, place, len(self.vocabulary))
            weights = np.vstack([self.sparse, np.zeros_like(self.sparse[:1])])
            total += weights[padded].sum(axis=1)
        result: FloatArray = total.astype(np.float32)
        return result

    def probabilities(self, features: TokenFeatures) -> FloatArray:
        """Shape (n, k), rows sum to one; errors as of `logits`."""
        return softmax(self.logits(features) / np.float32(self.temperature))

    def arrays(self) -> Arrays:
        """All of it as arrays that a NumPy file holds without pickling."""
        return {
            "classes": np.array(self.classes, dtype=np.str_),
            "mean": self.mean,
            "scale": self.scale,
            "dense": self.dense,
            "vocabulary": self.vocabulary,
            "sparse": self.sparse,
            "bias": self.bias,
            "temperature": np.array(self.temperature),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """The inverse of `arrays`."""
        return cls(
            classes=tuple(str(each) for each in arrays["classes"]),
            mean=arrays["mean"].astype(np.float32),
            scale=arrays["scale"].astype(np.float32),
            dense=arrays["dense"].astype(np.float32),
            vocabulary=arrays["vocabulary"].astype(np.uint64),
            sparse=arrays["sparse"].astype(np.float32),
            bias=arrays["bias"].astype(np.float32),
            temperature=float(arrays["temperature"]),
        )


def softmax(logits: FloatArray) -> FloatArray:
    """Rows of probabilities."""
    if len(logits) == 0:
        return logits
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: FloatArray = exp / exp.sum(axis=1, keepdims=True)
    return result
