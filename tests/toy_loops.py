"""Agents that own their loop, on the toy counter, and a recorder that keeps what it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import toy_world as toy

from quintain.core import Episode, StepRecord, Task
from quintain.environment import Environment
from quintain.faces import AsyncEnv
from quintain.ledger import Note
from quintain.making import load_evaluator
from quintain.rollout import rollout
from quintain.spaces import Choose, Observation

UP = Choose(index=toy.UP)


class Loop:
    """An agent whose `play` is a function."""

    def __init__(self, play: Callable[[Any], Any]) -> None:
        self.play = play


class Lines:
    """A recorder that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[Any] = []

    def observed(self, observation: Observation) -> None:
        self.lines.append(observation)

    def noted(self, note: Note) -> None:
        self.lines.append(note)

    def acted(self, record: StepRecord) -> None:
        self.lines.append(record)


async def played(play: Callable[[Any], Any], task: Task | None = None, *, delay: float = 0.0, **options: Any) -> Episode:
    task = task or toy.counter_task()
    world = toy.CounterWorld(delay=delay)
    async with AsyncEnv(Environment(world, task, evaluator=load_evaluator(task))) as env:
        return await rollout(env, Loop(play), seed=options.pop("seed", 0), **options)


async def climb(episode: Any) -> None:
    while not episode.over:
        await episode.act(UP)


def climb_in_a_thread(episode: Any) -> None:
    while not episode.over:
        episode.act(UP)
