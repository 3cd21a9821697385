"""How probability flows down a trie of labels, without any model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlabel.llm.label_trie import NEGLIGIBLE, build_trie
from llmlabel.llm.scoring import score_batch

END = 9
VOCABULARY = 10
SPREAD = 2.0

label_sets = st.lists(
    st.lists(st.integers(0, 5), min_size=1, max_size=5).map(tuple),
    min_size=1,
    max_size=30,
    unique=True,
)


class PaperRuntime:
    """Stands in for the model: its logits depend on the tokens read so far and nothing else."""

    def __init__(self) -> None:
        self.held: list[tuple[int, ...]] = [()]
        self.passes = 0
        self.widest = 0

    def extend(self, parents: Sequence[int], tokens: Sequence[Sequence[int]]) -> np.ndarray:
        self.held = [
            (*self.held[parent], *given) for parent, given in zip(parents, tokens, strict=True)
        ]
        self.passes += 1
        self.widest = max(self.widest, len(self.held))
        return np.stack([logits_after(row) for row in self.held])

    def save(self) -> list[tuple[int, ...]]:
        return list(self.held)

    def restore(self, snapshot: list[tuple[int, ...]]) -> None:
        self.held = list(snapshot)


def logits_after(tokens: tuple[int, ...]) -> np.ndarray:
    seed = abs(hash(tokens)) % 2**32
    return np.random.default_rng(seed).normal(0, SPREAD, VOCABULARY).astype(np.float32)


def path_probability(
    prompt: tuple[int, ...], label: tuple[int, ...], labels: Sequence[tuple[int, ...]]
) -> float:
    """The definition, written down naively: a product over the label's own tokens."""
    ended = {
        other: any(one != other and one[: len(other)] == other for one in labels)
        for other in labels
    }
    full = {one: (*one, END) if ended[one] else one for one in labels}
    probability = 1.0
    for depth, token in enumerate(full[label]):
        before = full[label][:depth]
        allowed = sorted(
            {one[depth] for one in full.values() if one[:depth] == before and len(one) > depth}
        )
        logits = logits_after((*prompt, *before)).astype(float)
        probability *= math.exp(logits[token]) / sum(math.exp(logits[each]) for each in allowed)
    return probability


@given(label_sets, st.integers(1, 7))
def test_every_candidate_gets_its_path_probability(
    labels: list[tuple[int, ...]], limit: int
) -> None:
    prompts = [(1, 2, 3), (4,)]
    found = score_batch(PaperRuntime(), prompts, [build_trie(labels, END)] * 2, limit)
    for prompt, probabilities in zip(prompts, found, strict=True):
        wanted = [path_probability(prompt, label, labels) for label in labels]
        # a branch below NEGLIGIBLE is not looked into: its labels may be off by that much
        assert probabilities == pytest.approx(wanted, abs=len(labels) * NEGLIGIBLE)
        assert probabilities.sum() == pytest.approx(1)


@given(label_sets, label_sets)
def test_documents_with_different_candidates_do_not_disturb_each_other(
    one: list[tuple[int, ...]], other: list[tuple[int, ...]]
) -> None:
    tries = [build_trie(one, END), build_trie(other, END)]
    together = score_batch(PaperRuntime(), [(7,), (8, 8)], tries, 4)
    alone = [
        score_batch(PaperRuntime(), [prompt], [trie], 4)[0]
        for prompt, trie in zip([(7,), (8, 8)], tries, strict=True)
    ]
    for a, b in zip(together, alone, strict=True):
        assert a == pytest.approx(b)


def test_labels_with_different_first_tokens_take_one_pass() -> None:
    runtime = PaperRuntime()
    score_batch(runtime, [(1,), (2,)], [build_trie([(0, 1, 2), (3, 4), (5,)], END)] * 2, 8)
    assert runtime.passes == 1


def test_a_single_candidate_is_certain_and_takes_no_pass() -> None:
    runtime = PaperRuntime()
    (found,) = score_batch(runtime, [(1,)], [build_trie([(0, 1)], END)], 8)
    assert found.tolist() == [1.0]
    assert runtime.passes == 0


def test_no_more_rows_than_the_limit_are_run_at_once() -> None:
    labels = [(a, b, c) for a in range(5) for b in range(5) for c in range(6)]
    runtime = PaperRuntime()
    found = score_batch(runtime, [(1,)] * 3, [build_trie(labels, END)] * 3, 4)
    assert runtime.widest <= 4
    assert [len(each) for each in found] == [150, 150, 150]


def test_a_label_that_begins_another_ends_with_the_end_of_turn() -> None:
    trie = build_trie([(1,), (1, 2)], END)
    assert set(trie.children[1].children) == {2, END}


@pytest.mark.parametrize(
    ("labels", "says"),
    [([], "no candidates"), ([(1,), ()], "Candidate 2 is empty"), ([(1,), (1,)], "given twice")],
)
def test_candidates_that_cannot_be_told_apart_are_refused(
    labels: list[tuple[int, ...]], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        build_trie(labels, END)
