"""A maze whose states can be saved, and what its walkers need; counts the worlds that live at a time.

``S`` start, ``G`` goal, ``#`` wall, ``T`` trap: who steps on it stays there. Moves of `choose`: 0 right, 1 down, 2 left, 3 up.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel

from quintain.core import Capabilities, Episode, EvaluatorSpec, Evidence, Limits, Probe, Score, Task, TaskView, WorldTask
from quintain.environment import Environment
from quintain.faces import AsyncEnv
from quintain.spaces import Action, Choose, Modality, Observation

MOVES = ((0, 1), (1, 0), (0, -1), (-1, 0))
TRAPPED = ("S.T", ".##", "..G")
"""The way to the right is as good as any by the distance through the air, until it ends in the trap."""


class Tally:
    """Worlds that are open now, at most, and steps in all of them."""

    def __init__(self) -> None:
        self.open = self.most = self.steps = 0

    def opened(self) -> None:
        self.open += 1
        self.most = max(self.most, self.open)


class MazeSetup(BaseModel):
    grid: tuple[str, ...]


class MazeWorld:
    Setup: ClassVar[type[BaseModel]] = MazeSetup
    action_kinds = frozenset({"choose"})
    default_observe: tuple[Modality, ...] = ("text",)
    versions: ClassVar[dict[str, str]] = {"maze": "1"}

    def __init__(self, tally: Tally | None = None, *, snapshot: bool = True, replay: bool = True, copies: bool = True) -> None:
        self.tally, self._can = tally or Tally(), {"snapshot": snapshot, "replay": replay, "copies": copies}
        self.capabilities = Capabilities(modalities=("text",), **self._can)
        self._closed = False
        self.tally.opened()

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        self.grid = MazeSetup.model_validate(task.setup).grid
        self.at = next((row, line.index("S")) for row, line in enumerate(self.grid) if "S" in line)
        return self._look()

    async def act(self, action: Action) -> Observation:
        assert isinstance(action, Choose)
        self.tally.steps += 1
        row, column = (a + b for a, b in zip(self.at, MOVES[action.index % 4], strict=True))
        free = 0 <= row < len(self.grid) and 0 <= column < len(self.grid[0]) and self.grid[row][column] != "#"
        if free and self.grid[self.at[0]][self.at[1]] != "T":
            self.at = (row, column)
        return self._look()

    async def collect(self, probe: Probe) -> Evidence:
        return Evidence(values={"at": list(self.at)}, done=self._cell == "G")

    async def snapshot(self) -> Any:
        return self.grid, self.at

    async def restore(self, saved: Any) -> None:
        self.grid, self.at = saved

    async def fork(self, saved: Any) -> MazeWorld:
        twin = MazeWorld(self.tally, **self._can)
        twin.grid, twin.at = saved
        return twin

    def parse(self, text: str) -> list[Action]:
        raise ValueError(f"no words are known here, got {text!r}")

    async def close(self) -> None:
        self.tally.open -= not self._closed
        self._closed = True

    @property
    def _cell(self) -> str:
        return self.grid[self.at[0]][self.at[1]]

    def _look(self) -> Observation:
        return Observation(goal="Go to G.", text=f"{self.at[0]} {self.at[1]} {self._cell}")


class AtGoal:
    version = "1"

    def score(self, task: Task, episode: Episode) -> Score:
        there = episode.evidence is not None and episode.evidence.done
        return Score(value=float(there), passed=there)


def maze(grid: Sequence[str] = TRAPPED, *, steps: int = 12, **can: bool) -> tuple[AsyncEnv, Tally]:
    """An environment, and the tally of all its worlds."""
    tally = Tally()
    task = Task(
        id="toy/maze",
        env="maze",
        setup={"grid": list(grid)},
        evaluator=EvaluatorSpec(id="x", when="step"),
        limits=Limits(steps=steps),
    )
    made = Environment(
        MazeWorld(tally, **can), task, evaluator=AtGoal(), another=lambda: MazeWorld(tally, **can)
    )  # fmt: skip
    return AsyncEnv(made), tally


def nearness(grid: Sequence[str] = TRAPPED) -> Any:
    """A value that looks at the way through the air: 1 at the goal, less the farther it is."""
    goal = next((row, line.index("G")) for row, line in enumerate(grid) if "G" in line)
    far = len(grid) + len(grid[0])

    def value(view: TaskView, observation: Observation, actions: Sequence[Action]) -> float:
        row, column, _ = (observation.text or "").split()
        return 1 - (abs(int(row) - goal[0]) + abs(int(column) - goal[1])) / far

    return value


def directions(view: TaskView, observation: Observation) -> Sequence[Action]:
    return [Choose(index=move) for move in range(4)]


class Wanderer:
    """Moves at random under its seed, and remembers what it did and what was done instead."""

    def reset(self, task: TaskView, seed: int) -> None:
        self.random, self.seen, self.told = Random(f"walk {seed}"), list[str](), list[Action]()

    def act(self, observation: Observation) -> Action:
        self.seen.append(observation.text or "")
        return Choose(index=self.random.randrange(4))

    def took(self, action: Action) -> None:
        self.told.append(action)
