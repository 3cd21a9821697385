"""Keeps what the model made of the beginnings that many prompts share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from llmlabel.llm.runtime import Runtime, Snapshot

_WORTHWHILE = 8
"""Shared tokens that make it pay to keep one more state."""


class PrefixCache:
    """The states of the beginnings used last, bounded in number and memory."""

    def __init__(self, runtime: Runtime, *, entries: int = 8, limit_bytes: int = 512 << 20) -> None:
        """Start empty.

        Args:
            runtime: The model whose states are kept.
            entries: Beginnings kept at most.
            limit_bytes: Memory they take at most; the newest one is always kept.
        """
        self._runtime = runtime
        self._entries = entries
        self._limit = limit_bytes
        self._kept: OrderedDict[tuple[int, ...], Snapshot] = OrderedDict()

    def enter(self, shared: Sequence[int], wanted: int) -> int:
        """Bring the runtime to a state after some first tokens of `shared`.

        Args:
            shared: Tokens that all coming rows begin with; at least one token of each row
                must remain beyond them.
            wanted: How many of them are worth keeping a state for.

        Returns:
            How many of them the runtime has read; one row is held.
        """
        known = max(
            (key for key in self._kept if tuple(shared[: len(key)]) == key), key=len, default=()
        )
        if known:
            self._kept.move_to_end(known)
            self._runtime.restore(self._kept[known])
        else:
            self._runtime.reset()
        if wanted - len(known) < (_WORTHWHILE if known else 1):
            return len(known)
        self._runtime.extend([0], [shared[len(known) : wanted]])
        self._keep(tuple(shared[:wanted]), self._runtime.save())
        return wanted

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()

    def _keep(self, key: tuple[int, ...], snapshot: Snapshot) -> None:
        self._kept[key] = snapshot
        while len(self._kept) > self._entries or (
            len(self._kept) > 1 and sum(kept.bytes for kept in self._kept.values()) > self._limit
        ):
            self._kept.popitem(last=False)
