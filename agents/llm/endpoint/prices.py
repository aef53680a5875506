"""What a call costs, by published prices (`genai-prices`, whose bundled table is read; nothing is looked up on the network)."""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

from pydantic import NonNegativeFloat

from quintain.agents.llm.endpoint.wire import Spent
from quintain.values import Value

MILLION = 1e6


class Prices(Value):
    """US dollars for a million tokens."""

    input: NonNegativeFloat
    output: NonNegativeFloat
    cached: NonNegativeFloat | None = None
    """Of input that was read from a cache; None: as other input."""

    def of(self, spent: Spent) -> float | None:
        if spent.input is None or spent.output is None:
            return None
        cached = min(spent.cached, spent.input)
        for_cached = self.input if self.cached is None else self.cached
        return ((spent.input - cached) * self.input + cached * for_cached + spent.output * self.output) / MILLION


def published(spent: Spent, model: str, *, provider: str) -> float | None:
    """Dollars by today's price of this model; None where model, provider or tokens are unknown.

    `provider` is a name of genai-prices. Input that was read from a cache has its own price where one is published.
    """
    found = _entry(model, provider)
    if found is None or spent.input is None or spent.output is None:
        return None
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=spent.input, output_tokens=spent.output, cache_read_tokens=min(spent.cached, spent.input))
    try:
        return float(calc_price(usage, model, provider_id=provider).total_price)
    except (LookupError, ValueError):
        return None


def context_of(model: str, *, provider: str) -> int | None:
    """Tokens of its context, where that is published."""
    found = _entry(model, provider)
    return None if found is None else found.context_window


@cache
def _entry(model: str, provider: str) -> Any:
    if importlib.util.find_spec("genai_prices") is None:
        return None
    from genai_prices.data_snapshot import get_snapshot

    try:
        return get_snapshot().find_provider_model(model, None, provider, None)[1]
    except LookupError:
        return None
