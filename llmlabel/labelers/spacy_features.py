"""What spaCy knows of every token, as arrays: the input of a head trained on verified labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from llmlabel.domain.prediction import Prediction
from llmlabel.labelers.spacy_transitions import Entities, Trace
from llmlabel.labelers.upos import part_of_speech

FloatArray = npt.NDArray[np.float32]
KeyArray = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int32]

LEAST = 1e-4
"""Probabilities are not told apart below this one."""
_ATTRIBUTES = ("LOWER", "PREFIX", "SUFFIX", "SHAPE", "TAG", "DEP", "HEAD")
_PRIME = np.uint64(0x100000001B3)
_SHIFT = np.uint64(29)


@dataclass(frozen=True, slots=True)
class TokenFeatures:
    """The tokens of one text.

    Attributes:
        start: Offset of each token's first code point, shape (n,).
        end: After its last one, shape (n,).
        dense: spaCy's vectors and log-probabilities, shape (n, d).
        keys: Hashes of what the token and its neighbours look like, shape (n, slots); equal
            hashes in a slot are equal looks. They are the same on every machine.
        step: spaCy's probability of its own choice at each token, shape (n,).
    """

    start: IntArray
    end: IntArray
    dense: FloatArray
    keys: KeyArray
    step: FloatArray

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Featured:
    """spaCy's prediction of one text, with the features of its tokens."""

    text: str
    prediction: Prediction
    tokens: TokenFeatures


def token_features(
    docs: Sequence[Any],
    dense: Sequence[FloatArray],
    own: Sequence[npt.NDArray[Any]],
    step: Sequence[FloatArray],
) -> list[TokenFeatures]:
    """The features of several tagged and parsed spaCy docs.

    Args:
        docs: One or more.
        dense: Numbers of each doc's tokens, shape (tokens, d).
        own: What spaCy's label of each token is, any code from 0, shape (tokens,).
        step: How sure it is of that, shape (tokens,).

    Returns:
        One per doc, in order.
    """
    lengths = [len(doc) for doc in docs]
    table = np.concatenate([doc.to_array(_ATTRIBUTES) for doc in docs]).astype(np.uint64)
    place = np.repeat(np.arange(len(docs)), lengths)
    labels = np.concatenate(own).astype(np.uint64)
    keys = _keys(table, labels, place)
    cuts = np.cumsum(lengths)[:-1]
    return [
        TokenFeatures(
            start=np.array([token.idx for token in doc], np.int32),
            end=np.array([token.idx + len(token) for token in doc], np.int32),
            dense=np.asarray(numbers, np.float32),
            keys=rows,
            step=np.asarray(sure, np.float32),
        )
        for doc, numbers, rows, sure in zip(docs, dense, np.split(keys, cuts), step, strict=True)
    ]


def joined(parts: Sequence[tuple[int, TokenFeatures]]) -> TokenFeatures:
    """The tokens of a text that was cut in pieces, each given with its offset."""
    return TokenFeatures(
        start=np.concatenate([each.start + at for at, each in parts]).astype(np.int32),
        end=np.concatenate([each.end + at for at, each in parts]).astype(np.int32),
        dense=np.concatenate([each.dense for _, each in parts]),
        keys=np.concatenate([each.keys for _, each in parts]),
        step=np.concatenate([each.step for _, each in parts]),
    )


def tag_features(parts: Sequence[tuple[int, Any, FloatArray]]) -> list[TokenFeatures]:
    """Of tagged docs (offset, doc, tag probabilities): vectors and tags, for parts of speech."""
    if not parts:
        return []
    return token_features(
        [doc for _, doc, _ in parts],
        [
            np.concatenate([_vectors(doc), log_probabilities(tags)], axis=1)
            for _, doc, tags in parts
        ],
        [_own(doc) for _, doc, _ in parts],
        [tags.max(axis=1, initial=0.0) for _, _, tags in parts],
    )


def span_features(
    found: Sequence[tuple[Any, FloatArray, Entities, Trace]],
) -> list[TokenFeatures]:
    """Of docs with entities: both components' vectors, tags and the recogniser's chances."""
    if not found:
        return []
    return token_features(
        [doc for doc, *_ in found],
        [
            np.concatenate(
                [
                    _vectors(doc),
                    trace.vectors,
                    log_probabilities(trace.opening),
                    log_probabilities(trace.step[:, None]),
                    log_probabilities(tags),
                ],
                axis=1,
            )
            for doc, tags, _, trace in found
        ],
        [trace.place for *_, trace in found],
        [trace.step for *_, trace in found],
    )


def _own(doc: Any) -> npt.NDArray[np.uint64]:
    """A code of the part of speech that the labeler `spacy` gives each token."""
    codes = doc.vocab.strings
    return np.array([codes[part_of_speech(token)] for token in doc], np.uint64)


def _vectors(doc: Any) -> FloatArray:
    """The shared vectors, shape (tokens, d); a doc without tokens has none of any width."""
    return np.asarray(doc.tensor, np.float32).reshape(len(doc), -1)


def log_probabilities(probabilities: FloatArray) -> FloatArray:
    """Logarithms, a third of them: about as wide as the other numbers."""
    return (np.log(np.maximum(probabilities, LEAST)) / 3.0).astype(np.float32)


def _keys(table: KeyArray, own: KeyArray, place: npt.NDArray[np.intp]) -> KeyArray:
    """Hashes of the looks of the tokens; `place` says which doc each belongs to."""
    lower, prefix, suffix, shape, tag, dep = (table[:, column] for column in range(6))
    # spaCy gives the head as a distance, negative ones wrapped around.
    head = np.arange(len(table)) + table[:, 6].astype(np.int64)
    before, after = _neighbour(table, place, -1), _neighbour(table, place, 1)
    slots: list[tuple[KeyArray, ...]] = [
        (own,),
        (suffix,),
        (prefix,),
        (shape,),
        (tag,),
        (lower,),
        (lower, own),
        (dep,),
        (dep, tag),
        (tag[head],),
        (tag[head], dep),
    ]
    for near in (before, after):
        slots += [(near[:, 4],), (near[:, 0],), (near[:, 3],), (near[:, 4], lower)]
    slots += [(_neighbour(table, place, offset)[:, 4],) for offset in (-2, 2)]
    return np.stack([_hash(number, *parts) for number, parts in enumerate(slots)], axis=1)


def _neighbour(table: KeyArray, place: npt.NDArray[np.intp], offset: int) -> KeyArray:
    """The rows of the tokens `offset` away; zeros beyond the ends of a doc."""
    there = np.arange(len(table)) + offset
    inside = np.clip(there, 0, max(len(table) - 1, 0))
    found = table[inside]
    found[(there != inside) | (place[inside] != place)] = 0
    return found


def _hash(slot: int, *parts: KeyArray) -> KeyArray:
    """One number of several (after Fowler, Noll and Vo), apart for every slot."""
    value = np.full(len(parts[0]), slot * 0x9E3779B97F4A7C15 % 2**64, np.uint64)
    for part in parts:
        value = (value ^ part) * _PRIME
        value ^= value >> _SHIFT
    return value
