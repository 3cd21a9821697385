"""Candidate labels as a trie of tokens, and how probability flows down it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NEGLIGIBLE = 1e-4
"""Mass below which a branching node is not looked into; its labels share the mass evenly."""


@dataclass
class Node:
    """A point on the way to some candidates: those in `leaves`."""

    children: dict[int, Node] = field(default_factory=dict)
    leaves: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Open:
    """A branching node whose mass waits for the model's logits there.

    `path` are the tokens from the node the mass came from to this one.
    """

    node: Node
    mass: float
    path: tuple[int, ...]


def build_trie(candidates: Sequence[Sequence[int]], end: int) -> Node:
    """The trie of the candidates' token sequences.

    A candidate that is the beginning of another one ends with the token `end`, the model's end
    of turn, which says that nothing more follows.

    Raises:
        ValueError: There is no candidate, an empty one, or the same one twice.
    """
    if not candidates:
        raise ValueError("There are no candidates; give at least one.")
    root = Node()
    places = []
    for number, tokens in enumerate(candidates):
        if not tokens:
            raise ValueError(f"Candidate {number + 1} is empty; give it a name.")
        node = root
        node.leaves.append(number)
        for token in tokens:
            node = node.children.setdefault(token, Node())
            node.leaves.append(number)
        places.append(node)
    for number, node in enumerate(places):
        if any(other is node for other in places[:number]):
            raise ValueError(f"Candidate {number + 1} is given twice.")
        if node.children:
            node.children[end] = Node(leaves=[number])
    return root


def follow(node: Node, mass: float = 1.0, path: Iterable[int] = ()) -> Open:
    """Go down where there is no choice, to the next branching node or the end."""
    tokens = list(path)
    while len(node.children) == 1:
        ((token, node),) = node.children.items()
        tokens.append(token)
    return Open(node, mass, tuple(tokens))


def spread(at: Open, logits: NDArray[np.float32], probabilities: NDArray[np.float64]) -> list[Open]:
    """Share a node's mass among its children by the softmax of their logits alone.

    Mass that reaches a single candidate is added to `probabilities`; what reaches further
    branching nodes is returned, except where it is negligible: that is shared evenly among
    the node's candidates, so that the sum stays one.
    """
    tokens = list(at.node.children)
    wanted = logits[tokens].astype(np.float64)
    weights = np.exp(wanted - wanted.max())
    weights *= at.mass / weights.sum()
    still_open = []
    for token, mass in zip(tokens, weights.tolist(), strict=True):
        child = at.node.children[token]
        if len(child.leaves) == 1 or mass < NEGLIGIBLE:
            probabilities[child.leaves] += mass / len(child.leaves)
        else:
            still_open.append(follow(child, mass, (token,)))
    return still_open
