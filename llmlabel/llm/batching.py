"""Which prompts the embedded model reads together, and what they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmlabel.llm.chat_template import EncodedPrompt

_BEYOND_PREFIX = 64
"""Tokens at most that documents of one call may share beyond the prompt's own prefix."""

CACHE_POSITIONS = 16_384
"""Positions of KV cache over all rows run at once: bounds the memory of long documents."""


@dataclass(frozen=True)
class Group:
    """Prompts with the same instructions and examples.

    `shared` is what they all begin with; a state is worth keeping for its first `wanted`.
    """

    members: tuple[int, ...]
    shared: tuple[int, ...]
    wanted: int


def group_prompts(prompts: Sequence[tuple[int, EncodedPrompt]]) -> list[Group]:
    """Group numbered prompts by prefix; with two or more, what else they share counts too.

    The words around a document (a fence, "Text:") are the same in all of them, so they are
    read once as well.
    """
    by_prefix: dict[tuple[int, ...], list[tuple[int, EncodedPrompt]]] = {}
    for number, prompt in prompts:
        cut = max(prompt.prefix, min(1, len(prompt.ids) - 1))
        by_prefix.setdefault(prompt.ids[:cut], []).append((number, prompt))
    groups = []
    for prefix, members in by_prefix.items():
        shared = _common([prompt.ids for _, prompt in members])
        wanted = len(prefix)
        if len(members) > 1:
            wanted = max(wanted, min(len(shared), wanted + _BEYOND_PREFIX))
        groups.append(Group(tuple(number for number, _ in members), shared, wanted))
    return groups


def batches(lengths: Sequence[int], limit: int, reserve: int = 0) -> Iterator[list[int]]:
    """Indices in batches of like length, longest first, at most `limit` each.

    Very long ones go in smaller batches so that the KV cache keeps within its bound.

    Args:
        lengths: Tokens of each row, shape (n,).
        limit: Rows in a batch at most.
        reserve: Tokens that each row will be continued with.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    while order:
        rows = rows_at_once(lengths[order[0]] + reserve, limit)
        yield order[:rows]
        order = order[rows:]


def rows_at_once(length: int, limit: int) -> int:
    """How many rows of this many tokens run together: within `limit` and the cache's bound."""
    return max(1, min(limit, CACHE_POSITIONS // length))


def _common(rows: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The longest common beginning that leaves at least one token of each row."""
    first, last = min(rows), max(rows)
    length = min(len(row) for row in rows) - 1
    same = 0
    while same < length and first[same] == last[same]:
        same += 1
    return first[:same]
