"""Who serves language models in the chat-completions shape: where, and which variable holds the key."""

from __future__ import annotations

import os
from collections.abc import Mapping

from quintain.agents.llm.model import Abilities
from quintain.errors import UsageError
from quintain.values import Value


class Provider(Value):
    """An endpoint under a short name."""

    url: str
    """What ``/chat/completions`` is added to."""
    keys: tuple[str, ...] = ()
    """Environment variables that may hold the key, the first that is set counts; none: no key is needed."""
    prices: str | None = None
    """Its name in genai-prices, where it sells by the token."""
    abilities: Abilities = Abilities()


_NO_SCHEMA = Abilities(answer_schema=False)
"""`response_format` is ignored, or takes no schema."""
_ON_ONES_OWN = Abilities(context=8192)
"""The context is what whoever started the server gave it; the option `abilities` says how much."""

PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(url="https://api.openai.com/v1", keys=("OPENAI_API_KEY",), prices="openai"),
    # https://platform.claude.com/docs/en/api/openai-sdk: `response_format`, `seed` and `strict` are ignored.
    "anthropic": Provider(
        url="https://api.anthropic.com/v1",
        keys=("ANTHROPIC_API_KEY",),
        prices="anthropic",
        abilities=Abilities(answer_schema=False, context=200_000),
    ),
    # https://ai.google.dev/gemini-api/docs/openai
    "google": Provider(
        url="https://generativelanguage.googleapis.com/v1beta/openai",
        keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        prices="google",
    ),
    "openrouter": Provider(url="https://openrouter.ai/api/v1", keys=("OPENROUTER_API_KEY",), prices="openrouter"),
    "together": Provider(url="https://api.together.xyz/v1", keys=("TOGETHER_API_KEY",), prices="together"),
    "mistral": Provider(url="https://api.mistral.ai/v1", keys=("MISTRAL_API_KEY",), prices="mistral"),
    "deepseek": Provider(
        url="https://api.deepseek.com/v1",
        keys=("DEEPSEEK_API_KEY",),
        prices="deepseek",
        abilities=Abilities(answer_schema=False, pictures=False, context=64_000),
    ),
    "groq": Provider(url="https://api.groq.com/openai/v1", keys=("GROQ_API_KEY",), prices="groq"),
    "xai": Provider(url="https://api.x.ai/v1", keys=("XAI_API_KEY",), prices="x-ai"),
    "fireworks": Provider(url="https://api.fireworks.ai/inference/v1", keys=("FIREWORKS_API_KEY",), prices="fireworks"),
    "cerebras": Provider(url="https://api.cerebras.ai/v1", keys=("CEREBRAS_API_KEY",), prices="cerebras"),
    "nvidia": Provider(url="https://integrate.api.nvidia.com/v1", keys=("NVIDIA_API_KEY",)),
    "perplexity": Provider(
        url="https://api.perplexity.ai", keys=("PERPLEXITY_API_KEY",), prices="perplexity", abilities=Abilities(tools=False)
    ),
    "cohere": Provider(
        url="https://api.cohere.ai/compatibility/v1", keys=("COHERE_API_KEY", "CO_API_KEY"), prices="cohere", abilities=_NO_SCHEMA
    ),
    "vllm": Provider(url="http://localhost:8000/v1", abilities=_ON_ONES_OWN),
    "ollama": Provider(url="http://localhost:11434/v1", abilities=_ON_ONES_OWN),
    "llamacpp": Provider(url="http://localhost:8080/v1", abilities=_ON_ONES_OWN),
    "lmstudio": Provider(url="http://localhost:1234/v1", abilities=_ON_ONES_OWN),
}


def at(url: str) -> Provider | None:
    """Whose endpoint this URL is; None for others."""
    return next((provider for provider in PROVIDERS.values() if url.rstrip("/") == provider.url), None)


def url_variable(provider: str) -> str:
    """The environment variable that moves a provider elsewhere: to a proxy, or to another port."""
    return f"QUINTAIN_{provider.upper()}_BASE_URL"


def key_in_environment(variables: tuple[str, ...], name: str) -> str | None:
    """The key itself; to be held no longer than a request takes. None where no variable is named.

    Raises:
        UsageError: none of them is set, or what is set cannot stand in a header. The message names them, never the key.
    """
    if not variables:
        return None
    found = next((variable for variable in variables if os.environ.get(variable, "").strip()), None)
    if found is None:
        raise UsageError(f"model {name!r}: no key; set the environment variable {' or '.join(variables)}")
    key = os.environ[found].strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError(f"model {name!r}: the environment variable {found} holds spaces or letters that no key has")
    return key
