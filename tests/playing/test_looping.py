"""Agents that own their loop: each act is a step like any other."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import toy_world as toy
from toy_loops import UP, Lines, climb, climb_in_a_thread, played

from quintain import ledger
from quintain.core import Episode, Limits, LoopAgent, StepRecord, Usage
from quintain.environment import Environment
from quintain.errors import BudgetSpent, EnvironmentFault, InfrastructureError
from quintain.faces import AsyncEnv
from quintain.making import load_evaluator
from quintain.rollout import rollout
from quintain.spaces import Choose, Observation
from quintain.testing import check_agent

BREAK = Choose(index=toy.BREAK)


@pytest.mark.parametrize("play", [climb, climb_in_a_thread])
async def test_each_act_is_a_step_as_of_a_step_agent(play: Any) -> None:
    lines, phases, expected = Lines(), list[str](), Lines()
    episode = await played(play, recorder=lines, entering=phases.append)
    task = toy.counter_task()
    async with AsyncEnv(Environment(toy.CounterWorld(), task, evaluator=load_evaluator(task))) as env:
        same = await rollout(env, toy.UpAgent(), seed=0, recorder=expected)

    def timeless(episode: Episode) -> Any:
        steps = [step.model_copy(update={"agent_s": 0, "environment_s": 0}) for step in episode.steps]
        return episode.model_dump(exclude={"id", "steps", "usage", "started_at"}), steps

    assert timeless(episode) == timeless(same) and episode.reward == pytest.approx(1.0)
    assert [type(line) for line in lines.lines] == [type(line) for line in expected.lines]
    assert lines.lines[1::2] == list(episode.steps)
    assert phases == ["setup", "agent", "agent", *["environment", "agent"] * 3]
    assert all(step.agent_s > 0 for step in episode.steps)


@pytest.mark.parametrize("sync", [False, True])
async def test_what_play_returns_is_submitted_and_nothing_too(sync: bool) -> None:
    def returning(answer: Any) -> Any:
        def play(episode: Any) -> Any:
            return answer

        async def play_async(episode: Any) -> Any:
            await episode.act(UP)
            return answer

        return play if sync else play_async

    task = toy.counter_task(when="end")
    episode = await played(returning("42"), task)
    assert (episode.answer, episode.outcome, episode.steps[-1].terminated) == ("42", "ok", True)
    episode = await played(returning(None), task)
    assert (episode.answer, episode.outcome) == ("", "ok") and episode.evidence is not None
    episode = await played(returning(7), task)
    assert episode.outcome == "agent_error" and "play returned int 7 instead of" in episode.failure.message  # type: ignore[union-attr]


async def test_a_text_after_the_end_is_not_submitted_again() -> None:
    async def play(episode: Any) -> str:
        await episode.submit("first")
        assert episode.over
        return "second"

    episode = await played(play)
    assert episode.answer == "first" and len(episode.steps) == 1


async def test_a_further_act_is_told_that_it_is_over_and_may_let_that_pass() -> None:
    async def blind(episode: Any) -> None:
        while True:
            await episode.act(UP)

    def blind_in_a_thread(episode: Any) -> None:
        while True:
            episode.act(UP)

    async def several(episode: Any) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(blind(episode))

    for play in (blind, blind_in_a_thread, several):
        episode = await played(play)
        assert (episode.outcome, len(episode.steps), episode.reward) == ("ok", 3, pytest.approx(1.0))


async def test_acts_at_once_are_done_one_after_the_other() -> None:
    async def play(episode: Any) -> None:
        await asyncio.gather(*(episode.act(UP) for _ in range(3)))

    episode = await played(play, toy.counter_task(target=5), delay=0.01)
    assert len(episode.steps) == 4 and episode.evidence.values["number"] == 3  # type: ignore[union-attr]


async def test_a_malformed_action_is_told_and_something_that_is_none_is_the_agents_failure() -> None:
    said: list[str | None] = []

    async def play(episode: Any) -> None:
        said.append((await episode.act("sideways")).error)
        said.append((await episode.act({"kind": "goto", "url": "x"})).error)
        await episode.act(3.5)

    episode = await played(play)
    assert "no move" in str(said[0]) and "no action of this environment" in str(said[1])
    assert episode.outcome == "agent_error" and "returned float 3.5" in episode.failure.message  # type: ignore[union-attr]
    assert len(episode.steps) == 2 and episode.evidence is not None


@pytest.mark.parametrize(
    ("error", "outcome", "owner"),
    [
        (ValueError("no idea"), "agent_error", "agent"),
        (SystemExit(3), "agent_error", "agent"),
        (EnvironmentFault("it was the world"), "agent_error", "agent"),
        (asyncio.CancelledError(), "agent_error", "agent"),
        (InfrastructureError("no model"), "env_error", "infrastructure"),
        (ExceptionGroup("both", [InfrastructureError("no model"), BudgetSpent("spent")]), "env_error", "infrastructure"),
        (ExceptionGroup("both", [InfrastructureError("no model"), ValueError("mine")]), "agent_error", "agent"),
    ],
)
@pytest.mark.parametrize("sync", [False, True])
async def test_whose_failure_it_is(error: BaseException, outcome: str, owner: str, sync: bool) -> None:
    async def play(episode: Any) -> None:
        await episode.act(UP)
        raise error

    def play_in_a_thread(episode: Any) -> None:
        episode.act(UP)
        raise error

    episode = await played(play_in_a_thread if sync else play, toy.counter_task(when="end"))
    assert episode.failure is not None
    assert (episode.outcome, episode.failure.owner) == (outcome, owner)
    assert "\n" not in episode.failure.message and len(episode.steps) == 1
    assert (episode.evidence is not None) == (owner == "agent")


@pytest.mark.parametrize("sync", [False, True])
async def test_a_world_that_breaks_is_its_own_fault_whatever_the_agent_makes_of_it(sync: bool) -> None:
    async def hide(episode: Any) -> str:
        try:
            await episode.act(BREAK)
        except Exception:
            assert episode.over
        return "all is well"

    def wrap(episode: Any) -> None:
        try:
            episode.act(BREAK)
        except Exception as error:
            raise ValueError("mine") from error

    episode = await played(wrap if sync else hide)
    assert episode.failure is not None
    assert (episode.outcome, episode.failure.owner, episode.answer) == ("env_error", "environment", None)
    assert "the counter broke" in episode.failure.message


async def test_a_recorder_that_fails_stops_everything_whatever_the_agent_makes_of_it() -> None:
    class Full(Lines):
        def acted(self, record: StepRecord) -> None:
            raise InfrastructureError("the disk is full")

    async def play(episode: Any) -> None:
        try:
            await episode.act(UP)
        except Exception:
            return

    with pytest.raises(InfrastructureError, match="the disk is full"):
        await played(play, recorder=Full())


@pytest.mark.parametrize("sync", [False, True])
async def test_what_a_loop_spends_and_notes_is_its_episodes(sync: bool) -> None:
    def spend(episode: Any) -> None:
        with ledger.purpose("thinking"):
            ledger.current().charge(calls=1, input_tokens=6, output_tokens=4, usd=None)
        ledger.current().note("thought", step=episode.observation.step)

    async def play(episode: Any) -> None:
        while not episode.over:
            spend(episode)
            await episode.act(UP)

    def play_in_a_thread(episode: Any) -> None:
        while not episode.over:
            spend(episode)
            episode.act(UP)

    lines = Lines()
    task = toy.counter_task(target=9).model_copy(update={"limits": Limits(tokens=30)})
    episode = await played(play_in_a_thread if sync else play, task, recorder=lines)
    assert episode.outcome == "ok" and episode.steps[-1].truncated and len(episode.steps) == 3
    assert (episode.usage.tokens, episode.usage.usd) == (30, None)
    assert [(each.what, each.calls) for each in episode.usage.charges] == [("thinking", 3)]
    kinds = "".join(type(line).__name__[0] for line in lines.lines)
    assert kinds == "ONSONSONSO"
    assert [line.budget.tokens for line in lines.lines if isinstance(line, Observation)] == [30, 20, 10, 0]


async def test_a_spent_budget_that_leaves_play_truncates() -> None:
    async def play(episode: Any) -> None:
        await episode.act(UP)
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(3600))
            group.create_task(spent())

    async def spent() -> None:
        raise BudgetSpent("no tokens are left")

    episode = await played(play, toy.counter_task(target=4, when="end"))
    assert (episode.outcome, episode.failure) == ("ok", None)
    assert [step.truncated for step in episode.steps] == [False, True]
    assert episode.steps[-1].action is None and episode.steps[-1].error == "no tokens are left"
    assert episode.reward == pytest.approx(0.25)


async def test_reset_finish_and_usage_are_called_where_they_are() -> None:
    class Whole:
        def __init__(self) -> None:
            self.heard: list[Any] = []

        async def reset(self, task: Any, seed: int) -> None:
            self.heard.append((task.id, seed))

        async def play(self, episode: Any) -> None:
            assert (episode.seed, episode.view.goal) == (5, "Count to 3")
            await climb(episode)

        async def finish(self, observation: Observation) -> None:
            self.heard.append(observation.text)

        def usage(self) -> Usage:
            return Usage(tokens=3)

    agent, task = Whole(), toy.counter_task()
    assert isinstance(agent, LoopAgent)
    async with AsyncEnv(Environment(toy.CounterWorld(), task, evaluator=load_evaluator(task))) as env:
        episode = await rollout(env, agent, seed=5)
    assert agent.heard == [("toy/count", 5), "3"]
    assert episode.usage.tokens == 3


async def test_a_plain_function_that_returns_a_coroutine_is_told_what_to_do() -> None:
    def play(episode: Any) -> Any:
        return climb(episode)

    episode = await played(play)
    assert episode.failure is not None and "make it a coroutine function" in episode.failure.message


async def test_an_agent_without_any_method_is_the_agents_failure() -> None:
    task = toy.counter_task()
    async with AsyncEnv(Environment(toy.CounterWorld(), task, evaluator=load_evaluator(task))) as env:
        episode = await rollout(env, object(), seed=0)  # type: ignore[arg-type]
    assert episode.outcome == "agent_error"


def test_the_conformance_suite_takes_loop_agents() -> None:
    class Climber:
        def play(self, episode: Any) -> None:
            climb_in_a_thread(episode)

    check_agent(Climber, toy.counter_task(), repeats=True)
    check_agent(climb_the_hill, toy.counter_task(), repeats=True)
    began = time.monotonic()
    with pytest.raises(AssertionError, match="timeout: agent: play"):
        check_agent(sleep_in_a_thread, toy.counter_task(seconds=0.2))
    assert time.monotonic() - began < 30


async def climb_the_hill(episode: Any) -> None:
    await climb(episode)


def sleep_in_a_thread(episode: Any) -> None:
    time.sleep(40)
