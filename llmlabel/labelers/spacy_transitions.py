"""spaCy's greedy entity recogniser, run so that the probability of every step is seen.

spaCy's own `ner` component keeps only the entities. Here the same greedy parse is made over a
batch (one transition per token), its scores are kept, and a softmax over the transitions that
were allowed at each token gives the evidence: how sure it was of each step it took, and how
nearly it opened an entity where it took none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
Rescore = Callable[[npt.NDArray[np.int32]], FloatArray | None]

MISSED = 0.1
"""An outside token whose chance of opening an entity is at least this makes a candidate."""
SECOND = 0.01
"""A label less likely than this is no alternative."""
CONTEXT = 3
"""Tokens spaCy's `ner` state reads: the next one, the entity's first one, the last one read."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entity of the greedy parse (`kept`), or one it nearly opened.

    `start` and `end` are code points; `label` is the guideline's; `probability` is the lowest
    over its transitions; `alternative` the next best label at its first token.
    """

    start: int
    end: int
    label: str
    probability: float
    opening: float
    alternative: str | None
    kept: bool


@dataclass(frozen=True, slots=True)
class Entities:
    """What the recogniser says of one text: entities, near misses and doubt outside of them.

    `outside` is the probability of staying outside at every token that is in no entity.
    """

    found: tuple[Found, ...]
    outside: FloatArray = field(repr=False)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a head may learn from, token by token.

    Attributes:
        vectors: The recogniser's own, shape (tokens, d).
        opening: Probability of opening an entity of each of the guideline's labels, shape
            (tokens, labels); 0 inside of an entity.
        step: Probability of the transition that was taken, shape (tokens,).
        place: 0 outside, otherwise 1 + 4 * label + (0 whole, 1 first, 2 inner, 3 last token).
    """

    vectors: FloatArray
    opening: FloatArray
    step: FloatArray
    place: npt.NDArray[np.intp]


class TransitionTable:
    """How the recogniser's transitions map to the labels of a guideline.

    Args:
        move_names: Names such as `B-ORG`, `L-ORG`, `O`, in the order of the model's classes.
        labels: The guideline's label of each spaCy label; those that are absent count as
            outside.
    """

    def __init__(self, move_names: Sequence[str], labels: dict[str, str]) -> None:
        self.names = tuple(dict.fromkeys(labels.values()))
        self.kind = np.array([name[0] for name in move_names])
        self.spacy_label = [name[2:] for name in move_names]
        self.label = [labels.get(name) for name in self.spacy_label]
        index = {name: i for i, name in enumerate(self.names)}
        shape = (len(move_names), len(self.names))
        self.begin, self.unit = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for move, name in enumerate(self.label):
            if name is not None and self.kind[move] in "BU":
                (self.begin if self.kind[move] == "B" else self.unit)[move, index[name]] = 1.0
        self.by_name = {name: i for i, name in enumerate(move_names)}
        # `U-` alone is spaCy's mark of a token barred from entities; no parse takes it.
        self.closed: BoolArray = np.array(
            [name[0] in "BUO" and name != "U-" for name in move_names]
        )

    def inside(self, spacy_label: str) -> BoolArray:
        """The transitions allowed in an open entity of that label."""
        mask = np.zeros(len(self.label), bool)
        mask[[self.by_name[f"I-{spacy_label}"], self.by_name[f"L-{spacy_label}"]]] = True
        return mask

    def guideline_label(self, spacy_label: str) -> str | None:
        """The guideline's label, None for one it does not have."""
        return self.label[self.by_name[f"U-{spacy_label}"]]

    def moves(self, kind: str, column: int) -> list[int]:
        """The transitions of a kind that belong to one of the guideline's labels."""
        name = self.names[column]
        return [i for i, label in enumerate(self.label) if label == name and self.kind[i] == kind]


def recognise(ner: Any, docs: Sequence[Any], table: TransitionTable) -> list[Entities]:
    """Run the recogniser over spaCy docs (their sentences set) and read its evidence."""
    return [entities for entities, _ in traced(ner, docs, table)]


def traced(ner: Any, docs: Sequence[Any], table: TransitionTable) -> list[tuple[Entities, Trace]]:
    """As `recognise`, with what it says of every token."""
    step = ner.model.predict(docs)
    states = ner.moves.init_batch(docs)
    scores = _greedy(ner, step, states, docs)
    ner.set_annotations(docs, states)
    offsets = np.concatenate([[0], np.cumsum([len(doc) for doc in docs])])
    vectors = np.asarray(step.tokvecs, np.float32)
    made = []
    for doc, logits, offset in zip(docs, scores, offsets[:-1], strict=True):
        reader = _Reader(doc, logits, table, partial(_rescore, step, int(offset)))
        trace = reader.trace(vectors[offset : offset + len(doc)].copy())
        made.append((reader.read(), trace))
    step.clear_memory()
    return made


def _greedy(ner: Any, step: Any, states: Sequence[Any], docs: Sequence[Any]) -> list[FloatArray]:
    """The scores of every transition at every token, as the greedy parse meets them."""
    scores = [np.zeros((len(doc), ner.moves.n_moves), np.float32) for doc in docs]
    live = [i for i, state in enumerate(states) if not state.is_final()]
    token = 0
    while live:
        batch = [states[i] for i in live]
        said = step.predict(batch)
        for row, i in enumerate(live):
            scores[i][token] = said[row]
        ner.transition_states(batch, said)
        live = [i for i in live if not states[i].is_final()]
        token += 1
    return scores


