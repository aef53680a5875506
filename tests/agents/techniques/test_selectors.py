"""Judges and scores, by models whose knowledge is known; and what no selector can see."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pickle
import re
import sys
import types
import typing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from quintain.agents.llm.model import Abilities, Request
from quintain.agents.llm.scripted_model import ScriptedModel
from quintain.agents.techniques.choosing import Candidate, Selector, choose
from quintain.agents.techniques.deciding import ByScore, Judge, Majority, Sampled, selector
from quintain.core import Limits, Meta, TaskView
from quintain.errors import AgentError, BudgetSpent, UsageError
from quintain.ledger import Ledger, opened
from quintain.registry import load
from quintain.spaces import Choose, Observation, Submit

quiz: Any = sys.modules[load(f"{Path(__file__).with_name('quiz_world.py')}:QuizWorld", what="quiz").__module__]

VIEW = TaskView(id="quiz/quiz", goal="Choose the right move.", limits=Limits(), meta=Meta())
SEEN = Observation(text="Right: 2 of 5")
MOVES = [Candidate(Choose(index=index), by=by) for by, index in enumerate((0, 1, 2, 1, 4))]


def knowing_judge(request: Request) -> str:
    """Names the number under which the right move stands."""
    right, _ = quiz.right_of(quiz.asked(request))
    number = re.search(rf'\[(\d+)\] .*"index": {right}', quiz.asked(request))
    return json.dumps({"reason": "it is right", "best": int(number[1]) if number else 1})


def test_the_judge_finds_the_right_one_whatever_the_order() -> None:
    orders = set()

    async def judged(seed: int) -> int:
        model = ScriptedModel(knowing_judge)
        judge = Judge(model)
        judge.reset(VIEW, seed)
        picked = await choose(judge, VIEW, SEEN, MOVES)
        orders.add(tuple(re.findall(r'"index": (\d)', quiz.asked(model.requests[0]))))
        return picked

    assert [asyncio.run(judged(seed)) for seed in range(20)] == [2] * 20
    assert len(orders) > 5
    assert all(sorted(order) == ["0", "1", "2", "4"] for order in orders), "equal moves are shown once"


async def test_the_judge_is_held_to_the_numbers_that_there_are() -> None:
    model = ScriptedModel(knowing_judge)
    await choose(Judge(model), VIEW, SEEN, MOVES)
    schema = model.requests[0].answer_schema
    assert schema is not None
    assert schema["properties"]["best"]["maximum"] == 4 and schema["additionalProperties"] is False  # type: ignore[index,call-overload]


async def test_a_model_without_schemas_is_shown_the_form_and_may_talk_first() -> None:
    model = ScriptedModel(lambda request: "I think {so}: " + knowing_judge(request), abilities=Abilities(answer_schema=False))
    assert await choose(Judge(model), VIEW, SEEN, MOVES) == 2
    assert model.requests[0].answer_schema is None and '"maximum": 4' in quiz.asked(model.requests[0])


async def test_the_judge_is_not_asked_where_all_agree() -> None:
    model = ScriptedModel([])
    assert await choose(Judge(model), VIEW, SEEN, MOVES[1:2] * 3) == 0
    assert model.requests == []


@pytest.mark.parametrize("answer", ["", "two", '{"best": 9}', '{"best": "the second"}', "[1]", '{"best": 1'])
async def test_a_judge_that_cannot_be_read_leaves_the_majority_and_a_note(answer: str) -> None:
    with opened(Ledger()) as ledger:
        assert await choose(Judge(ScriptedModel([answer])), VIEW, SEEN, MOVES) == 1
    assert [note.kind for note in ledger.drain()] == ["model", "judge failed"]


async def test_the_judge_sees_where_attempts_led_and_never_merges_them() -> None:
    attempts = [
        Candidate(Submit(answer="42"), by=by, before=(Choose(index=by),), seen=Observation(text=f"Right: {by} of 2"))
        for by in range(2)
    ]
    model = ScriptedModel(lambda request: '{"best": 1}')
    await choose(Judge(model), VIEW, SEEN, attempts)
    text = quiz.asked(model.requests[0])
    assert "[2]" in text and "Right: 0 of 2" in text and "Right: 1 of 2" in text and '"index": 1' in text


async def test_a_judge_in_episodes_is_charged_apart() -> None:
    model = ScriptedModel(knowing_judge)
    agent = Sampled(lambda: quiz.Knowing(0.4), 4, select="judge", model=model)
    bare = Sampled(lambda: quiz.Knowing(0.4), 4)
    bare_reward = (await quiz.play(bare, questions=40, moves=3)).reward
    episode = await quiz.play(agent, questions=40, moves=3)
    # Right wherever one of four copies is; far more often than the vote.
    assert episode.reward == pytest.approx(1 - 0.6**4, abs=0.15) and episode.reward > bare_reward
    charges = {each.what: each for each in episode.usage.charges}
    assert set(charges) == {"judge"} and charges["judge"].calls == len(model.requests) > 0
    assert charges["judge"].tokens == episode.usage.tokens


async def test_where_the_budget_is_spent_before_the_judge_the_majority_is_done() -> None:
    heard = quiz.Heard()
    agent = Sampled("null", 1, select=Judge(ScriptedModel(knowing_judge)))
    agent.members.agents = [quiz.Paying(0), quiz.Paying(1), quiz.Paying(1)]
    episode = await quiz.play(agent, heard=heard, tokens=6)
    assert episode.steps[0].action == {"kind": "choose", "index": 1}
    assert len(heard.of("selector unheard")) == 1 and episode.outcome == "ok"


async def test_a_judge_travels_and_makes_its_model_again(tmp_path: Path) -> None:
    said = tmp_path / "answers.jsonl"
    said.write_text(json.dumps(json.dumps({"reason": "", "best": 1})))
    judge = Judge(f"scripted:{said}", criteria="Be quick.")
    here, there = await choose(judge, VIEW, SEEN, MOVES), await choose(pickle.loads(pickle.dumps(judge)), VIEW, SEEN, MOVES)
    assert here == there


async def by_index(view: TaskView, observation: Observation, candidate: Candidate) -> float:
    right, _ = quiz.right_of(observation.text)
    assert isinstance(candidate.action, Choose)
    return -abs(candidate.action.index - right)


async def test_a_score_picks_the_best_and_may_be_a_function_of_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await choose(ByScore(by_index), VIEW, SEEN, MOVES) == 2
    monkeypatch.setitem(sys.modules, "scores_of_mine", types.SimpleNamespace(by_index=by_index))
    assert await choose(selector("score", score="scores_of_mine:by_index"), VIEW, SEEN, MOVES) == 2


async def test_scores_of_equal_actions_add_up_to_votes() -> None:
    worth = {0: 1.0, 1: 2.0, 2: 3.0, 4: 0.0}

    def score(view: TaskView, observation: Observation, candidate: Candidate) -> float:
        assert isinstance(candidate.action, Choose)
        return worth[candidate.action.index]

    assert await choose(ByScore(score), VIEW, SEEN, MOVES) == 2
    assert await choose(ByScore(score, votes=True), VIEW, SEEN, MOVES) == 1


async def test_a_model_grades_each_different_action_once() -> None:
    def grade(request: Request) -> str:
        right, _ = quiz.right_of(quiz.asked(request))
        if '"index": 0' in quiz.asked(request):
            return "no grade"
        return json.dumps({"reason": "", "grade": 10 if f'"index": {right}' in quiz.asked(request) else 3})

    with opened(Ledger()) as ledger:
        assert await choose(ByScore(model=ScriptedModel(grade)), VIEW, SEEN, MOVES) == 2
    assert {each.what: each.calls for each in ledger.charges} == {"judge": 4}
    assert [note.data["scores"] for note in ledger.drain() if note.kind == "scores"] == [[0.0, 3, 10, 3, 3]]


async def test_a_score_that_is_no_number_and_a_pick_that_is_none_are_the_agents_failures() -> None:
    with pytest.raises(AgentError, match="must be finite"):
        await choose(ByScore(lambda *_: float("nan")), VIEW, SEEN, MOVES)

    class Wild:
        def select(self, view: TaskView, observation: Observation, candidates: Any) -> int:
            return -1

    with pytest.raises(AgentError, match="Wild: picked -1 of 5"):
        await choose(Wild(), VIEW, SEEN, MOVES)
    with pytest.raises(AgentError, match="2 weights, but an agent 3"):
        await choose(Majority([1, 2]), VIEW, SEEN, MOVES)


async def test_a_spent_budget_passes_through_a_judge() -> None:
    with opened(Ledger(Limits(tokens=1))) as ledger, pytest.raises(BudgetSpent):
        ledger.charge(output_tokens=1)
        await choose(Judge(ScriptedModel(knowing_judge)), VIEW, SEEN, MOVES)


def test_selectors_are_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="either score, a function, or model"):
        ByScore()
    with pytest.raises(UsageError, match="cannot be had"):
        selector("no.such.module:Selector")
    with pytest.raises(UsageError, match="takes no further options"):
        selector(Majority(), weights=[1])
    with pytest.raises(UsageError, match="not negative"):
        Majority([-1])


def fields(annotation: Any, seen: set[Any]) -> set[str]:
    """Names of all fields that are reached from a type."""
    if annotation in seen:
        return set()
    seen.add(annotation)
    found = set().union(*(fields(each, seen) for each in typing.get_args(annotation)), set())
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            own = {name: field.annotation for name, field in annotation.model_fields.items()}
        elif dataclasses.is_dataclass(annotation) or hasattr(annotation, "_fields"):
            own = typing.get_type_hints(annotation)
        else:
            own = {}
        found |= set(own).union(*(fields(each, seen) for each in own.values()))
    return found


def test_nothing_that_a_selector_is_given_has_a_field_for_a_reward() -> None:
    hints = typing.get_type_hints(Selector.select)
    names = set().union(*(fields(hints[given], set()) for given in ("view", "observation", "candidates")))
    assert {"goal", "text", "elements", "answer", "before", "said", "human_minutes"} <= names, "the search goes all the way down"
    assert not {name for name in names if re.search(r"reward|score|passed|evidence|reference|evaluator", name)}
    with pytest.raises(AttributeError):
        MOVES[0].reward  # type: ignore[attr-defined]  # noqa: B018
