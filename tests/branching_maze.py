"""A maze that is walked by text, once with states that can be saved and once without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from quintain.core import Capabilities, Episode, EvaluatorSpec, Evidence, Limits, Probe, Score, Task, WorldTask
from quintain.errors import EnvironmentFault
from quintain.spaces import Action, Choose, Modality, Observation

MAZE = str(Path(__file__).resolve())
NORTH, EAST, SOUTH, WEST, BREAK = range(5)
WAYS = {NORTH: (0, -1), EAST: (1, 0), SOUTH: (0, 1), WEST: (-1, 0)}
PLAN = """
#######
#S..#.#
###.#.#
#...#.#
#.###.#
#.....E
#######
""".strip().splitlines()
WAY_OUT = [EAST, EAST, SOUTH, SOUTH, WEST, WEST, SOUTH, SOUTH, EAST, EAST, EAST, EAST, EAST]


class Setup(BaseModel):
    model_config = ConfigDict(extra="forbid")
    drift: bool = False
    """Each reset of any maze begins elsewhere, which breaks the promise of replay."""


class Maze:
    """Shows where one stands and where one can go."""

    Setup: ClassVar[type[BaseModel]] = Setup
    action_kinds = frozenset({"choose"})
    default_observe: tuple[Modality, ...] = ("text",)
    versions: ClassVar[dict[str, str]] = {"maze": "1"}
    capabilities = Capabilities(modalities=("text",), replay=True, copies=True)
    living: ClassVar[set[Any]] = set()
    """Mazes that are open."""
    made: ClassVar[int] = 0

    def __init__(self) -> None:
        Maze.made += 1
        Maze.living.add(self)
        self.place, self.walked = (1, 1), 0

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        self.place, self.walked = (1, 1), Maze.made if Setup.model_validate(task.setup).drift else 0
        return self._look()

    async def act(self, action: Action) -> Observation:
        assert isinstance(action, Choose)
        if action.index == BREAK:
            raise EnvironmentFault("the roof came down")
        x, y = WAYS[action.index % 4]
        place = self.place[0] + x, self.place[1] + y
        self.walked += 1
        if PLAN[place[1]][place[0]] == "#":
            return self._look(error="a wall")
        self.place = place
        return self._look()

    async def collect(self, probe: Probe) -> Evidence:
        x, y = self.place
        return Evidence(values={"x": x, "y": y, "walked": self.walked}, done=PLAN[y][x] == "E")

    def parse(self, text: str) -> list[Action]:
        return [Choose(index="NESW".index(letter)) for letter in text]

    async def close(self) -> None:
        Maze.living.discard(self)

    def _look(self, error: str | None = None) -> Observation:
        return Observation(goal="Leave", text=f"at {self.place[0]},{self.place[1]} after {self.walked}", error=error)


class SavingMaze(Maze):
    capabilities = Capabilities(modalities=("text",), snapshot=True, copies=True)

    async def snapshot(self) -> tuple[tuple[int, int], int]:
        return self.place, self.walked

    async def restore(self, saved: tuple[tuple[int, int], int]) -> None:
        self.place, self.walked = saved

    async def fork(self, saved: tuple[tuple[int, int], int]) -> SavingMaze:
        twin = SavingMaze()
        await twin.restore(saved)
        return twin


class Left:
    """1 for the exit, else how far east one is."""

    version = "1"

    def score(self, task: Task, episode: Episode) -> Score:
        values: dict[str, Any] = episode.evidence.values if episode.evidence else {"x": 0}
        return Score(value=values["x"] / 6, passed=values["x"] == 6, evaluator="left", version="1")


def maze_task(
    world: str = "Maze", *, when: Any = "step", steps: int | None = 30, seconds: float | None = None, **setup: Any
) -> Task:
    spec = EvaluatorSpec(id=f"{MAZE}:Left", when=when)
    limits = Limits(steps=steps, seconds=seconds)
    return Task(id="toy/maze", env=f"{MAZE}:{world}", setup=setup, evaluator=spec, limits=limits)
