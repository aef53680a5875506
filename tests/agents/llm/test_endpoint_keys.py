"""A key is read from the environment, sent to its endpoint, and is nowhere else."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import cloudpickle  # type: ignore[import-untyped]
import pytest
from counter_world import UP, counter_task

from quintain.agents.llm.model import ChatMessage, Model, ModelUnreachable, Request
from quintain.agents.llm.models import model
from quintain.config import AgentConfig
from quintain.core import TaskView
from quintain.errors import UsageError
from quintain.ledger import Ledger, opened
from quintain.runner import evaluate
from quintain.spaces import Action, Choose, Observation
from quintain.testing import ModelReply, ModelServer

KEY = "sk-test-0123456789abcdef"
VARIABLE = "QUINTAIN_TEST_KEY"
HELLO = Request(messages=(ChatMessage(role="user", content="hello"),))


class AskingAgent:
    """Counts up, and asks its model each time, whatever it says."""

    def __init__(self, url: str) -> None:
        self._model: Model = model(f"{url}#m", key_variable=VARIABLE, retries=0)

    def reset(self, task: TaskView, seed: int) -> None:
        pass

    async def act(self, observation: Observation) -> Action:
        await self._model.answer(Request(messages=(ChatMessage(role="user", content=observation.text or ""),)))
        return Choose(index=UP)

    async def close(self) -> None:
        await self._model.close()


async def test_the_key_goes_to_the_endpoint_and_a_wrong_one_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    with ModelServer(key=KEY) as server:
        monkeypatch.setenv(VARIABLE, f" {KEY}\n")
        asking = model(f"{server.url}#m", key_variable=VARIABLE)
        assert (await asking.answer(HELLO)).text == "ok"
        monkeypatch.setenv(VARIABLE, f"{KEY}-no-more")
        with pytest.raises(ModelUnreachable, match=rf"HTTP 401: wrong key: Bearer \[key\]; check the key in {VARIABLE}"):
            await asking.answer(HELLO)
        monkeypatch.delenv(VARIABLE)
        with pytest.raises(ModelUnreachable, match=f"no key; set the environment variable {VARIABLE}"):
            await asking.answer(HELLO)
        await asking.close()


def test_a_missing_or_impossible_key_is_told_when_the_model_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(UsageError, match="'openai:gpt-4o-mini': no key; set the environment variable OPENAI_API_KEY$"):
        model("openai:gpt-4o-mini")
    with pytest.raises(UsageError, match="GEMINI_API_KEY or GOOGLE_API_KEY$"):
        model("google:gemini-2.5-flash")
    for wrong in ("sk-two\nlines-of-secret", "sk-secret-ü", "sk secret"):
        monkeypatch.setenv("OPENAI_API_KEY", wrong)
        with pytest.raises(UsageError, match="OPENAI_API_KEY holds") as caught:
            model("openai:gpt-4o-mini")
        assert "secret" not in str(caught.value)
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    model("google:gemini-2.5-flash")


async def test_what_an_endpoint_says_of_the_key_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    ledger = Ledger()
    with ModelServer([ModelReply(text=f"your key is {KEY}")]) as server, opened(ledger):
        asking = model(f"{server.url}#m", key_variable=VARIABLE)
        answer = await asking.answer(HELLO)
        await asking.close()
    assert answer.text == "your key is [key]"
    assert KEY not in str(ledger.drain())


def test_no_form_of_a_model_holds_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    made = model("openai:gpt-4o-mini", timeout_s=5)
    for form in (repr(made), str(vars(made)), pickle.dumps(made), cloudpickle.dumps(made)):
        assert KEY not in form if isinstance(form, str) else KEY.encode() not in form
    again = pickle.loads(pickle.dumps(made))
    assert again.name == made.name and again.config.timeout_s == 5


@pytest.mark.parametrize("right", [True, False])
def test_nothing_of_a_run_holds_the_key(
    right: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    server = ModelServer(otherwise=ModelReply(text=f"I was sent {KEY}")) if right else ModelServer(key="another")
    with server:
        agent = AgentConfig(agent=f"{Path(__file__).resolve()}:AskingAgent", config={"url": server.url})
        run = evaluate(agent, [counter_task()], episodes=2, workers=1, out=tmp_path / "run")
        episodes = list(run.episodes())
    assert {episode.outcome for episode in episodes} == ({"ok"} if right else {"env_error"})
    kept = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    traces = [gzip.decompress(data) for path, data in kept.items() if path.suffix == ".gz"]
    stored = [episode.model_dump_json().encode() for episode in episodes]
    shown = [part.encode() for part in capfd.readouterr()]
    assert not [part[:100] for part in [*kept.values(), *traces, *stored, *shown] if KEY.encode() in part]
    said = b"I was sent [key]" if right else b"wrong key: Bearer [key]"
    assert any(said in part for part in (traces if right else stored)), "what would hold it was looked at"
