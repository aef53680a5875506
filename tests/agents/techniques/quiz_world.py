"""A world of questions, each with one right move, and agents and a model that know it more or less.

Named by file: ``Task(env=f"{QUIZ}:QuizWorld", evaluator=EvaluatorSpec(id=f"{QUIZ}:ShareRight"))``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from quintain.agents.llm.model import Request
from quintain.core import Capabilities, Episode, EvaluatorSpec, Evidence, Limits, Probe, Score, Task, TaskView, Usage, WorldTask
from quintain.environment import Environment
from quintain.faces import AsyncEnv
from quintain.ledger import Note, current
from quintain.making import load_evaluator
from quintain.rollout import rollout
from quintain.spaces import Action, Choose, Modality, Observation, Submit

QUIZ = str(Path(__file__).resolve())


class QuizSetup(BaseModel):
    model_config = ConfigDict(extra="forbid")
    questions: int = 1
    moves: int = 2


class QuizWorld:
    """Says which move is right; `choose` answers and goes on to the next question."""

    Setup: ClassVar[type[BaseModel]] = QuizSetup
    action_kinds = frozenset({"choose"})
    default_observe: tuple[Modality, ...] = ("text",)
    versions: ClassVar[dict[str, str]] = {"quiz": "1"}
    capabilities = Capabilities(modalities=("text",), replay=True, copies=True)

    async def reset(self, task: WorldTask, *, seed: int, observe: Sequence[Modality]) -> Observation:
        self.setup = QuizSetup.model_validate(task.setup)
        random = Random(seed)
        self.answers = [random.randrange(self.setup.moves) for _ in range(self.setup.questions)]
        self.given: list[int] = []
        return self._look()

    async def act(self, action: Action) -> Observation:
        assert isinstance(action, Choose)
        self.given.append(action.index)
        return self._look()

    def _look(self) -> Observation:
        number = min(len(self.given), self.setup.questions - 1)
        return Observation(goal="Choose the right move.", text=f"Right: {self.answers[number]} of {self.setup.moves}")

    async def collect(self, probe: Probe) -> Evidence:
        right = sum(given == answer for given, answer in zip(self.given, self.answers, strict=False))
        done = len(self.given) >= self.setup.questions
        return Evidence(values={"right": right, "asked": self.setup.questions}, done=done)

    def parse(self, text: str) -> list[Action]:
        if not text.isdigit():
            raise ValueError(f"{text!r} is no number of a move")
        return [Choose(index=int(text))]

    async def close(self) -> None:
        pass


class ShareRight:
    version = "1"

    def score(self, task: Task, episode: Episode) -> Score:
        assert episode.evidence is not None
        right, asked = (int(str(episode.evidence.values[name])) for name in ("right", "asked"))
        return Score(value=right / asked, passed=right == asked)


class Heard:
    """A recorder that keeps the notes."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def observed(self, observation: Observation) -> None:
        pass

    def acted(self, record: object) -> None:
        pass

    def noted(self, note: Note) -> None:
        self.notes.append(note)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [note.data for note in self.notes if note.kind == kind]


async def play(
    agent: Any, *, questions: int = 1, moves: int = 2, seed: int = 0, heard: Heard | None = None, **limits: Any
) -> Episode:
    spec = EvaluatorSpec(id=f"{QUIZ}:ShareRight", when="step")
    setup = {"questions": questions, "moves": moves}
    task = Task(id="quiz/quiz", env=f"{QUIZ}:QuizWorld", setup=setup, evaluator=spec, limits=Limits(**limits))
    async with AsyncEnv(Environment(QuizWorld(), task, evaluator=load_evaluator(task))) as env:
        return await rollout(env, agent, seed=seed, recorder=heard)


def right_of(text: str | None) -> tuple[int, int]:
    """The right move, and how many there are."""
    found = re.search(r"Right: (\d+) of (\d+)", text or "")
    assert found is not None
    return int(found[1]), int(found[2])


