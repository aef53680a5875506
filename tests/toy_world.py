"""A world, an evaluator and agents that are done in no time: a counter that must reach a number.

They are named by file in tasks and runs: ``Task(env=f"{TOY}:CounterWorld", evaluator=EvaluatorSpec(id=f"{TOY}:Counted"))``.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from quintain.core import Capabilities, Episode, EvaluatorSpec, Evidence, Limits, Probe, Score, Task, TaskView, Usage, WorldTask
from quintain.errors import EnvironmentFault, InfrastructureError, Unavailable
from quintain.spaces import Action, Choose, Infeasible, Modality, Observation, Submit

TOY = str(Path(__file__).resolve())
UP, DOWN, BREAK, DIE, HANG, RAISE, SPAWN = range(7)
"""Moves of `choose`: two that count, and five that show how a world fails."""


class CounterSetup(BaseModel):
    """`target` must be reached; 0 lets the seed choose one from 1 to 5."""

    model_config = ConfigDict(extra="forbid")
    target: int = 3
    breaks: int = 0
    """So many resets fail first, counted over all processes in the file `broken`."""
    broken: str = ""
    marker: str = ""
    """A file that gets a line for every reset: the process id, the task and the seed."""
    unavailable: bool = False


class CounterWorld:
    """Shows a number as text; `choose` 0 adds one, 1 takes one away."""

    Setup: ClassVar[type[BaseModel]] = CounterSetup
    action_kinds = frozenset({"choose", "noop"})
    default_observe: tuple[Modality, ...] = ("text",)
    versions: ClassVar[dict[str, str]] = {"counter": "1"}
    capabilities = Capabilities(modalities=("text", "screenshot"), replay=True, copies=True)

    def __init__(self, *, delay: float = 0.0) -> None:
        self.delay = delay
        self.number = self.target = 0
        self.observe: tuple[Modality, ...] = ()
        self.broken = self.closed = False

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        assert not self.broken and not self.closed, "a world that broke was used again"
        setup = CounterSetup.model_validate(task.setup)
        if setup.marker:
            with Path(setup.marker).open("a") as file:
                file.write(f"{os.getpid()} {task.id} {seed}\n")
        if setup.unavailable:
            raise Unavailable("the counter needs beads; run `quintain setup beads`")
        if setup.breaks and self._broken_before(setup) < setup.breaks:
            self.broken = True
            raise EnvironmentFault(f"{task.id}: the counter is jammed")
        self.number, self.observe = 0, tuple(observe)
        self.target = setup.target or random.Random(seed).randint(1, 5)
        return self._look()

    async def act(self, action: Action) -> Observation:
        if self.delay:
            await asyncio.sleep(self.delay)
        match action:
            case Choose(index=0):
                self.number += 1
            case Choose(index=1):
                self.number -= 1
            case Choose(index=index) if index <= SPAWN:
                self._fail(index)
            case Choose(index=index):
                return self._look(error=f"there is no move {index}; choose 0 or 1")
        return self._look()

    async def collect(self, probe: Probe) -> Evidence:
        return Evidence(values={"number": self.number, "target": self.target}, done=self.number == self.target)

    def parse(self, text: str) -> list[Action]:
        words = {"up": UP, "down": DOWN}
        if text not in words:
            raise ValueError(f"{text!r} is no move; say up or down")
        return [Choose(index=words[text])]

    async def close(self) -> None:
        self.closed = True

    def _look(self, error: str | None = None) -> Observation:
        seen = Observation(goal=f"Count to {self.target}", text=str(self.number), error=error)
        if "screenshot" in self.observe:
            picture = np.full((4, 4, 3), self.number % 256, np.uint8)
            seen = seen.model_copy(update={"screenshot": picture})
        return seen

    def _broken_before(self, setup: CounterSetup) -> int:
        with Path(setup.broken).open("a+") as file:
            file.seek(0)
            before = len(file.read())
            file.write("x")
        return before

    def _fail(self, how: int) -> None:
        if how == BREAK:
            self.broken = True
            raise EnvironmentFault("the counter broke")
        if how == DIE:
            os._exit(9)
        if how == HANG:
            time.sleep(3600)
        if how == RAISE:
            self.broken = True
            raise ZeroDivisionError("the counter divided by zero")
        if how == SPAWN:
            # In a session of its own, like a browser: the death of this process alone does not reach it.
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)


class Counted:
    """1 for the target, less for each number that is missing; `raises` and `version` can be set by a task."""

    def __init__(self, *, raises: bool = False, version: str = "1") -> None:
        self.raises, self.version = raises, version

    def score(self, task: Task, episode: Episode) -> Score:
        if self.raises:
            raise RuntimeError("the evaluator is wrong")
        assert episode.evidence is not None
        number, target = (int(str(episode.evidence.values[name])) for name in ("number", "target"))
        value = max(0.0, 1 - abs(target - number) / max(1, abs(target)))
        return Score(value=value, passed=value == 1.0, parts={"number": float(number)}, reason=f"{number} of {target}")


def counter_task(name: str = "toy/count", *, evaluator: Mapping[str, Any] | None = None, **setup: Any) -> Task:
    """A task of the counter; keyword arguments are its set-up."""
    limits = Limits(steps=setup.pop("steps", 10), seconds=setup.pop("seconds", None))
    spec = EvaluatorSpec(id=f"{TOY}:Counted", options=dict(evaluator or {}), when=setup.pop("when", "step"))
    return Task(id=name, env=f"{TOY}:CounterWorld", setup=setup, evaluator=spec, limits=limits)


class Agent:
    """Counts up: the oracle of this world."""

    def reset(self, task: TaskView, seed: int) -> None:
        self.seed = seed

    def act(self, observation: Observation) -> Action | Any:
        return Choose(index=UP)


class UpAgent(Agent):
    """Counts up, which solves every task with a positive target."""


class GiveUpAgent(Agent):
    def act(self, observation: Observation) -> Action:
        return Infeasible(reason="why not")


class AsyncUpAgent(Agent):
    async def reset(self, task: TaskView, seed: int) -> None:  # type: ignore[override]
        self.lock = asyncio.Lock()

    async def act(self, observation: Observation) -> Action:
        async with self.lock:
            await asyncio.sleep(0)
            return Choose(index=UP)

    def usage(self) -> Usage:
        return Usage(tokens=7, usd=0.5)


class MovesAgent(Agent):
    """Plays `moves`, then submits."""

    def __init__(self, moves: Sequence[int] = ()) -> None:
        self.moves = list(moves)

    def act(self, observation: Observation) -> Action:
        step = observation.step
        return Choose(index=self.moves[step]) if step < len(self.moves) else Submit()


class MisbehavingAgent(Agent):
    """Counts up once, then does what `how` says."""

    def __init__(self, how: str = "raise") -> None:
        self.how = how

    def act(self, observation: Observation) -> Any:
        if observation.step == 0:
            return Choose(index=UP)
        return getattr(self, "_" + self.how)()

    def _raise(self) -> None:
        raise ValueError("I do not know\nwhat to do")

    def _exit(self) -> None:
        sys.exit(3)

    def _die(self) -> None:
        os._exit(11)

    def _hang(self) -> None:
        re.match(r"(a+)+$", "a" * 60 + "b")  # In C, holding the interpreter: no signal handler runs.

    def _spin(self) -> None:
        while True:
            pass

    def _sleep(self) -> None:
        time.sleep(3600)

    def _nonsense(self) -> object:
        return 3.5

    def _nothing(self) -> None:
        return None

    def _surrogate(self) -> Action:
        return Submit(answer="\ud800")

    def _blame(self) -> None:
        raise EnvironmentFault("it was the world")

    def _offline(self) -> None:
        raise InfrastructureError("the model cannot be reached")

    def _cancel(self) -> None:
        raise asyncio.CancelledError

    def _await(self) -> Any:
        return asyncio.sleep(3600)


class ClosingAgent(Agent):
    """Writes a line to `file` when it is closed."""

    def __init__(self, file: str) -> None:
        self.file = file

    async def close(self) -> None:
        with Path(self.file).open("a") as file:
            file.write("closed\n")


class NoActAgent:
    def reset(self, task: TaskView, seed: int) -> None: ...


class RaisingConstructorAgent(Agent):
    def __init__(self) -> None:
        raise RuntimeError("no model\nhere")
