"""Techniques around the language-model agent, with scripted models."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.agent import LanguageAgent
from quintain.agents.llm.model import Request
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.techniques.deciding import Layers, Refine, Sampled
from quintain.registry import load

quiz: Any = sys.modules[load(f"{Path(__file__).with_name('quiz_world.py')}:QuizWorld", what="quiz").__module__]


def move(index: int) -> str:
    return json.dumps({"action": {"kind": "choose", "index": index}})


async def test_votes_of_the_language_agent_are_charged_seeded_and_remembered() -> None:
    votes = [1, 0, 1, 1, 0, 1]
    model = ScriptedModel(map(move, votes))
    agent, heard = Sampled(lambda: LanguageAgent(model, preset="full", actions="schema"), 3), quiz.Heard()
    episode = await quiz.play(agent, questions=2, heard=heard)
    assert [step.action for step in episode.steps] == [{"kind": "choose", "index": 1}] * 2
    assert {each.what: each.calls for each in episode.usage.charges} == {"sample": 6}
    assert len({request.seed for request in model.requests}) == 6
    assert [each["picked"] for each in heard.of("choice")] == [0, 0]
    for request in model.requests[3:]:
        done = [str(each.content) for each in request.messages if each.role == "assistant"]
        assert len(done) == 1 and '"index": 1' in done[0], "the outvoted copy remembers what was done"


async def test_a_critique_is_read_by_the_language_agent() -> None:
    def script(request: Request) -> str:
        last = quiz.asked(request)
        right, _ = quiz.right_of(last)
        return move(right if f"choose {right}" in last else (right + 1) % 3)

    model = ScriptedModel(script)
    agent = Refine(lambda: LanguageAgent(model, preset="full", actions="schema"), quiz.Teacher())
    episode = await quiz.play(agent, questions=4, moves=3)
    assert episode.reward == pytest.approx(1.0)
    assert {each.what: each.calls for each in episode.usage.charges} == {"act": 4, "refine": 4}
    # The proposals that were not done are gone from the history.
    assert [sum(each.role == "assistant" for each in request.messages) for request in model.requests] == [0, 0, 1, 1, 2, 2, 3, 3]


async def test_a_generator_of_a_model_is_the_language_agent() -> None:
    proposals = iter([0, 1, 2, 2, 1, 0])
    model = ScriptedModel(lambda request: json.dumps({"thought": "hm", **json.loads(move(next(proposals)))}))
    ranker = ScriptedModel(quiz.knowing)
    layers = [
        [{"type": "generator", "model": model, "samples": 3, "temperature": 0.9, "max_tokens": 99}],
        [{"type": "ranker", "model": ranker, "top_k": 1}],
    ]
    episode = await quiz.play(Layers(layers), questions=2, moves=3)
    assert episode.outcome == "ok", episode.failure
    assert {each.what: each.calls for each in episode.usage.charges} == {"sample": 6, "judge": 2}
    assert {(request.temperature, request.max_tokens) for request in model.requests} == {(0.9, 99)}
