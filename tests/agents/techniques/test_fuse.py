"""Proposals merged by a model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.techniques.deciding import Fuse
from quintain.errors import UsageError
from quintain.registry import load
from quintain.spaces import Choose

quiz: Any = sys.modules[load(f"{Path(__file__).with_name('quiz_world.py')}:QuizWorld", what="quiz").__module__]


def fused(*agents: Any, answers: Any) -> tuple[Fuse, ScriptedModel]:
    model = ScriptedModel(answers)
    made = Fuse(["null"] * len(agents), model)
    made.members.agents = list(agents)
    return made, model


def chosen(index: int) -> str:
    return json.dumps({"thought": "both were wrong", "action": {"kind": "choose", "index": index}})


async def test_the_merged_action_is_done_and_all_who_proposed_another_are_told() -> None:
    agents = [quiz.Fixed(0), quiz.Fixed(1), quiz.Fixed(2)]
    agent, model = fused(*agents, answers=[chosen(2), chosen(4)])
    heard = quiz.Heard()
    episode = await quiz.play(agent, questions=2, moves=5, heard=heard)
    assert [step.action["index"] for step in episode.steps] == [2, 4]  # type: ignore[index,call-overload]
    assert [each.told for each in agents] == [[Choose(index=2), Choose(index=4)]] * 2 + [[Choose(index=4)]]
    assert {each.what: each.calls for each in episode.usage.charges} == {"fuse": 2}
    text = str(model.requests[0].messages[-1].content)
    assert all(f"move {index}" in text and f'"index": {index}' in text for index in range(3)), "proposals and what was said"
    assert heard.of("choice")[0]["candidates"][3] == {
        "by": -1,
        "action": {"kind": "choose", "index": 2},
        "said": "both were wrong",
    }


async def test_the_fuser_is_held_to_the_kinds_that_the_task_takes() -> None:
    agent, model = fused(quiz.Fixed(0), quiz.Fixed(1), answers=[chosen(1)])
    await quiz.play(agent)
    schema = model.requests[0].answer_schema
    assert schema is not None
    kinds = {each["properties"]["kind"]["const"] for each in schema["properties"]["action"]["anyOf"]}  # type: ignore[index,call-overload,union-attr]
    assert kinds == {"choose", "message", "submit", "infeasible"}


@pytest.mark.parametrize(
    "answer", ["neither", '{"action": {"kind": "choose", "index": -3}}', '{"action": {"kind": "bash", "command": "ls"}}']
)
async def test_an_answer_that_is_no_action_of_the_task_leaves_the_first_proposal(answer: str) -> None:
    agent, _ = fused(quiz.Fixed(1), quiz.Fixed(0), answers=[answer])
    heard = quiz.Heard()
    episode = await quiz.play(agent, heard=heard)
    assert episode.steps[0].action == {"kind": "choose", "index": 1}
    assert len(heard.of("fuser failed")) == 1


async def test_where_all_agree_nothing_is_asked() -> None:
    agent, model = fused(quiz.Fixed(1), quiz.Fixed(1), answers=[])
    assert (await quiz.play(agent)).outcome == "ok"
    assert model.requests == []


async def test_a_spent_budget_leaves_the_first_proposal() -> None:
    agent, model = fused(quiz.Paying(1), quiz.Paying(0), answers=[chosen(0)])
    episode = await quiz.play(agent, tokens=4)
    assert episode.outcome == "ok" and episode.steps[0].action == {"kind": "choose", "index": 1}
    assert model.requests == []


def test_what_cannot_be_fused_is_refused() -> None:
    model = ScriptedModel([])
    with pytest.raises(UsageError, match="must be a list of agents, got 'null'"):
        Fuse("null", model)
    with pytest.raises(UsageError, match="must be a list of agents"):
        Fuse([], model)
    with pytest.raises(UsageError, match="unexpected keyword argument 'loudness'"):
        Fuse(["null"], model, loudness=3)
