"""The providers of an application: their limits, money, and the models that stand in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import copy

from llmlabel.llm.budget import Budget, Ledger
from llmlabel.llm.limits import Limits
from llmlabel.llm.notes import Notes, SharedNotes
from llmlabel.llm.prices import Price, nano, parse_prices
from llmlabel.llm.provider import Provider, ProviderStanding, provider_of, standings
from llmlabel.llm.provider_state import Terms
from llmlabel.llm.remote import RemoteModel
from llmlabel.settings import Settings


class Providers:
    """Opens remote models that share what belongs to their provider.

    Args:
        settings: Models, limits, prices and budgets.
        notes: Gives what all workers share; None where there is no database.
        ledger: Gives the counters of money; None where there is no database.
    """

    def __init__(
        self,
        settings: Settings,
        notes: Callable[[], Notes | None] = lambda: None,
        ledger: Callable[[], Ledger | None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._notes = SharedNotes(notes)
        self._prices: Mapping[str, Price] = parse_prices(settings.llm_prices)
        self.budget = Budget(ledger, ceilings(settings))
        self._terms = Terms(
            requests_per_minute=settings.llm_requests_per_minute,
            tokens_per_minute=settings.llm_tokens_per_minute,
            failures=settings.llm_breaker_failures,
            open_seconds=settings.llm_breaker_seconds,
            probe_seconds=settings.llm_timeout_seconds + 5.0,
        )
        self._providers: dict[str, tuple[Provider, Limits]] = {}

    def standings(self) -> list[ProviderStanding]:
        """How each provider is doing, as all workers see it."""
        return standings(self._notes, self._terms)

    def charging(self, budget: Budget) -> Providers:
        """The same providers, with their limits and circuits; calls are paid from this budget."""
        other = copy(self)
        other.budget = budget
        return other

    def open(self, name: str, *, fallback: bool = False, patient: bool = True) -> RemoteModel:
        """A model of a provider.

        Args:
            name: litellm's name, or that with a base URL: `hosted_vllm/my-model@https://host/v1`.
            fallback: It stands in for another. The key and base URL of the settings are those of
                the default model, and hold for models of the same provider only; where the
                default model is none of a provider's, for every model that is no fallback.
            patient: Whether a provider that is left alone is waited for.
        """
        s = self._settings
        model, base = split(name)
        same = _word(model) == _word(s.llm) or not (fallback or _is_of_provider(s.llm))
        if base is None and same:
            base = s.llm_api_base
        provider, limits = self._provider(provider_of(model, base))
        return RemoteModel(
            model,
            api_key=s.llm_api_key if same else None,
            api_base=base,
            timeout=s.llm_timeout_seconds,
            attempts=s.llm_attempts,
            max_wait=s.llm_max_wait_seconds,
            samples=s.llm_samples,
            limits=limits,
            provider=provider,
            patient=patient,
            budget=self.budget,
            price=self._prices.get(model),
            privacy=s.privacy,
        )

    def _provider(self, name: str) -> tuple[Provider, Limits]:
        if name not in self._providers:
            self._providers[name] = (
                Provider(name, self._terms, self._notes),
                Limits(self._settings.llm_concurrency),
            )
        return self._providers[name]


def split(name: str) -> tuple[str, str | None]:
    """A model's name, and the base URL behind its `@`, if any."""
    found = re.fullmatch(r"(.+?)@(https?://.+)", name)
    return (found[1], found[2]) if found else (name, None)


def ceilings(settings: Settings) -> dict[str, int]:
    """What may be spent, in nanodollars by kind of period; empty without a budget."""
    given = {
        "total": settings.budget_usd,
        "month": settings.budget_usd_per_month,
        "day": settings.budget_usd_per_day,
    }
    return {kind: nano(usd) for kind, usd in given.items() if usd is not None}


def _is_of_provider(name: str) -> bool:
    return "/" in name and not name.endswith(".gguf")


def _word(model: str) -> str:
    return model.partition("/")[0]
