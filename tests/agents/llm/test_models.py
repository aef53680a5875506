"""Names stand for models, and a wrong one is told before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.endpoint.endpoint import Endpoint
from quintain.agents.llm.endpoint.providers import PROVIDERS, url_variable
from quintain.agents.llm.model import ChatMessage, Model, Request
from quintain.agents.llm.models import model
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.errors import UsageError
from quintain.testing import ModelServer

HELLO = Request(messages=(ChatMessage(role="user", content="hello"),))


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, provider in PROVIDERS.items():
        monkeypatch.delenv(url_variable(name), raising=False)
        for variable in provider.keys[:1]:
            monkeypatch.setenv(variable, f"key-of-{name}")


def endpoint(name: str, **options: Any) -> Endpoint:
    found = model(name, **options)
    assert isinstance(found, Endpoint) and isinstance(found, Model)
    return found


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_has_an_endpoint(provider: str) -> None:
    found = endpoint(f"{provider}:some/model:tag")
    assert found.name == f"{provider}:some/model:tag" and found.config.model == "some/model:tag"
    assert found.config.base_url == PROVIDERS[provider].url and not found.config.base_url.endswith("/")


def test_abilities_are_the_providers_what_is_published_and_what_the_caller_knows() -> None:
    assert endpoint("openai:gpt-4o-mini").abilities.context == 128_000
    assert not endpoint("anthropic:claude-sonnet-4-5").abilities.answer_schema
    assert endpoint("google:gemini-2.5-flash").abilities.context == 1_048_576
    assert endpoint("ollama:x", abilities={"context": 2048, "pictures": False}).abilities.context == 2048


async def test_a_url_is_an_endpoint_without_a_key() -> None:
    with ModelServer() as server:
        found = endpoint(f"{server.url}#some-model")
        await found.answer(HELLO)
        await found.close()
        assert found.config.keys == () and server.requests[0]["model"] == "some-model"
    assert endpoint("https://api.openai.com/v1/#gpt-4o").config.keys == ("OPENAI_API_KEY",)


async def test_a_provider_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(key="key-of-openai") as server:
        monkeypatch.setenv("QUINTAIN_OPENAI_BASE_URL", server.url)
        for options in ({}, {"base_url": f"{server.url}/"}):
            found = endpoint("openai:gpt-4o-mini", **options)
            answer = await found.answer(HELLO)
            await found.close()
            assert answer.usd == pytest.approx((10 * 0.15 + 5 * 0.6) / 1e6)
    assert endpoint("openai:gpt-4o-mini", key_variable="").config.keys == ()


def test_a_model_is_taken_as_it_is() -> None:
    made = ScriptedModel(["yes"])
    assert model(made) is made
    with pytest.raises(UsageError, match="'scripted' is made already; it takes no timeout_s"):
        model(made, timeout_s=3)


@pytest.mark.parametrize(
    "name, options, says",
    [
        ("gpt-4o", {}, "unknown model 'gpt-4o'; say 'provider:model'"),
        ("opnai:gpt-4o", {}, "did you mean 'openai:…'?"),
        ("openai:", {}, "unknown model 'openai:'"),
        ("https://host/v1", {}, r"which model\? Say 'https://host/v1#name'"),
        ("https://me:secret@host/v1#m", {}, "no user, password, query or fragment; keys come from the environment"),
        ("https://host/v1?key=secret#m", {}, "no user, password"),
        ("http://#m", {}, "the base URL is none"),
        ("vllm:m", {"base_url": "ftp://host"}, "the base URL is none"),
        ("vllm:m", {"timeout": 3}, "no option 'timeout'; there are abilities, base_url, .*timeout_s, record, replay"),
        ("vllm:m", {"timeout_s": -1}, "'vllm:m': timeout_s: Input should be greater than 0"),
        ("vllm:m", {"prices": {"input": 1}}, "prices.output: Field required"),
        ("vllm:m", {"abilities": {"contxt": 1}}, "contxt: Extra inputs"),
        ("vllm:m", {"record": "a", "replay": "b"}, "either records or replays"),
        ("scripted:x.jsonl", {"timeout_s": 3}, "no such options: timeout_s; there are abilities"),
        (7, {}, "a model is a name such as"),
    ],
)
def test_what_is_wrong_is_one_clear_error(name: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        model(name, **options)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value).replace(str(name), "")


async def test_what_was_recorded_is_replayed_without_the_model_or_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cassette = tmp_path / "cassette"
    with ModelServer() as server:
        recording = model("openai:m", base_url=server.url, record=cassette)
        first = await recording.answer(HELLO)
        await recording.close()
    monkeypatch.delenv("OPENAI_API_KEY")
    replaying = model("openai:m", replay=cassette)
    again = await replaying.answer(HELLO)
    await replaying.close()
    assert again.text == first.text == "ok" and again.output_tokens == first.output_tokens
