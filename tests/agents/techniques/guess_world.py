"""A world of one hidden number: who guesses sees whether it was a hit. Named by file in tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel

from quintain.agents.techniques.choosing import Candidate
from quintain.core import Capabilities, Episode, EvaluatorSpec, Evidence, Limits, Probe, Score, Task, TaskView, WorldTask
from quintain.environment import Environment
from quintain.faces import AsyncEnv
from quintain.ledger import current
from quintain.rollout import rollout
from quintain.spaces import Action, Choose, Modality, Observation, Submit

GUESS = str(Path(__file__).resolve())


class GuessSetup(BaseModel):
    moves: int = 4


class GuessWorld:
    Setup: ClassVar[type[BaseModel]] = GuessSetup
    action_kinds = frozenset({"choose"})
    default_observe: tuple[Modality, ...] = ("text",)
    versions: ClassVar[dict[str, str]] = {"guess": "1"}
    capabilities = Capabilities(modalities=("text",), replay=True, copies=True)

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        self.moves = GuessSetup.model_validate(task.setup).moves
        self.hidden, self.guess = Random(f"hidden {seed}").randrange(self.moves), -1
        return Observation(goal=f"Guess a number below {self.moves}.", text="no guess yet")

    async def act(self, action: Action) -> Observation:
        assert isinstance(action, Choose)
        self.guess = action.index
        return Observation(text="hit" if self.guess == self.hidden else "miss")

    async def collect(self, probe: Probe) -> Evidence:
        return Evidence(values={"hit": self.guess == self.hidden})

    def parse(self, text: str) -> list[Action]:
        raise ValueError(f"no words are known here, got {text!r}")

    async def close(self) -> None:
        pass


class LonelyWorld(GuessWorld):
    capabilities = Capabilities(modalities=("text",))


class Hit:
    version = "1"

    def score(self, task: Task, episode: Episode) -> Score:
        hit = episode.evidence is not None and bool(episode.evidence.values["hit"])
        return Score(value=float(hit), passed=hit)


class Guesser:
    """Guesses under its seed, asks for 10 tokens a step, and submits; `heard` are the messages that it saw."""

    def __init__(self, fails: float = 0.0) -> None:
        self.fails = fails

    def reset(self, task: TaskView, seed: int) -> None:
        self.random, self.moves = Random(f"guess {seed}"), int(task.goal.split()[-1].rstrip("."))

    def act(self, observation: Observation) -> Action:
        current().check()
        current().charge(calls=1, input_tokens=8, output_tokens=2, usd=0.001)
        HEARD.extend(each.text for each in observation.messages)
        if observation.step:
            return Submit(answer=observation.text or "")
        if self.random.random() < self.fails:
            raise ValueError("no idea")
        return Choose(index=self.random.randrange(self.moves))


HEARD: list[str] = []


class Seeing:
    """A perfect selector: the world says whether it was a hit."""

    def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
        return next((at for at, each in enumerate(candidates) if each.seen is not None and each.seen.text == "hit"), 0)


def guess_task(name: str = "toy/guess", *, moves: int = 4, world: str = "GuessWorld", **limits: Any) -> Task:
    spec = EvaluatorSpec(id=f"{GUESS}:Hit")
    return Task(
        id=name, env=f"{GUESS}:{world}", setup={"moves": moves}, evaluator=spec, limits=Limits(**({"steps": 10} | limits))
    )


async def play(agent: Any, *, seed: int = 0, world: type[GuessWorld] = GuessWorld, **task: Any) -> Episode:
    made = Environment(world(), guess_task(**task), evaluator=Hit(), another=world)
    return await rollout(AsyncEnv(made), agent, seed=seed)
