"""The conformance suite of agents."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable
from typing import Any

from quintain import lifting
from quintain.core import Agent, Episode, Limits, LoopAgent, Task, Usage
from quintain.lifting import AgentLike
from quintain.making import find_tasks, make_async
from quintain.rollout import rollout

from .nonconformance import Nonconformance, allowed, require


def check_agent(agent: AgentLike, tasks: str | Task | Iterable[str | Task], *, steps: int = 5, repeats: bool = False) -> None:
    """Check that an agent plays: it raises nothing, returns actions, and plays one episode after the other.

    Args:
        agent: anything that `quintain.lifting.build` takes, step agents and loop agents alike.
        tasks: what to play, as for `quintain.evaluate`.
        steps: of each episode at most.
        repeats: the agent promises the same actions for the same seed and observations.

    Raises:
        Nonconformance: the first thing that is wrong.
    """
    name = lifting.label_of(agent)
    with allowed(name):
        asyncio.run(_check(lifting.build(agent), name, find_tasks(tasks), steps=steps, repeats=repeats))


async def _check(agent: Agent | LoopAgent, name: str, tasks: list[Task], *, steps: int, repeats: bool) -> None:
    try:
        for task in tasks:
            limits = task.limits.model_copy(update={"steps": min(steps, task.limits.steps or steps)})
            first, again = await _play_twice(agent, name, task.model_copy(update={"limits": limits}))
            if repeats:
                same = [step.action for step in first.steps] == [step.action for step in again.steps]
                require(same, f"{name}: took other actions the second time on {task.id}, seed 0, though it promises to repeat")
    finally:
        await _close(agent)


async def _play_twice(agent: Agent | LoopAgent, name: str, task: Task) -> list[Episode]:
    episodes = []
    env = make_async(task)
    try:
        for _ in range(2):
            episode = await rollout(env, agent, seed=0, agent_id=name)
            if episode.failure is not None:
                raise Nonconformance(f"{name} on {task.id}: {episode.outcome}: {episode.failure.message}")
            require(task.limits == Limits() or episode.steps, f"{name} on {task.id}: the episode has no step")
            require(isinstance(episode.usage, Usage), f"{name} on {task.id}: usage() must give a Usage")
            episodes.append(episode)
    finally:
        await env.close()
    return episodes


async def _close(agent: Any) -> None:
    if callable(close := getattr(agent, "close", None)):
        result = close()
        if inspect.isawaitable(result):
            await result
