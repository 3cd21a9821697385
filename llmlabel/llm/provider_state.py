"""What is known of a provider: calls of the last minute, whom it told to wait, its circuit.

Pure values: the time comes in as a number, and every change gives a new state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, ValidationError

from llmlabel.domain.base import Value

WINDOW = 60
"""Seconds in which the limits count."""

AHEAD = 60
"""Nobody is given a place further ahead than so many seconds; who gets none asks again."""

LONGEST_TOLD = 3600.0
"""Nobody is kept away for longer by what a provider asked for, be it nonsense: then one asks."""

_PROBE_STEP = 1.0
"""Seconds after which those who wait for a probe look again."""

Circuit = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one provider.

    Attributes:
        requests_per_minute: Of all workers together; None for no limit.
        tokens_per_minute: Prompt and completion tokens, as above.
        failures: In a row, of all workers, after which the circuit opens.
        open_seconds: How long it stays open before one call may try.
        probe_seconds: After so long a probe that never came back counts no more.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    failures: int = 10
    open_seconds: float = 30.0
    probe_seconds: float = 90.0

    @property
    def counts(self) -> bool:
        """Whether there is a limit per minute."""
        return self.requests_per_minute is not None or self.tokens_per_minute is not None


class Second(Value):
    """Calls that were given leave to start within one second."""

    at: int
    requests: int
    tokens: float


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave to make one call, `wait` seconds from now; in which second it is counted."""

    wait: float
    second: int
    tokens: float
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Not now: ask again after `wait` seconds, because of what `why` names."""

    wait: float
    why: Literal["circuit", "told", "full"]


class ProviderState(Value):
    """One provider as all workers see it; moments are seconds since 1970."""

    failures: int = Field(default=0, description="In a row.")
    opened: float = Field(default=0.0, description="When the circuit opened; 0 while closed.")
    probing: float = Field(default=0.0, description="When the call that tries it began; 0: none.")
    told: float = Field(default=0.0, description="When the provider last asked to wait.")
    told_seconds: float = Field(default=0.0, description="For how long.")
    seconds: tuple[Second, ...] = ()

    @classmethod
    def read(cls, note: str | None) -> ProviderState:
        """The state in a note; a fresh one where there is none, or one of another release."""
        if note is None:
            return cls()
        try:
            return cls.model_validate_json(note)
        except ValidationError:
            return cls()

    def circuit(self, now: float, terms: Terms) -> Circuit:
        """Whether calls go out, none does, or one may try."""
        if not self.opened:
            return "closed"
        return "open" if _left(self.opened, terms.open_seconds, now) > 0 else "half_open"

    def told_left(self, now: float) -> float:
        """Seconds for which the provider still wants no calls."""
        return _left(self.told, self.told_seconds, now)

    def enter(
        self, now: float, tokens: float, terms: Terms
    ) -> tuple[ProviderState, Leave | Refused]:
        """Ask for leave to make a call of about so many tokens."""
        told = self.told_left(now)
        if told > 0:
            return self, Refused(told, "told")
        circuit = self.circuit(now, terms)
        if circuit == "open":
            return self, Refused(_left(self.opened, terms.open_seconds, now), "circuit")
        if circuit == "half_open":
            probe = _left(self.probing, terms.probe_seconds, now) if self.probing else 0.0
            if probe > 0:
                return self, Refused(min(probe, _PROBE_STEP), "circuit")
        state, second = self, math.floor(now)
        if terms.counts:
            # What lies too far ahead was written by a clock that has been set back since.
            kept = tuple(
                each for each in self.seconds if second - WINDOW <= each.at <= second + AHEAD
            )
            second = _place(kept, second, tokens, terms)
            if second > now + AHEAD:
                return self, Refused(second - now - AHEAD, "full")
            state = self.model_copy(update={"seconds": _counted(kept, second, tokens)})
        probing = circuit == "half_open"
        if probing:
            state = state.model_copy(update={"probing": now})
        return state, Leave(max(0.0, second - now), second, tokens, probing)

    def corrected(self, leave: Leave, tokens: float) -> ProviderState:
        """With the tokens a call really took in the place of the estimate."""
        seconds = tuple(
            each.model_copy(update={"tokens": max(0.0, each.tokens + tokens - leave.tokens)})
            if each.at == leave.second
            else each
            for each in self.seconds
        )
        return self.model_copy(update={"seconds": seconds})

    def answered(self) -> ProviderState:
        """After a call that the provider answered, be it with a refusal."""
        return self.model_copy(update={"failures": 0, "opened": 0.0, "probing": 0.0})

    def failed(self, now: float, leave: Leave, terms: Terms) -> ProviderState:
        """After a call that found no provider, or a broken one."""
        failures = self.failures + 1
        update: dict[str, float] = {"failures": failures}
        if leave.probe or (not self.opened and failures >= terms.failures):
            update |= {"opened": now, "probing": 0.0}
        return self.model_copy(update=update)

    def unprobed(self) -> ProviderState:
        """After a probe that was given up: another call may try."""
        return self.model_copy(update={"probing": 0.0})

    def asked_to_wait(self, now: float, seconds: float) -> ProviderState:
        """After the provider told somebody to wait, for an hour at most."""
        seconds = min(seconds, LONGEST_TOLD)
        if seconds <= self.told_left(now):
            return self
        return self.model_copy(update={"told": now, "told_seconds": seconds})


def _left(since: float, seconds: float, now: float) -> float:
    # A moment to come was written by a clock that has been set back since: it counts no more.
    return 0.0 if since > now + 1.0 else since + seconds - now


def _place(seconds: tuple[Second, ...], first: int, tokens: float, terms: Terms) -> int:
    """The first second with room, not before that of an earlier call.

    A call may start anywhere in its second, so a minute touches 61 of them. A call of more
    tokens than the limit waits for an empty minute and passes alone.
    """
    second = max([first, *(each.at for each in seconds)])
    while True:
        inside = [each for each in seconds if each.at >= second - WINDOW]
        requests = sum(each.requests for each in inside)
        used = sum(each.tokens for each in inside)
        fits = (
            terms.requests_per_minute is None or requests + 1 <= terms.requests_per_minute
        ) and (
            terms.tokens_per_minute is None
            or used + min(tokens, terms.tokens_per_minute) <= terms.tokens_per_minute
        )
        if fits or not inside:
            return second
        second = min(each.at for each in inside) + WINDOW + 1


def _counted(seconds: tuple[Second, ...], at: int, tokens: float) -> tuple[Second, ...]:
    if seconds and seconds[-1].at == at:
        last = seconds[-1]
        return (
            *seconds[:-1],
            Second(at=at, requests=last.requests + 1, tokens=last.tokens + tokens),
        )
    return (*seconds, Second(at=at, requests=1, tokens=tokens))
