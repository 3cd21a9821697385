"""litellm, imported when the first call needs it, and its price data."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Any


@cache
def litellm() -> Any:
    """The litellm module, set up so that importing it reaches for no network.

    The import takes seconds, so it waits until a remote model is really used.
    """
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm as module  # noqa: PLC0415

    # Otherwise each failed call prints advice to stdout, where `--format jsonl` writes labels.
    module.suppress_debug_info = True
    # For the same reason its log lines go to the root logger, not to its own stdout handlers.
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        logging.getLogger(name).handlers.clear()
    return module


def supported_parameters(model: str) -> frozenset[str]:
    """The request parameters that litellm can pass on to this model; empty where unknown."""
    try:
        return frozenset(litellm().get_supported_openai_params(model) or ())
    except Exception:  # an unknown provider: the call itself will say so, as a mapped error
        return frozenset()


def price_entry(model: str) -> dict[str, Any] | None:
    """What litellm's price data knows of the model, or None.

    A name with a provider (`openai/gpt-4o-mini`) matches only an entry of that provider: a
    self-hosted model that shares a name with a sold one has no known price.
    """
    prices: dict[str, dict[str, Any]] = litellm().model_cost
    provider, _, bare = model.rpartition("/")
    entry = prices.get(model)
    if entry is None and provider:
        entry = prices.get(bare)
        if entry is not None and not str(entry.get("litellm_provider", "")).startswith(provider):
            return None
    return entry


def cost_usd(model: str, response: Any) -> float | None:
    """What the call cost, in US dollars; None where the price is not known, never 0 for that."""
    entry = price_entry(model)
    if entry is None or entry.get("input_cost_per_token") is None:
        return None
    try:
        if isinstance(response, dict):
            response = litellm().ModelResponse(**response)
        return float(litellm().completion_cost(completion_response=response, model=model))
    except Exception:  # litellm raises bare exceptions here; a missing price stops no label
        return None


def thinks(model: str) -> bool:
    """Whether the model is known to reason before it answers."""
    return bool(litellm().supports_reasoning(model))


def ssl_configuration() -> Any:
    """How certificates are checked, by the variables that litellm knows (`SSL_CERT_FILE`, ...)."""
    litellm()
    from litellm.llms.custom_httpx.http_handler import get_ssl_configuration  # noqa: PLC0415

    return get_ssl_configuration()


def context_tokens(model: str) -> int | None:
    """The longest prompt by litellm's data, in tokens, or None where the model is unknown."""
    entry = price_entry(model) or {}
    size = entry.get("max_input_tokens") or entry.get("max_tokens")
    return int(size) if isinstance(size, int | float) and size > 0 else None
