"""Dollars are exact products of published prices, and unknown where anything is."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from quintain.agents.llm.endpoint.prices import Prices, context_of, published
from quintain.agents.llm.endpoint.wire import Spent
from quintain.agents.llm.model import ChatMessage, Request
from quintain.agents.llm.models import model
from quintain.testing import ModelReply, ModelServer

SPENT = Spent(input=1_000_000, output=100_000)


@pytest.mark.parametrize(
    "provider, name, a_million_in, a_million_out",
    [
        ("openai", "gpt-4o-mini", 0.15, 0.60),
        ("openai", "gpt-4o-mini-2024-07-18", 0.15, 0.60),
        ("openai", "gpt-3.5-turbo", 0.50, 1.50),
        ("anthropic", "claude-3-5-haiku-latest", 0.80, 4.00),
        ("google", "gemini-2.5-flash", 0.30, 2.50),
        ("groq", "llama-3.3-70b-versatile", 0.59, 0.79),
        ("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", 0.88, 0.88),
    ],
)
def test_published_prices(provider: str, name: str, a_million_in: float, a_million_out: float) -> None:
    assert published(SPENT, name, provider=provider) == pytest.approx(a_million_in + a_million_out / 10, rel=1e-12)


def test_input_from_a_cache_has_its_own_price() -> None:
    half = SPENT._replace(cached=500_000)
    assert published(half, "gpt-4o-mini", provider="openai") == pytest.approx(0.075 + 0.0375 + 0.06, rel=1e-12)
    # None is published for this one.
    assert published(half, "gpt-3.5-turbo", provider="openai") == published(SPENT, "gpt-3.5-turbo", provider="openai")


def test_what_is_unknown_costs_an_unknown_sum() -> None:
    assert published(SPENT, "no-such-model", provider="openai") is None
    assert published(SPENT, "gpt-4o-mini", provider="no-such-provider") is None
    assert published(SPENT._replace(output=None), "gpt-4o-mini", provider="openai") is None
    assert Prices(input=1, output=1).of(Spent(None, 3)) is None
    assert context_of("no-such-model", provider="openai") is None


def test_prices_of_ones_own() -> None:
    own = Prices(input=2, output=10, cached=0.5)
    assert own.of(SPENT) == pytest.approx(3.0)
    assert own.of(SPENT._replace(cached=400_000)) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 1.0)
    assert Prices(input=2, output=10).of(SPENT._replace(cached=400_000)) == pytest.approx(3.0)


async def test_the_cost_of_an_answer_is_that_of_the_model_that_answered() -> None:
    details = {"prompt_tokens": 1000, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 600}}
    cases: list[tuple[str, dict[str, Any], dict[str, Any], float | None]] = [
        ("openai:gpt-4o-mini", details, {}, (400 * 0.15 + 600 * 0.075 + 10 * 0.6) / 1e6),
        ("openai:my-own", details, {}, None),
        ("openai:my-own", details, {"prices": {"input": 1, "output": 2}}, 0.00102),
        ("openrouter:any/model", details | {"cost": 0.125}, {}, 0.125),
        ("vllm:gpt-4o-mini", details, {}, None),
    ]
    with ModelServer([ModelReply(usage=usage) for _, usage, _, _ in cases]) as server:
        for name, _, options, usd in cases:
            asking = model(name, base_url=server.url, key_variable="", **options)
            answer = await asking.answer(Request(messages=(ChatMessage(role="user", content="hello"),)))
            await asking.close()
            assert answer.usd == (usd if usd is None else pytest.approx(usd, rel=1e-12)), name


def test_no_price_is_looked_up_on_the_network() -> None:
    code = (
        "import socket\n"
        "def refuse(*_): raise SystemExit('it went to the network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from quintain.agents.llm.endpoint.prices import Spent, published\n"
        "assert published(Spent(10, 5), 'gpt-4o-mini', provider='openai')\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
