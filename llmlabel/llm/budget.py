"""A hard budget in money: what a call may cost is set aside before it, and settled after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import structlog
from pydantic import Field

from llmlabel.domain.base import Value
from llmlabel.errors import (
    BatchBudgetExhausted,
    BudgetExhausted,
    ModelError,
    StoreUnavailable,
)
from llmlabel.llm.prices import NANO
from llmlabel.llm.unbroken import unbroken

EVERYTHING = "all"
"""The scope of the whole installation; another scope has counters and ceilings of its own."""


@dataclass(frozen=True, slots=True)
class Set:
    """Money set aside, in nanodollars, and the periods in which it is counted.

    Attributes:
        above: What is set aside of the budget that this one is a part of.
    """

    nano: int
    periods: tuple[str, ...]
    above: Set | None = None


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


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays for calls beside the installation: a batch.

    Attributes:
        ledger: Counts it.
        scope: Its counters.
        ceiling: Nanodollars that may be spent in total; None where there is no limit.
    """

    ledger: Ledger
    scope: str
    ceiling: int | None

    @property
    def ceilings(self) -> dict[str, int]:
        """As `Ledger.reserve` takes them."""
        return {} if self.ceiling is None else {"total": self.ceiling}


@contextmanager
def paid_by(payer: Payer | None) -> Iterator[None]:
    """Have the calls made in this context counted as this payer's too."""
    token = _payer.set(payer)
    try:
        yield
    finally:
        _payer.reset(token)


_payer: ContextVar[Payer | None] = ContextVar("payer", default=None)


@dataclass(frozen=True, slots=True)
class Reserved:
    """What is set aside for one call, by the installation and by a payer; None where nothing is."""

    own: Set | None
    payer: Payer | None
    payers: Set | None


