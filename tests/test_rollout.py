"""One episode with agents that behave and agents that do not, in a real world."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from quintain.core import Episode, Limits, StepRecord, Task, Usage
from quintain.environment import Environment
from quintain.errors import InfrastructureError, UsageError
from quintain.faces import AsyncEnv
from quintain.making import load_evaluator
from quintain.registry import load
from quintain.rollout import rollout
from quintain.spaces import Observation, Submit

toy: Any = sys.modules[load(f"{Path(__file__).with_name('toy_world.py')}:CounterWorld", what="toy world").__module__]


async def play(agent: Any, task: Task | None = None, **options: Any) -> Episode:
    task = task or toy.counter_task()
    async with AsyncEnv(Environment(toy.CounterWorld(), task, evaluator=load_evaluator(task))) as env:
        return await rollout(env, agent, seed=options.pop("seed", 0), **options)


class Seen:
    """Records what a rollout says."""

    def __init__(self) -> None:
        self.lines: list[Observation | StepRecord] = []

    def observed(self, observation: Observation) -> None:
        self.lines.append(observation)

    def acted(self, record: StepRecord) -> None:
        self.lines.append(record)


@pytest.mark.parametrize("agent", [toy.UpAgent(), toy.AsyncUpAgent()])
async def test_an_agent_that_solves_the_task_is_ok_and_rewarded(agent: Any) -> None:
    episode = await play(agent, agent_id="up", agent_config={"a": 1})
    assert (episode.outcome, episode.failure, len(episode.steps)) == ("ok", None, 3)
    assert episode.reward == pytest.approx(1.0)
    assert episode.agent == "up" and episode.agent_config == {"a": 1}
    assert set(episode.versions) == {"quintain", "counter"}
    assert Episode.model_validate_json(episode.model_dump_json()) == episode


async def test_what_is_recorded_is_what_happened() -> None:
    seen = Seen()
    episode = await play(toy.UpAgent(), recorder=seen)
    observations = [line for line in seen.lines if isinstance(line, Observation)]
    records = [line for line in seen.lines if isinstance(line, StepRecord)]
    assert [observation.text for observation in observations] == ["0", "1", "2", "3"]
    assert tuple(records) == episode.steps
    assert all(record.agent_s > 0 and record.environment_s > 0 for record in records)


async def test_seconds_are_split_between_agent_and_environment() -> None:
    class SlowAgent(toy.Agent):
        async def act(self, observation: Observation) -> Any:
            await asyncio.sleep(0.02)
            return await super_act(self, observation)

    async def super_act(agent: Any, observation: Observation) -> Any:
        return toy.Agent.act(agent, observation)

    task = toy.counter_task()
    async with AsyncEnv(Environment(toy.CounterWorld(delay=0.05), task, evaluator=load_evaluator(task))) as env:
        phases: list[str] = []
        episode = await rollout(env, SlowAgent(), seed=0, entering=phases.append)
    assert 0.06 <= episode.usage.agent_s < episode.usage.environment_s
    assert episode.usage.environment_s >= 0.15
    assert sum(step.agent_s for step in episode.steps) <= episode.usage.agent_s
    assert phases == ["setup", "agent", *["agent", "environment"] * 3]


async def test_an_agent_says_what_it_used_and_otherwise_it_is_unknown() -> None:
    assert (await play(toy.AsyncUpAgent())).usage.tokens == 7
    assert (await play(toy.UpAgent())).usage.tokens is None


@pytest.mark.parametrize(
    ("how", "outcome", "owner", "said"),
    [
        ("raise", "agent_error", "agent", "act, step 1: ValueError: I do not know what to do"),
        ("exit", "agent_error", "agent", "SystemExit: 3"),
        ("nonsense", "agent_error", "agent", "returned float 3.5 instead of an action"),
        ("nothing", "agent_error", "agent", "returned NoneType None instead of an action"),
        ("blame", "agent_error", "agent", "EnvironmentFault: it was the world"),
        ("offline", "env_error", "infrastructure", "the model cannot be reached"),
    ],
)
async def test_whose_failure_it_is(how: str, outcome: str, owner: str, said: str) -> None:
    episode = await play(toy.MisbehavingAgent(how))
    assert episode.failure is not None
    assert (episode.outcome, episode.failure.owner) == (outcome, owner)
    assert said in episode.failure.message and "\n" not in episode.failure.message
    assert len(episode.steps) == 1
    if owner == "agent":
        assert episode.evidence is not None and episode.evidence.values["number"] == 1


async def test_an_asynchronous_agent_is_stopped_when_its_time_is_up() -> None:
    episode = await play(toy.MisbehavingAgent("await"), toy.counter_task(seconds=0.2))
    assert episode.failure is not None
    assert (episode.outcome, episode.failure.owner) == ("timeout", "agent")
    assert episode.evidence is not None and episode.evidence.values["number"] == 1


async def test_a_timeout_of_the_agents_own_is_an_error_of_the_agent() -> None:
    class Impatient(toy.Agent):
        async def act(self, observation: Observation) -> Any:
            raise TimeoutError("my model did not answer")

    episode = await play(Impatient(), toy.counter_task(seconds=5))
    assert episode.outcome == "agent_error"


async def test_an_agent_that_fails_at_reset_leaves_evidence() -> None:
    class Broken(toy.Agent):
        def reset(self, task: Any, seed: int) -> None:
            raise KeyError("no such task")

    episode = await play(Broken())
    assert episode.outcome == "agent_error" and episode.steps == ()
    assert episode.evidence is not None and episode.evidence.values["number"] == 0


@pytest.mark.parametrize("usage", [lambda: 7, lambda: 1 / 0])
async def test_wrong_accounting_is_told_and_keeps_the_evidence(usage: Any) -> None:
    agent = toy.UpAgent()
    agent.usage = usage
    episode = await play(agent)
    assert episode.outcome == "agent_error" and episode.failure is not None and "usage" in episode.failure.message
    assert episode.evidence is not None and episode.evidence.done


@pytest.mark.parametrize(
    ("move", "message"), [("BREAK", "the counter broke"), ("RAISE", "choose: ZeroDivisionError: the counter divided by zero")]
)
async def test_a_world_that_breaks_is_no_fault_of_the_agent(move: str, message: str) -> None:
    episode = await play(toy.MovesAgent([0, getattr(toy, move)]))
    assert episode.failure is not None
    assert (episode.outcome, episode.failure.owner) == ("env_error", "environment")
    assert message in episode.failure.message
    assert not episode.scorable


async def test_an_evaluator_that_raises_at_the_end_leaves_an_episode_that_can_be_scored_later() -> None:
    episode = await play(toy.MovesAgent([0]), toy.counter_task(evaluator={"raises": True}, when="end"))
    assert episode.failure is not None
    assert (episode.outcome, episode.failure.owner) == ("ok", "evaluator")
    assert episode.scorable and episode.evidence is not None and len(episode.steps) == 2


async def test_a_limit_on_tokens_ends_the_episode_with_its_score() -> None:
    class Metered(toy.Agent):
        def reset(self, task: Any, seed: int) -> None:
            self.left: list[int | None] = []

        def act(self, observation: Observation) -> Any:
            self.left.append(observation.budget.tokens)
            return super().act(observation)

        def usage(self) -> Usage:
            return Usage(tokens=10 * len(self.left))

    agent = Metered()
    task = toy.counter_task(target=5).model_copy(update={"limits": Limits(tokens=20)})
    episode = await play(agent, task)
    assert agent.left == [20, 10]
    assert episode.outcome == "ok" and episode.steps[-1].truncated
    assert episode.reward == pytest.approx(0.4)


async def test_an_action_that_cannot_be_stored_is_told_to_the_agent() -> None:
    episode = await play(toy.MisbehavingAgent("surrogate"), toy.counter_task(steps=2))
    assert episode.outcome == "ok" and episode.steps[-1].error
    assert Episode.model_validate_json(episode.model_dump_json()) == episode


async def test_a_recorder_that_fails_stops_everything() -> None:
    class Full(Seen):
        def acted(self, record: StepRecord) -> None:
            raise InfrastructureError("the disk is full")

    with pytest.raises(InfrastructureError, match="the disk is full"):
        await play(toy.UpAgent(), recorder=Full())


async def test_a_closed_environment_is_the_callers_mistake() -> None:
    task = toy.counter_task()
    env = AsyncEnv(Environment(toy.CounterWorld(), task, evaluator=load_evaluator(task)))
    await env.close()
    with pytest.raises(UsageError, match="closed"):
        await rollout(env, toy.UpAgent(), seed=0)


async def test_cancellation_passes() -> None:
    work = asyncio.create_task(play(toy.MisbehavingAgent("await")))
    await asyncio.sleep(0.1)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_an_answer_and_giving_up_are_kept() -> None:
    class Answering(toy.Agent):
        def act(self, observation: Observation) -> Any:
            return Submit(answer="42")

    assert (await play(Answering())).answer == "42"
    assert (await play(toy.GiveUpAgent())).infeasible == "why not"
