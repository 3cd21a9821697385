"""The probability of candidate labels: one forward pass per branching of their trie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmlabel.llm.label_trie import Node, Open, follow, spread
from llmlabel.llm.runtime import Logits, Runtime

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class _Branch:
    """An open node of one document's trie, and the runtime's row its path continues."""

    document: int
    row: int
    open: Open


def score_batch(
    runtime: Runtime, suffixes: Sequence[Sequence[int]], tries: Sequence[Node], limit: int
) -> list[Probabilities]:
    """Path probabilities of each document's candidates, given the one row held now.

    At every branching node the model's probabilities are renormalised over the tokens the
    trie allows there; a candidate's probability is the product along its path. A label set
    whose first tokens differ takes a single pass. Branching nodes further down are looked
    into only while they hold a mass of `NEGLIGIBLE` or more.

    Args:
        runtime: Holds one row, the prefix all documents share.
        suffixes: Tokens of each document after the prefix, shape (n,).
        tries: Its candidates, shape (n,).
        limit: Rows run at once at most.

    Returns:
        Per document, probabilities in the order of its candidates, summing to one.
    """
    found = [np.zeros(len(trie.leaves)) for trie in tries]
    starts = []
    for document, trie in enumerate(tries):
        start = follow(trie)
        if start.node.children:
            path = (*suffixes[document], *start.path)
            starts.append(_Branch(document, 0, Open(start.node, 1.0, path)))
        else:
            found[document][:] = 1.0
    _expand(runtime, starts, found, limit)
    return [probabilities / probabilities.sum() for probabilities in found]


def _expand(
    runtime: Runtime, branches: list[_Branch], found: list[Probabilities], limit: int
) -> None:
    if len(branches) <= limit:
        if branches:
            _expand(runtime, _step(runtime, branches, found), found, limit)
        return
    before = runtime.save()
    for left in range(0, len(branches), limit):
        if left:
            runtime.restore(before)
        chunk = branches[left : left + limit]
        _expand(runtime, _step(runtime, chunk, found), found, limit)


def _step(runtime: Runtime, branches: list[_Branch], found: list[Probabilities]) -> list[_Branch]:
    logits: Logits = runtime.extend(
        [branch.row for branch in branches], [branch.open.path for branch in branches]
    )
    return [
        _Branch(branch.document, row, further)
        for row, branch in enumerate(branches)
        for further in spread(branch.open, logits[row], found[branch.document])
    ]
