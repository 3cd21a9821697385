"""Verified labels that can be shown to a model: the nearest to a text, spread over labels."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from llmlabel.domain.document import Document
from llmlabel.domain.guideline import Example
from llmlabel.embedding import SentenceEmbedder

Arrays = Mapping[str, npt.NDArray[Any]]

BYTES_PER_TOKEN = 4
TURN_TOKENS = 12
"""An example is taken to cost a token for every four bytes of UTF-8, rounded up, for its text
and its label, and this many for the markup of its two turns. Tokenizers make one token of three
to five bytes of English; the guess needs no model, so a pool chooses the same for every model."""


@dataclass(frozen=True, eq=False)
class ExamplePool:
    """The verified labels of one training: a snapshot, so it changes only with a training.

    Attributes:
        texts: Shape (n,).
        labels: The verified label of each, shape (n,).
        hashes: SHA-256 of each text in hexadecimal, shape (n,).
        vectors: Sentence embeddings of length one, float16, shape (n, dimensions).
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    hashes: tuple[str, ...]
    vectors: npt.NDArray[np.float16]

    def __post_init__(self) -> None:
        sizes = {len(self.texts), len(self.labels), len(self.hashes), len(self.vectors)}
        if len(sizes) != 1 or self.vectors.ndim != 2:
            raise ValueError(
                f"a pool of {len(self.texts)} texts has {len(self.labels)} labels, "
                f"{len(self.hashes)} hashes and vectors of shape {self.vectors.shape}"
            )

    def __len__(self) -> int:
        return len(self.texts)

    def nearest(
        self,
        vectors: npt.NDArray[np.float32],
        k: int,
        exclude_sha: Sequence[str],
        tokens: int,
    ) -> list[list[Example]]:
        """The examples to show for each text, the nearest last, next to the text itself.

        At most ceil(k / 2) of one label, so that near texts of one label do not drown the
        others; one that no longer fits in the room for tokens is passed over.

        Args:
            vectors: Embeddings of the texts, length one, shape (m, dimensions).
            k: Examples per text at most.
            exclude_sha: SHA-256 of each text, shape (m,): its own verified label is never shown.
            tokens: Room for the examples of one text; see `estimated_tokens`.

        Returns:
            Shape (m, up to k); the ids are `v-` and 12 digits of the text's hash.
        """
        if k <= 0 or not len(self):
            return [[] for _ in exclude_sha]
        likeness = vectors.astype(np.float32) @ self.vectors.astype(np.float32).T
        return [
            self._chosen(row, k, own, tokens)
            for row, own in zip(likeness, exclude_sha, strict=True)
        ]

    def _chosen(
        self, likeness: npt.NDArray[np.float32], k: int, own: str, tokens: int
    ) -> list[Example]:
        of_label: Counter[str] = Counter()
        chosen: list[Example] = []
        room = tokens
        for at in np.argsort(-likeness, kind="stable"):
            label = self.labels[at]
            if self.hashes[at] == own or of_label[label] >= math.ceil(k / 2):
                continue
            cost = estimated_tokens(self.texts[at], label)
            if cost > room:
                if room <= TURN_TOKENS:
                    break
                continue
            room -= cost
            of_label[label] += 1
            chosen.append(Example(id=f"v-{self.hashes[at][:12]}", text=self.texts[at], label=label))
            if len(chosen) == k:
                break
        return chosen[::-1]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The pool as arrays of numbers and bytes, for an npz file; see `from_arrays`."""
        encoded = [text.encode() for text in self.texts]
        names = sorted(set(self.labels))
        numbers = {name: number for number, name in enumerate(names)}
        return {
            "texts": np.frombuffer(b"".join(encoded), np.uint8),
            "ends": np.cumsum([len(each) for each in encoded], dtype=np.int64),
            "names": np.frombuffer(json.dumps(names).encode(), np.uint8),
            "labels": np.array([numbers[label] for label in self.labels], np.int32),
            "hashes": np.frombuffer(bytes.fromhex("".join(self.hashes)), np.uint8).reshape(-1, 32),
            "vectors": self.vectors,
        }

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> Self:
        """The pool that `arrays` was made of.

        Raises:
            KeyError, ValueError: The arrays are not those of a pool.
        """
        content = arrays["texts"].astype(np.uint8).tobytes()
        ends = [int(end) for end in arrays["ends"]]
        names = json.loads(arrays["names"].astype(np.uint8).tobytes())
        return cls(
            texts=tuple(
                content[start:end].decode()
                for start, end in zip([0, *ends[:-1]], ends, strict=True)
            )
            if ends
            else (),
            labels=tuple(names[number] for number in arrays["labels"]),
            hashes=tuple(bytes(row).hex() for row in arrays["hashes"].astype(np.uint8)),
            vectors=arrays["vectors"].astype(np.float16),
        )


class NearestExamples:
    """Finds what of a pool to show for documents."""

    def __init__(self, pool: ExamplePool, embedder: SentenceEmbedder) -> None:
        self._pool = pool
        self._embedder = embedder

    async def find(self, documents: Sequence[Document], k: int, tokens: int) -> list[list[Example]]:
        """Examples for each document, never its own verified label; see `ExamplePool.nearest`."""
        texts = [document.text for document in documents]
        vectors = await asyncio.to_thread(self._embedder.embed, texts)
        return self._pool.nearest(
            vectors, k, [document.text_sha256 for document in documents], tokens
        )


def estimated_tokens(text: str, label: str) -> int:
    """About how many tokens of a prompt an example takes."""
    return TURN_TOKENS + math.ceil((len(text.encode()) + len(label.encode())) / BYTES_PER_TOKEN)
