"""Answers that were written beforehand come in their order, are charged, and end where they end."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import pytest

from quintain.agents.llm.model import Answer, ChatMessage, Model, ModelRefused, Picture, Request, Text, ToolCall
from quintain.agents.llm.models import model
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.errors import BudgetSpent, UsageError
from quintain.ledger import Ledger, opened
from quintain.usage import Limits


def saying(text: str) -> Request:
    return Request(messages=(ChatMessage(role="user", content=text),))


async def test_answers_come_in_order_and_then_no_more() -> None:
    call = ToolCall(id="1", name="click", arguments="{}")
    scripted = ScriptedModel(["one", Answer(tool_calls=(call,)), Answer(text="cut", ended="length")])
    assert isinstance(scripted, Model)
    answers = [await scripted.answer(saying(text)) for text in "abc"]
    assert [answer.text for answer in answers] == ["one", "", "cut"]
    assert [answer.ended for answer in answers] == ["stop", "tools", "length"]
    assert [request.messages[0].content for request in scripted.requests] == ["a", "b", "c"]
    with pytest.raises(ModelRefused, match="'scripted': no answer left, of 3"):
        await scripted.answer(saying("d"))


async def test_a_function_may_wait() -> None:
    async def echo(request: Request) -> str:
        await asyncio.sleep(0)
        return f"you said {request.messages[-1].content}"

    scripted = ScriptedModel(echo)
    answers = await asyncio.gather(*(scripted.answer(saying(str(at))) for at in range(3)))
    assert [answer.text for answer in answers] == ["you said 0", "you said 1", "you said 2"]


async def test_tokens_are_a_fourth_of_the_characters_unless_the_script_says_them() -> None:
    ledger = Ledger(Limits(tokens=20))
    content = (Text(text="12345"), Picture(png=b"no characters"), Text(text="6789"))
    scripted = ScriptedModel(["12345", Answer(text="x", input_tokens=7, output_tokens=6, usd=0.5)])
    with opened(ledger):
        answer = await scripted.answer(Request(messages=(ChatMessage(role="user", content=content),)))
        assert (answer.input_tokens, answer.output_tokens, answer.usd) == (3, 2, 0.0)
        await scripted.answer(saying("anything"))
        assert (ledger.total.calls, ledger.total.tokens, ledger.total.usd) == (2, 18, 0.5)
        ledger.charge(output_tokens=2)
        with pytest.raises(BudgetSpent):
            await scripted.answer(saying("more"))
    assert len(scripted.requests) == 2


async def test_a_script_is_loaded_from_a_file(tmp_path: Path) -> None:
    lines = tmp_path / "answers.jsonl"
    lines.write_text('"plain"\n\n{"text": "whole", "thinking": "hm"}\n', encoding="utf-8")
    scripted = model(f"scripted:{lines}", abilities={"tools": False})
    assert not scripted.abilities.tools
    assert [(await scripted.answer(saying("x"))).text for _ in range(2)] == ["plain", "whole"]
    program = tmp_path / "answering.py"
    program.write_text("def shout(request):\n    return request.messages[-1].content.upper()\n", encoding="utf-8")
    shouting = model(f"scripted:{program}:shout")
    assert (await shouting.answer(saying("hello"))).text == "HELLO"
    assert shouting.name == f"scripted:{program}:shout"


@pytest.mark.parametrize(
    "where, says",
    [
        ("none.jsonl", "cannot be read: FileNotFoundError"),
        ("bad.jsonl", "line 2: no JSON .* a text stands in quotes"),
        ("odd.jsonl", "line 1: txt: Extra inputs are not permitted"),
        ("none.py:f", "no file '.*none.py'"),
        ("broken.py:f", "running broken.py failed: ZeroDivisionError"),
        ("empty.py:f", "empty.py has no function 'f'"),
    ],
)
def test_a_script_that_is_none_is_told(where: str, says: str, tmp_path: Path) -> None:
    for name, text in {"bad.jsonl": '"a"\nb\n', "odd.jsonl": '{"txt": "a"}', "broken.py": "1 / 0", "empty.py": "f = 3"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=says):
        model(f"scripted:{tmp_path / where}")


async def test_a_scripted_model_travels_to_workers() -> None:
    again = pickle.loads(pickle.dumps(ScriptedModel(["yes"])))
    assert (await again.answer(saying("x"))).text == "yes"
