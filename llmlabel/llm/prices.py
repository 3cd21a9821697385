"""What a call may cost at most, and what it cost."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmlabel.errors import InvalidSetting
from llmlabel.llm.vendor import price_entry

NANO = 1_000_000_000
"""Nanodollars in a dollar: money is counted in whole ones, so that sums are exact."""

_MARKS_PER_MESSAGE = 16
_MARKS_PER_CALL = 64
"""Tokens that a provider may add around messages and around a request."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per token of the prompt and of the completion, and per request."""

    prompt: float
    completion: float
    request: float = 0.0

    def cost(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Of a call, in US dollars."""
        return self.prompt * prompt_tokens + self.completion * completion_tokens + self.request


def nano(usd: float) -> int:
    """Nanodollars, rounded up."""
    return math.ceil(round(usd * NANO, 3))


def listed_price(model: str) -> Price | None:
    """The highest price that litellm's data names for the model; None where it names none."""
    entry = price_entry(model) or {}
    prompt = _highest(entry, r"input_cost_per_token(_above_\d+k_tokens)?")
    written = r"cache_creation_input_token_cost(_above_\w+)?"
    completion = _highest(entry, r"output_cost_per_(reasoning_)?token(_above_\d+k_tokens)?")
    if prompt is None or completion is None:
        return None
    request = _highest(entry, r"(input|output)_cost_per_request") or 0.0
    return Price(max(prompt, _highest(entry, written) or 0.0), completion, request)


def _highest(entry: Mapping[str, Any], names: str) -> float | None:
    found = [
        float(value)
        for name, value in entry.items()
        if re.fullmatch(names, name) and isinstance(value, int | float)
    ]
    return max(found, default=None)


def worst_tokens(messages: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> int:
    """More tokens than the prompt can have: no token is shorter than a byte."""
    text = sum(len(str(m["content"]).encode()) + _MARKS_PER_MESSAGE for m in messages)
    schema = parameters.get("response_format")
    return text + _MARKS_PER_CALL + (len(json.dumps(schema)) if schema else 0)


def parse_prices(value: str) -> dict[str, Price]:
    """Prices as in LLMLABEL_LLM_PRICES: `model=0.15:0.60`, several separated by commas.

    The numbers are US dollars per million tokens, of prompts and of completions.

    Raises:
        InvalidSetting: It cannot be read.
    """
    prices: dict[str, Price] = {}
    for part in filter(None, (each.strip() for each in value.split(","))):
        model, _, numbers = part.rpartition("=")
        match = re.fullmatch(r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)", numbers)
        if not model or match is None:
            raise InvalidSetting(
                f"LLMLABEL_LLM_PRICES cannot be read at `{part}`; write MODEL=PROMPT:COMPLETION "
                "in US dollars per million tokens, such as hosted_vllm/my-model=0.10:0.40.",
                field="llm_prices",
            )
        prices[model] = Price(float(match[1]) / 1e6, float(match[2]) / 1e6)
    return prices