class Budget:
    """What may be spent. Without ceilings it only counts.

    Set aside is the most a call can cost, under a lock that all workers share, so that
    together they cannot pass a ceiling, as long as a provider writes no more than it was asked
    to. What a worker that died had set aside stays counted: the provider may have billed it.

    Args:
        ledger: The counters; None where there is no database, and then nothing is counted.
        ceilings: In nanodollars by kind of period: `total`, `month`, `day`; or what tells them.
        scope: Whose budget; each scope has counters of its own.
        above: The budget that this one is a part of: every call is counted there too, and must
            fit there as well.
        explain: Says why a call was not made, and the remedy.
    """

    def __init__(
        self,
        ledger: Callable[[], Ledger | None],
        ceilings: Mapping[str, int] | Callable[[], Mapping[str, int]] | None = None,
        scope: str = EVERYTHING,
        *,
        above: Budget | None = None,
        explain: Callable[[Full, int], str] | None = None,
    ) -> None:
        self._ledger = ledger
        self._ceilings = ceilings
        self._scope = scope
        self._above = above
        self._explain = explain or exhausted
        self._log = structlog.get_logger(__name__)

    @property
    def ceilings(self) -> Mapping[str, int]:
        """In nanodollars by kind of period, as they are now."""
        return (self._ceilings() if callable(self._ceilings) else self._ceilings) or {}

    @property
    def is_hard(self) -> bool:
        """Whether there is a ceiling: here, above, or of who pays in this context."""
        payer = _payer.get()
        return (
            bool(self.ceilings)
            or (self._above is not None and self._above.is_hard)
            or (payer is not None and payer.ceiling is not None)
        )

    async def reserve(self, nano: int) -> Reserved | None:
        """Set money aside for a call; None where there is no ceiling and no payer.

        Where the caller is cancelled meanwhile, nothing stays set aside.

        Raises:
            BudgetExhausted: The call might pass a ceiling; it must not be made.
            StoreUnavailable: Nobody can say how much is left; it must not be made either.
        """
        payer = _payer.get()
        if not self.is_hard:
            return None if payer is None else Reserved(None, payer, None)
        setting = asyncio.ensure_future(self._reserve_all(nano, payer))
        try:
            return await asyncio.shield(setting)
        except asyncio.CancelledError:
            await unbroken(self._give_back(setting))
            raise

    async def _give_back(self, setting: asyncio.Future[Reserved]) -> None:
        try:
            reserved = await setting
        except (ModelError, StoreUnavailable):
            return  # then nothing is set aside
        await self.settle(reserved, 0)

    async def _reserve_all(self, nano: int, payer: Payer | None) -> Reserved:
        own = await self._set_aside(nano)
        if payer is None:
            return Reserved(own, None, None)
        payers: Set | Full | None = None
        try:
            if payer.ceilings:
                payers = await asyncio.to_thread(
                    payer.ledger.reserve, payer.scope, nano, payer.ceilings
                )
            if isinstance(payers, Full):
                raise BatchBudgetExhausted(batch_exhausted(payers, nano))
        except BaseException:
            if own is not None:
                await self._count(own, 0)
            raise
        return Reserved(own, payer, payers)

    async def settle(self, reserved: Reserved | None, nano: int) -> None:
        """Count what a call really cost, in nanodollars, also where the caller is cancelled."""
        if reserved is not None or nano:
            await unbroken(self._settle(reserved, nano))

    async def _settle(self, reserved: Reserved | None, nano: int) -> None:
        await self._count(None if reserved is None else reserved.own, nano)
        if reserved is not None and reserved.payer is not None:
            payer = reserved.payer
            await self._put(lambda: payer.ledger, payer.scope, reserved.payers, nano)

    async def _set_aside(self, nano: int) -> Set | None:
        above = await self._above._set_aside(nano) if self._above is not None else None
        ceilings = self.ceilings
        if not ceilings:
            return None if above is None else Set(0, (), above)
        try:
            got = await asyncio.to_thread(self._reserve, nano, ceilings)
            if isinstance(got, Full):
                raise BudgetExhausted(self._explain(got, nano))
        except BaseException:
            if self._above is not None and above is not None:
                await self._above._count(above, 0)
            raise
        return replace(got, above=above)

    def _reserve(self, nano: int, ceilings: Mapping[str, int]) -> Set | Full:
        ledger = self._ledger()
        assert ledger is not None, "a budget makes the database it is kept in"
        return ledger.reserve(self._scope, nano, ceilings)

    async def _count(self, reserved: Set | None, nano: int) -> None:
        if self._above is not None:
            await self._above._count(None if reserved is None else reserved.above, nano)
        mine = reserved if reserved is not None and reserved.periods else None
        await self._put(self._ledger, self._scope, mine, nano)

    async def _put(
        self, ledger: Callable[[], Ledger | None], scope: str, reserved: Set | None, nano: int
    ) -> None:
        """What was spent in the place of what was set aside, if anything was."""

        def put() -> None:
            counters = ledger()
            if counters is None:
                return
            if reserved is None:
                counters.reserve(scope, nano, {})
            else:
                counters.settle(scope, reserved, nano)

        if reserved is None and nano == 0:
            return
        try:
            await asyncio.to_thread(put)
        except StoreUnavailable as error:
            self._log.warning(
                "what a call cost could not be counted; what was set aside for it stays counted",
                reason=error.detail,
            )


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


def batch_exhausted(full: Full, nano: int) -> str:
    """Why a call for a batch was not made, and the remedy."""
    return (
        f"The batch's budget is used up: {dollars(full.spent)} of {dollars(full.ceiling)} are "
        f"spent or set aside, and the next call may cost up to {dollars(nano)}. Raise `budget_usd` "
        "of the batch; what waits goes on by itself."
    )


def dollars(nano: int) -> str:
    """An amount as people read it."""
    usd = nano / NANO
    return f"${usd:,.2f}" if usd >= 1 or nano == 0 else f"${usd:.6f}".rstrip("0")
