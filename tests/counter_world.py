"""A world without parts that could break: a counter, which breaks when it is asked to, and survives that."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from quintain.core import Capabilities, Episode, EvaluatorSpec, Evidence, Limits, Probe, Score, Task, WorldTask
from quintain.errors import EnvironmentFault
from quintain.spaces import Action, Choose, Message, Modality, Observation, Window

HERE = str(Path(__file__).resolve())
UP, DOWN, BREAK = 0, 1, 7


class Setup(BaseModel):
    model_config = ConfigDict(extra="forbid")
    target: int | None = None
    """None lets the seed choose."""
    padding: int = 0
    """Characters that the text is longer."""
    stuck_resets: tuple[int, ...] = ()
    """Resets that fail, counted from 0."""


class CounterWorld:
    """Shows a number; `choose` 0 adds one, 1 takes one away, 7 breaks the world until its next reset."""

    Setup: ClassVar[type[BaseModel]] = Setup
    action_kinds = frozenset({"choose", "noop", "wait"})
    default_observe: tuple[Modality, ...] = ("text",)
    versions: ClassVar[dict[str, str]] = {"counter": "1"}
    capabilities = Capabilities(modalities=("text", "screenshot", "windows"), replay=True, copies=True)

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay, self.resets, self.closed = delay, 0, 0
        self.number, self.target, self.padding = 0, 1, 0
        self.observe: tuple[Modality, ...] = ()

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        setup = Setup.model_validate(task.setup)
        self.resets += 1
        if self.resets - 1 in setup.stuck_resets:
            raise EnvironmentFault("the counter is stuck")
        self.number, self.padding, self.observe = 0, setup.padding, tuple(observe)
        self.target = Random(seed).randrange(2, 9) if setup.target is None else setup.target
        return self._look()

    async def act(self, action: Action) -> Observation:
        await asyncio.sleep(self.delay)
        match action:
            case Choose(index=0 | 1 as move):
                self.number += 1 if move == UP else -1
            case Choose(index=7):
                raise OSError("the counter\nbroke")
            case Choose(index=index):
                return self._look(f"there is no move {index}; choose 0 or 1")
        return self._look()

    async def collect(self, probe: Probe) -> Evidence:
        return Evidence(values={"number": self.number, "target": self.target}, done=self.number == self.target)

    def parse(self, text: str) -> list[Action]:
        moves = re.findall("up|down", text)
        if not moves:
            raise ValueError(f"no move in {text[:40]!r}; say up or down")
        return [Choose(index=UP if move == "up" else DOWN) for move in moves]

    async def close(self) -> None:
        self.closed += 1

    def _look(self, error: str | None = None) -> Observation:
        return Observation(
            goal=f"Count to {self.target}",
            goal_fields={"target": str(self.target)},
            text=str(self.number) + "." * self.padding,
            screenshot=np.full((4, 6, 3), self.number % 256, np.uint8) if "screenshot" in self.observe else None,
            windows=(Window(title="counter", active=True),) if "windows" in self.observe else (),
            messages=(Message(role="system", text=f"at {self.number}"),) if error is None else (),
            error=error,
        )


class Reached:
    """How much of the way was gone, in [0, 1]; 0 without evidence."""

    version = "1"

    def score(self, task: Task, episode: Episode) -> Score:
        values: dict[str, Any] = episode.evidence.values if episode.evidence else {}
        if "number" not in values:
            return Score(value=0.0, passed=False, reason="no evidence", evaluator="reached", version="1")
        part = min(1.0, max(0.0, values["number"] / values["target"]))
        return Score(value=part, passed=part == 1.0, parts={"way": part}, evaluator="reached", version="1")


def counter_task(name: str = "toy/count", **fields: Any) -> Task:
    """A task of the counter; `limits`, `when` and `goal` apart, keyword arguments are its set-up."""
    when = fields.pop("when", "step")
    limits, goal = fields.pop("limits", Limits(steps=20)), fields.pop("goal", "")
    spec = EvaluatorSpec(id=f"{HERE}:Reached", when=when)
    setup = Setup(**fields).model_dump(mode="json")
    return Task(id=name, env=f"{HERE}:CounterWorld", goal=goal, setup=setup, evaluator=spec, limits=limits)


def make_counter() -> Any:
    """An environment of the default task, for vector environments that want a function of no argument."""
    import quintain

    return quintain.make(counter_task())


def make_padded_counter() -> Any:
    import quintain

    return quintain.make(counter_task(padding=5_000_000))
