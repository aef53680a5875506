"""Two worlds of the shapes that language models meet: a seat in a game, and a screen with windows. And what reads a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel

from quintain.agents.llm.model import Request, Text
from quintain.core import Capabilities, Episode, EvaluatorSpec, Evidence, Limits, Probe, Score, Task, WorldTask
from quintain.elements import Elements
from quintain.spaces import Action, Choose, Click, Message, Modality, Observation, Point, Type, Window

HERE = str(Path(__file__).resolve())


def shown(request: Request) -> str:
    """All texts of the request, in their order."""
    contents = [message.content for message in request.messages]
    return "\n".join(
        content if isinstance(content, str) else "\n".join(part.text for part in content if isinstance(part, Text))
        for content in contents
    )


class Nim:
    """Take one to three of the stones in turn with another player, who takes one; whoever takes the last one wins."""

    class Setup(BaseModel):
        stones: int = 10

    action_kinds = frozenset({"choose"})
    default_observe: tuple[Modality, ...] = ("text",)
    capabilities = Capabilities(modalities=("text",), replay=True, copies=True)
    versions: ClassVar[dict[str, str]] = {"nim": "1"}

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        self.stones, self.winner = self.Setup.model_validate(task.setup).stones + 4 * (seed % 2), ""
        return self._seen()

    async def act(self, action: Action) -> Observation:
        assert isinstance(action, Choose)
        if action.index >= len(self._legal()):
            return self._seen(f"there is no move {action.index}")
        self.stones -= self._legal()[action.index]
        self.winner = self.winner or ("" if self.stones else "you")
        if self.stones:
            self.stones -= 1
            self.winner = "" if self.stones else "the other"
        return self._seen()

    async def collect(self, probe: Probe) -> Evidence:
        return Evidence(values={"winner": self.winner}, done=bool(self.winner))

    def parse(self, text: str) -> list[Action]:
        raise ValueError(f"no move in {text!r}")

    async def close(self) -> None:
        pass

    def _legal(self) -> list[int]:
        # Numbers of moves and what they do differ, so that one is not taken for the other.
        return [each for each in (3, 2, 1) if each <= self.stones]

    def _seen(self, error: str | None = None) -> Observation:
        moves = "\n".join(f"{index}: take {each}" for index, each in enumerate(self._legal()))
        return Observation(goal="Take the last stone.", text=f"There are {self.stones} stones.\n{moves}", error=error)


class Screen:
    """Two windows. The name goes into a text box, which is an element; the red button is only to be seen."""

    Setup: ClassVar[type[BaseModel]] = type("Setup", (BaseModel,), {})
    action_kinds = frozenset({"click", "type", "press", "wait"})
    default_observe: tuple[Modality, ...] = ("elements", "screenshot", "windows")
    capabilities = Capabilities(modalities=("elements", "screenshot", "windows"), replay=True, copies=True)
    versions: ClassVar[dict[str, str]] = {"screen": "1"}

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        self.name, self.saved, self.ref = "", "", 20 + seed
        self.corner = (200 + seed, 120)
        return self._seen()

    async def act(self, action: Action) -> Observation:
        match action:
            case Type(target=target, text=text) if target == self.ref:
                self.name = text
            case Click(target=Point(x=x, y=y)) if 0 <= x - self.corner[0] < 30 and 0 <= y - self.corner[1] < 20:
                self.saved = self.name
            case _:
                return self._seen("nothing happened there")
        return self._seen()

    async def collect(self, probe: Probe) -> Evidence:
        return Evidence(values={"saved": self.saved}, done=bool(self.saved))

    def parse(self, text: str) -> list[Action]:
        raise ValueError(f"no action in {text!r}")

    async def close(self) -> None:
        pass

    def _seen(self, error: str | None = None) -> Observation:
        picture = np.full((180, 320, 3), 240, np.uint8)
        x, y = self.corner
        picture[y : y + 20, x : x + 30] = (220, 20, 20)
        box = ("visible", "in_view", "clickable", "editable")
        elements = Elements.of(
            [
                {"role": "desktop", "box": (0, 0, 320, 180)},
                {"role": "window", "name": "Editor", "parent": 0, "box": (0, 0, 320, 180)},
                {"role": "textbox", "name": "Name", "value": self.name or None, "parent": 1, "ref": self.ref, "states": box},
            ]
        )
        return Observation(
            goal='Save the file as "plan b.txt" with the red button.',
            elements=elements,
            screenshot=picture,
            windows=(Window(title="Files"), Window(title="Editor", active=True)),
            messages=(Message(role="system", text="The file has no name."),),
            error=error,
        )


class Won:
    """Whether the stored value is the one that the task names."""

    version = "1"

    def score(self, task: Task, episode: Episode) -> Score:
        values: dict[str, Any] = episode.evidence.values if episode.evidence else {}
        passed = task.reference in values.values()
        return Score(value=float(passed), passed=passed, reason=str(values))


def nim_task(**setup: Any) -> Task:
    spec = EvaluatorSpec(id=f"{HERE}:Won", when="step")
    return Task(id="game/nim", env=f"{HERE}:Nim", setup=setup, evaluator=spec, reference="you", limits=Limits(steps=12))


def screen_task() -> Task:
    spec = EvaluatorSpec(id=f"{HERE}:Won", when="step")
    return Task(id="screen/save", env=f"{HERE}:Screen", evaluator=spec, reference="plan b.txt", limits=Limits(steps=6))
