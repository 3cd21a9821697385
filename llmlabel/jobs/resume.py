"""What failed for want of money or of a provider goes on by itself when there is some again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmlabel.errors import BudgetExhausted, CircuitOpen
from llmlabel.jobs import Jobs
from llmlabel.llm.provider import ProviderStanding
from llmlabel.store import Store

EXHAUSTED = BudgetExhausted("").code
LEFT_ALONE = CircuitOpen("").code

AT_ONCE = 1000
"""Requests asked anew in one round, so that a round stays short."""


class Resumption:
    """Call it now and then.

    Args:
        jobs: The queue.
        store: Holds what failed.
        has_room: Whether the budget would let the next call pass.
        standings: How the providers are doing.
        a_few: How many requests try a provider that may be back.
    """

    def __init__(
        self,
        jobs: Jobs,
        store: Store,
        has_room: Callable[[], bool],
        standings: Callable[[], Sequence[ProviderStanding]],
        a_few: int,
    ) -> None:
        self._jobs = jobs
        self._store = store
        self._has_room = has_room
        self._standings = standings
        self._a_few = a_few

    def __call__(self) -> int:
        """Ask anew for what may go on now; returns how many requests that were."""
        resumed = 0
        if self._store.resuming.waits(EXHAUSTED) and self._has_room():
            resumed += self._jobs.resume(EXHAUSTED, AT_ONCE)
        if self._store.resuming.waits(LEFT_ALONE):
            circuits = {each.circuit for each in self._standings()}
            if "open" not in circuits:
                few = self._a_few if "half_open" in circuits else AT_ONCE
                resumed += self._jobs.resume(LEFT_ALONE, few)
        return resumed
