"""One provider as its callers meet it: limits all workers share, waits, a circuit breaker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import structlog

from llmlabel.domain.base import Value
from llmlabel.errors import CircuitOpen, ModelBusy, ModelError, ModelUnreachable
from llmlabel.llm.notes import Notes
from llmlabel.llm.provider_state import Circuit, Leave, ProviderState, Refused, Terms
from llmlabel.telemetry import told

T = TypeVar("T")

PREFIX = "provider:"
"""Of the names of notes on providers."""

FRESH_SECONDS = 0.25
"""So long a process believes what it read of a provider without limits, if all was well."""


FORGOTTEN_SECONDS = 24 * 3600.0
"""A provider that failed so long ago, and was not tried since, is not in use any more."""


class ProviderStanding(Value):
    """How a provider is doing, as all workers see it.

    `circuit`: `closed` is well; `open`: it is left alone, for `wait_seconds` more; `half_open`:
    the next call tries whether it is back. With a closed circuit `wait_seconds` is what the
    provider itself asked for.
    """

    provider: str
    circuit: Circuit
    failures: int
    wait_seconds: float


def provider_of(model: str, api_base: str | None = None) -> str:
    """The provider of a model: litellm's word for it, and the host of a base URL.

    Models with the same provider share its limits.
    """
    name = model.partition("/")[0] if "/" in model else "default"
    return f"{name}@{urlsplit(api_base).netloc or api_base}" if api_base else name


def standings(notes: Notes, terms: Terms) -> list[ProviderStanding]:
    """Every provider that was ever in trouble or has limits, by name."""
    found, now = notes.every(PREFIX)
    states = {name.removeprefix(PREFIX): ProviderState.read(found[name]) for name in sorted(found)}
    return [
        _standing(name, state, now, terms)
        for name, state in states.items()
        if not (state.opened and state.opened < now - FORGOTTEN_SECONDS)
    ]


class Provider:
    """Asks leave for every call to one provider, and tells all workers what came of it.

    Args:
        name: Of the provider; see `provider_of`.
        terms: Its limits.
        notes: Where all workers read and write.
        sleep: What waits; a test may give its own.
    """

    def __init__(
        self,
        name: str,
        terms: Terms,
        notes: Notes,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self._terms = terms
        self._notes = notes
        self._sleep = sleep
        self._seen: tuple[ProviderState, float] | None = None
        self._log = structlog.get_logger(__name__)

    async def enter(self, tokens: float, *, longest: float, patient: bool = True) -> Leave:
        """Wait for leave to make a call of about so many tokens.

        Args:
            tokens: Prompt and completion together.
            longest: Seconds to wait at most where the provider asked for it or its circuit is
                open; a place within the limits per minute is waited for however long it takes.
            patient: Whether an open circuit is waited for at all.

        Raises:
            CircuitOpen: The provider is left alone, for longer than may be waited.
            ModelBusy: It asked to wait for longer than that.
        """
        waited = 0.0
        while True:
            got = await self._ask(tokens)
            if isinstance(got, Leave):
                if got.wait > 0:
                    try:
                        await self._sleep(got.wait)
                        await self._sleep_if_told(longest)
                    except BaseException:
                        await self.broken_off(got)
                        raise
                return got
            if got.why != "full":
                if waited + got.wait > longest or (got.why == "circuit" and not patient):
                    raise self._refusal(got)
                waited += got.wait
            await self._sleep(got.wait)

    async def left(self, leave: Leave, tokens: float | None, error: ModelError | None) -> None:
        """Tell what came of a call.

        Args:
            leave: What `enter` gave.
            tokens: What it really took; None where that is not known.
            error: What went wrong, if anything.
        """
        down = isinstance(error, ModelUnreachable)
        wait = error.retry_after if isinstance(error, ModelBusy) else None
        counted = tokens is not None and self._terms.counts
        seen = self._seen[0] if self._seen else ProviderState()
        if not (down or wait or counted or leave.probe or seen.failures or seen.opened):
            return

        def change(state: ProviderState, now: float) -> tuple[ProviderState, ProviderState]:
            before = state
            if counted and tokens is not None:
                state = state.corrected(leave, tokens)
            state = state.failed(now, leave, self._terms) if down else state.answered()
            if wait:
                state = state.asked_to_wait(now, wait)
            return state, before

        before = await self._change(change)
        self._say(before, error)

    async def broken_off(self, leave: Leave) -> None:
        """Tell that a call was given up before its end: that says nothing of the provider.

        A probe is free for another caller at once; the circuit stays as it is.
        """
        if leave.probe:
            await self._change(lambda state, now: (state.unprobed(), None))

    async def _sleep_if_told(self, longest: float) -> None:
        """Heed what the provider asked for while a place within the limits was waited for."""
        told = await self._change(lambda state, now: (state, state.told_left(now)))
        if told > longest:
            raise self._refusal(Refused(told, "told"))
        if told > 0:
            await self._sleep(told)

    def _say(self, before: ProviderState, error: ModelError | None) -> None:
        after = self._seen[0] if self._seen else before
        if after.opened and not before.opened:
            self._log.warning(
                "provider left alone",
                provider=self.name,
                failures=after.failures,
                seconds=self._terms.open_seconds,
                **(told(error) if error else {}),
            )
        elif before.opened and not after.opened:
            self._log.info("provider answers again", provider=self.name)

    async def _ask(self, tokens: float) -> Leave | Refused:
        if not self._terms.counts and self._seen is not None:
            state, read_at = self._seen
            well = not state.opened and not state.told
            if well and time.monotonic() - read_at < FRESH_SECONDS:
                return Leave(0.0, 0, tokens)
        return await self._change(lambda state, now: state.enter(now, tokens, self._terms))

    async def _change(self, change: Callable[[ProviderState, float], tuple[ProviderState, T]]) -> T:
        def on_note(note: str | None, now: float) -> tuple[str | None, tuple[ProviderState, T]]:
            before = ProviderState.read(note)
            after, result = change(before, now)
            kept = None if after == before else after.model_dump_json()
            # A wait that is over is forgotten here, so that calls need not ask about it.
            over = after.told_left(now) <= 0
            seen = after.model_copy(update={"told": 0.0}) if over else after
            return kept, (seen, result)

        seen, result = await asyncio.to_thread(self._notes.change, PREFIX + self.name, on_note)
        self._seen = (seen, time.monotonic())
        return result

    def _refusal(self, got: Refused) -> ModelBusy:
        if got.why == "circuit":
            return CircuitOpen(
                f"{self.name} failed again and again and is left alone for now; it is tried "
                f"again by itself in {got.wait:.0f} s.",
                retry_after=got.wait,
            )
        return ModelBusy(
            f"{self.name} asked all callers to wait {got.wait:.0f} s more. That is longer than "
            "LLMLABEL_LLM_MAX_WAIT_SECONDS allows; try again later.",
            retry_after=got.wait,
        )


def _standing(name: str, state: ProviderState, now: float, terms: Terms) -> ProviderStanding:
    circuit = state.circuit(now, terms)
    wait: Literal[0] | float = 0
    if circuit == "open":
        wait = state.opened + terms.open_seconds - now
    elif circuit == "closed":
        wait = max(0.0, state.told_left(now))
    return ProviderStanding(
        provider=name, circuit=circuit, failures=state.failures, wait_seconds=round(wait, 1)
    )