class Knowing:
    """Right with probability `p`, independently in each step and under each seed; else any of the wrong moves."""

    def __init__(self, p: float = 1.0) -> None:
        self.p = p

    def reset(self, task: TaskView, seed: int) -> None:
        self.random = Random(seed)

    def act(self, observation: Observation) -> Action:
        right, moves = right_of(observation.text)
        if self.random.random() < self.p:
            return Choose(index=right)
        return Choose(index=(right + self.random.randrange(1, moves)) % moves)


class Fixed:
    """Always makes the same move, says so, and writes down what it is told."""

    def __init__(self, index: int = 0) -> None:
        self.index = index

    async def reset(self, task: TaskView, seed: int) -> None:
        self.seed, self.told, self.end, self.closed, self.shown = seed, [], None, False, []
        self.said = f"move {self.index}"

    async def act(self, observation: Observation) -> Action:
        self.shown.append(observation)
        return Choose(index=self.index)

    async def took(self, action: Action) -> None:
        self.told.append(action)

    def finish(self, observation: Observation) -> None:
        self.end = observation

    async def close(self) -> None:
        self.closed = True


class Heeding(Fixed):
    """Makes its move until a message names another one."""

    async def act(self, observation: Observation) -> Action:
        await super().act(observation)
        named = [re.search(r"choose (\d+)", each.text) for each in observation.messages]
        return next((Choose(index=int(each[1])) for each in reversed(named) if each), Choose(index=self.index))


class Failing(Fixed):
    """Raises what it was made with."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    async def act(self, observation: Observation) -> Action:
        raise self.error


class Paying(Fixed):
    """Keeps its own books, and charges the ledger two tokens a step."""

    async def act(self, observation: Observation) -> Action:
        current().check()
        current().charge(calls=1, input_tokens=1, output_tokens=1)
        return await super().act(observation)

    def usage(self) -> Usage:
        return Usage(tokens=7, usd=0.25)


class Quitting(Fixed):
    async def act(self, observation: Observation) -> Action:
        return Submit(answer="42")


class Teacher:
    """Names the right move, for the first `times` wrong proposals."""

    def __init__(self, times: int = 99) -> None:
        self.times = times

    async def criticise(self, view: Any, observation: Any, action: Any) -> str | None:
        right, _ = right_of(observation.text)
        if action.index == right or self.times == 0:
            return None
        self.times -= 1
        return f"choose {right}"


def asked(request: Request) -> str:
    """The text of the question."""
    content = request.messages[-1].content
    return content if isinstance(content, str) else "".join(part.text for part in content if part.kind == "text")


def numbered(text: str) -> list[int]:
    """The moves of the candidates as they are numbered."""
    return [int(index) for index in re.findall(r'\[\d+\] .*\n?.*"index": (\d+)', text)]


def knowing(request: Request) -> str:
    """The script of a model that answers each kind of question of a plan's components rightly."""
    right, _ = right_of(asked(request))
    (first, *_) = request.answer_schema["properties"]  # type: ignore[index,misc,call-overload]
    moves = numbered(asked(request))
    own = re.search(r'"index": (\d+)', asked(request))
    is_right = own is not None and int(own[1]) == right
    answers: dict[str, Callable[[], Any]] = {
        "ranking": lambda: {"ranking": sorted(range(1, len(moves) + 1), key=lambda number: abs(moves[number - 1] - right))},
        "critiques": lambda: {"critiques": ["right" if move == right else f"off by {abs(move - right)}" for move in moves]},
        "thought": lambda: {"thought": "fused", "action": {"kind": "choose", "index": right}},
        "reasoning": lambda: {"reasoning": "look at it"},
        "correct": lambda: {"correct": is_right},
        "tests": lambda: {"tests": [f"the index is {right}", "it is a move"]},
        "passed": lambda: {"passed": [is_right, True]},
    }
    return json.dumps(answers[first]())
