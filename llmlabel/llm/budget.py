"""A hard budget in money: what a call may cost is set aside before it, and settled after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog
from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.errors import BudgetExhausted, StoreUnavailable
from llmlabel.llm.prices import NANO

EVERYTHING = "all"
"""The scope of the whole installation; another scope has counters and ceilings of its own."""


@dataclass(frozen=True, slots=True)
class Set:
    """Money set aside, in nanodollars, and the periods in which it is counted."""

    nano: int
    periods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Full:
    """A ceiling that a call might pass; amounts in nanodollars."""

    kind: str
    spent: int
    ceiling: int


class Spent(Value):
    """What was spent in a period, and what may be."""

    period: Literal["total", "month", "day"] = Field(description="The month or day is in UTC.")
    spent_usd: float = Field(description="Spent or set aside for calls under way.")
    budget_usd: float | None = Field(description="None where there is no budget.")
    left_usd: float | None


def spent(counted: Mapping[str, int], ceilings: Mapping[str, int]) -> list[Spent]:
    """The counters of each kind of period beside its ceiling, both in nanodollars."""
    kinds: tuple[Literal["total", "month", "day"], ...] = ("total", "month", "day")
    return [
        Spent(
            period=kind,
            spent_usd=counted.get(kind, 0) / NANO,
            budget_usd=ceilings[kind] / NANO if kind in ceilings else None,
            left_usd=max(0, ceilings[kind] - counted.get(kind, 0)) / NANO
            if kind in ceilings
            else None,
        )
        for kind in kinds
    ]


class Ledger(Protocol):
    """Counters of what was spent by scope and period. Every method blocks for a moment.

    A period is `total`, a month (`2026-11`) or a day (`2026-11-21`), in UTC.
    """

    def reserve(self, scope: str, nano: int, ceilings: Mapping[str, int]) -> Set | Full:
        """Count an amount in the present periods, unless that would pass a ceiling.

        Args:
            scope: Whose counters.
            nano: The amount.
            ceilings: By kind of period: `total`, `month`, `day`.

        Raises:
            StoreUnavailable: The counters cannot be reached; nothing is counted.
        """
        ...

    def settle(self, scope: str, reserved: Set, nano: int) -> None:
        """Put what was really spent in the place of what was set aside.

        Raises:
            StoreUnavailable: The counters cannot be reached; what was set aside stays counted.
        """
        ...


class Budget:
    """What may be spent. Without ceilings it only counts.

    Set aside is the most a call can cost, under a lock that all workers share, so that
    together they cannot pass a ceiling, as long as a provider writes no more than it was asked
    to. What a worker that died had set aside stays counted: the provider may have billed it.

    Args:
        ledger: The counters; None where there is no database, and then nothing is counted.
        ceilings: In nanodollars by kind of period: `total`, `month`, `day`.
        scope: Whose budget; the seam for others than the whole installation's.
    """

    def __init__(
        self,
        ledger: Callable[[], Ledger | None],
        ceilings: Mapping[str, int] | None = None,
        scope: str = EVERYTHING,
    ) -> None:
        self._ledger = ledger
        self._ceilings = dict(ceilings or {})
        self._scope = scope
        self._log = structlog.get_logger(__name__)

    @property
    def is_hard(self) -> bool:
        """Whether there is a ceiling."""
        return bool(self._ceilings)

    async def reserve(self, nano: int) -> Set | None:
        """Set money aside for a call; None where there is no ceiling.

        Raises:
            BudgetExhausted: The call might pass a ceiling; it must not be made.
            StoreUnavailable: Nobody can say how much is left; it must not be made either.
        """
        if not self._ceilings:
            return None
        got = await asyncio.to_thread(self._reserve, nano)
        if isinstance(got, Full):
            raise BudgetExhausted(exhausted(got, nano))
        return got

    def _reserve(self, nano: int) -> Set | Full:
        ledger = self._ledger()
        assert ledger is not None, "a budget makes the database it is kept in"
        return ledger.reserve(self._scope, nano, self._ceilings)

    async def settle(self, reserved: Set | None, nano: int) -> None:
        """Count what a call really cost, in nanodollars."""
        if reserved is None and nano == 0:
            return
        try:
            await asyncio.to_thread(self._settle, reserved, nano)
        except StoreUnavailable as error:
            self._log.warning(
                "what a call cost could not be counted; what was set aside for it stays counted",
                reason=error.detail,
            )

    def _settle(self, reserved: Set | None, nano: int) -> None:
        ledger = self._ledger()
        if ledger is None:
            return
        if reserved is None:
            ledger.reserve(self._scope, nano, {})
        else:
            ledger.settle(self._scope, reserved, nano)


_KINDS = {
    "total": ("in total", "LLMLABEL_BUDGET_USD"),
    "month": ("this month", "LLMLABEL_BUDGET_USD_PER_MONTH"),
    "day": ("today", "LLMLABEL_BUDGET_USD_PER_DAY"),
}


def exhausted(full: Full, nano: int) -> str:
    """Why a call was not made, and the remedy."""
    when, setting = _KINDS[full.kind]
    return (
        f"The budget is exhausted: {dollars(full.spent)} of {dollars(full.ceiling)} are spent or "
        f"set aside {when}, and the next call may cost up to {dollars(nano)}. Raise {setting}"
        f"{'' if full.kind == 'total' else ', or wait for the next ' + full.kind}; what waits "
        "goes on by itself."
    )


def dollars(nano: int) -> str:
    """An amount as people read it."""
    usd = nano / NANO
    return f"${usd:,.2f}" if usd >= 1 or nano == 0 else f"${usd:.6f}".rstrip("0")
