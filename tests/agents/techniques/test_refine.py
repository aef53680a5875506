"""Proposals that are criticised before they are done."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.techniques.deciding import Refine
from quintain.errors import BudgetSpent, UsageError
from quintain.registry import load
from quintain.spaces import Choose

quiz: Any = sys.modules[load(f"{Path(__file__).with_name('quiz_world.py')}:QuizWorld", what="quiz").__module__]


@pytest.mark.parametrize("times", [0, 1, 3, 99])
async def test_a_wrong_proposal_is_mended_exactly_when_the_critic_objects(times: int) -> None:
    seed, questions = 1, 12
    bare = await quiz.play(quiz.Heeding(0), questions=questions, moves=3, seed=seed)
    wrong = round((1 - bare.reward) * questions)
    assert wrong > 3
    mended = await quiz.play(Refine(lambda: quiz.Heeding(0), quiz.Teacher(times)), questions=questions, moves=3, seed=seed)
    assert mended.reward == pytest.approx(bare.reward + min(times, wrong) / questions)


async def test_the_agent_is_told_what_it_proposed_and_what_is_wrong_with_it() -> None:
    agent = Refine(lambda: quiz.Heeding(0), quiz.Teacher())
    seed = next(seed for seed in range(99) if quiz.Random(seed).randrange(2) == 1)
    await quiz.play(agent, seed=seed)
    (first, second) = agent.members.agents[0].shown
    assert first.messages == () and first.step == second.step
    assert '"index": 0' in second.messages[-1].text and "choose 1" in second.messages[-1].text
    assert agent.members.agents[0].told == []


class Grumbling:
    """Never satisfied."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def criticise(self, view: Any, observation: Any, action: Any) -> str | None:
        self.heard.append(action)
        return f"choose {len(self.heard)}"


async def test_after_so_many_rounds_the_last_proposal_is_done() -> None:
    critic, heard = Grumbling(), quiz.Heard()
    episode = await quiz.play(Refine(lambda: quiz.Heeding(0), critic, rounds=3), moves=9, heard=heard)
    assert critic.heard == [Choose(index=0), Choose(index=1), Choose(index=2)]
    assert episode.steps[0].action == {"kind": "choose", "index": 3}
    assert [each["critique"] for each in heard.of("critique")] == ["choose 1", "choose 2", "choose 3"]


async def test_a_revision_that_fails_leaves_the_proposal() -> None:
    class Stubborn(quiz.Heeding):  # type: ignore[misc]
        async def act(self, observation: Any) -> Any:
            if observation.messages:
                raise ValueError("I will not")
            return await super().act(observation)

    heard = quiz.Heard()
    episode = await quiz.play(Refine(Stubborn, Grumbling()), heard=heard)
    assert episode.outcome == "ok" and episode.steps[0].action == {"kind": "choose", "index": 0}
    assert "I will not" in heard.of("revision failed")[0]["error"]


async def test_a_spent_budget_ends_the_critique_and_not_the_step() -> None:
    class Costly(Grumbling):
        def criticise(self, view: Any, observation: Any, action: Any) -> str | None:
            raise BudgetSpent("no tokens")

    episode = await quiz.play(Refine(lambda: quiz.Heeding(0), Costly()))
    assert episode.outcome == "ok" and len(episode.steps) == 1


async def test_a_model_criticises_and_is_charged_as_critic() -> None:
    def critic(request: Any) -> str:
        text = request.messages[-1].content
        right, _ = quiz.right_of(text)
        proposed = re.search(r'"index": (\d)', text)
        assert proposed is not None
        return json.dumps({"critique": f"choose {right}", "satisfied": int(proposed[1]) == right})

    model = ScriptedModel(critic)
    episode = await quiz.play(Refine(lambda: quiz.Heeding(0), model=model), questions=12, moves=3)
    assert episode.reward == pytest.approx(1.0)
    wrong = len(model.requests) - 12
    assert wrong > 3
    assert {each.what: each.calls for each in episode.usage.charges} == {"critic": 12 + wrong}


async def test_a_critic_that_cannot_be_read_does_not_object() -> None:
    heard = quiz.Heard()
    episode = await quiz.play(Refine(lambda: quiz.Heeding(0), model=ScriptedModel(["hm"])), heard=heard)
    assert episode.outcome == "ok" and "no JSON" in heard.of("critic failed")[0]["error"]


async def test_proposals_and_revisions_are_charged_apart() -> None:
    episode = await quiz.play(Refine(quiz.Paying, Grumbling(), rounds=2), questions=3, moves=9)
    assert {each.what: each.calls for each in episode.usage.charges} == {"act": 3, "refine": 6}


def test_what_cannot_criticise_is_refused() -> None:
    with pytest.raises(UsageError, match="0 rounds"):
        Refine("null", Grumbling(), rounds=0)
    with pytest.raises(UsageError, match="has no method criticise"):
        Refine("null", object())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="critic 'model' cannot be made"):
        Refine("null")
    with pytest.raises(UsageError, match="no 'module:attribute'"):
        Refine("null", "the-harsh-one")