def _rescore(step: Any, offset: int, ids: npt.NDArray[np.int32]) -> FloatArray | None:
    """Scores of states the greedy parse did not visit; None where the model reads others."""
    if step.state2vec.nF != CONTEXT or not step.attrs["has_upper"]:
        return None
    vectors = step.state2vec.predict(np.ascontiguousarray(ids + offset, dtype=np.int32))
    scores: FloatArray = step.vec2scores.predict(vectors)
    return scores


def softmax(logits: FloatArray) -> FloatArray:
    """Rows of probabilities; a logit of minus infinity has none."""
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: FloatArray = exp / exp.sum(axis=-1, keepdims=True)
    return result


class _Reader:
    """One parsed doc, its scores and the mapping: what was found in it and what nearly."""

    def __init__(
        self, doc: Any, logits: FloatArray, table: TransitionTable, rescore: Rescore
    ) -> None:
        self.doc = doc
        self.table = table
        self.rescore = rescore
        self.ends = _sentence_ends(doc)
        self.taken = np.zeros(len(doc), bool)
        allowed = np.broadcast_to(table.closed, logits.shape).copy()
        allowed[np.ix_(self.ends, table.kind == "B")] = False
        for ent in doc.ents:
            self.taken[ent.start : ent.end] = True
            allowed[ent.start + 1 : ent.end] = table.inside(ent.label_)
        self.probabilities = softmax(np.where(allowed, logits, -np.inf)) if len(doc) else logits
        self.begins = self.probabilities @ table.begin
        self.opening = self.begins + self.probabilities @ table.unit

    def trace(self, vectors: FloatArray) -> Trace:
        """Before `read`, which takes entities that the guideline does not have out again."""
        place = np.zeros(len(self.doc), np.intp)
        step = np.clip(1.0 - self.opening.sum(axis=1), 0.0, 1.0)
        for ent in self.doc.ents:
            label = self.table.guideline_label(ent.label_)
            if label is None:
                continue
            column = self.table.names.index(label)
            last = ent.end - 1
            place[ent.start : ent.end] = 3 + 4 * column
            place[[ent.start, last]] = [2 + 4 * column, 4 + 4 * column]
            step[ent.start] = self.begins[ent.start, column]
            step[ent.start + 1 : last] = self.probabilities[
                ent.start + 1 : last, self.table.by_name[f"I-{ent.label_}"]
            ]
            step[last] = self.probabilities[last, self.table.by_name[f"L-{ent.label_}"]]
            if ent.start == last:
                place[last] = 1 + 4 * column
                step[last] = self.opening[last, column] - self.begins[last, column]
        return Trace(vectors, self.opening, step.astype(np.float32), place)

    def read(self) -> Entities:
        outside = np.clip(1.0 - self.opening.sum(axis=1), 0.0, 1.0)
        found = []
        for ent in self.doc.ents:
            label = self.table.guideline_label(ent.label_)
            if label is not None:
                found.append(self._entity(ent, label))
            else:  # one that the guideline does not have is outside
                self.taken[ent.start : ent.end] = False
                outside[ent.start + 1 : ent.end] = 1.0
        found += self._missed()
        found.sort(key=lambda each: (each.start, each.end))
        return Entities(found=tuple(found), outside=outside[~self.taken])

    def _entity(self, ent: Any, label: str) -> Found:
        column = self.table.names.index(label)
        first, last = ent.start, ent.end - 1
        opening, begin = self.opening[first, column], self.begins[first, column]
        steps = [float(opening - begin if first == last else begin)]
        steps += [float(self._step("I", ent.label_, token)) for token in range(first + 1, last)]
        if last > first:
            steps.append(float(self._step("L", ent.label_, last)))
        return self._found(first, last, column, min(1.0, *steps), kept=True)

    def _step(self, kind: str, spacy_label: str, token: int) -> Any:
        return self.probabilities[token, self.table.by_name[f"{kind}-{spacy_label}"]]

    def _found(
        self, first: int, last: int, column: int, probability: float, *, kept: bool
    ) -> Found:
        opening, names = self.opening[first], self.table.names
        others = [int(i) for i in np.argsort(-opening) if i != column and opening[i] >= SECOND]
        return Found(
            start=self.doc[first].idx,
            end=self.doc[last].idx + len(self.doc[last]),
            label=names[column],
            probability=probability,
            opening=float(min(1.0, opening.sum())),
            alternative=names[others[0]] if others else None,
            kept=kept,
        )

    def _missed(self) -> Iterator[Found]:
        """Entities the parse nearly opened, each followed to its likeliest end."""
        last = -1
        for token in np.flatnonzero(~self.taken & (self.opening.sum(axis=1) >= MISSED)):
            first = int(token)
            if first <= last or self.doc[first].is_space:
                continue
            column = int(np.argmax(self.opening[first]))
            last = first
            if self.begins[first, column] > self.opening[first, column] / 2:
                last = self._follow(first, column)
            chance = float(min(1.0, self.opening[first, column]))
            yield self._found(first, last, column, chance, kept=False)

    def _follow(self, first: int, column: int) -> int:
        """The last token of an entity of this label that begins here, parsed greedily."""
        going, closing = (self.table.moves(kind, column) for kind in "IL")
        last = first
        while last + 1 < len(self.doc) and not self.ends[last] and not self.taken[last + 1]:
            last += 1
            scores = self.rescore(np.array([[last, first, last - 1]], np.int32))
            if scores is None:
                return first
            if scores[0, closing].max() >= scores[0, going].max():
                break
        return last


def _sentence_ends(doc: Any) -> BoolArray:
    """Tokens after which no entity may go on."""
    ends = np.ones(len(doc), bool)
    for i in range(len(doc) - 1):
        ends[i] = doc[i + 1].is_sent_start is True
    return ends
