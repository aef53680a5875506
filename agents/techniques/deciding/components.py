"""What the components of a plan do with the candidates, the critiques and the tests of one decision."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Annotated, NamedTuple

from pydantic import BaseModel, Field

from quintain.agents.llm.model import BadAnswer
from quintain.agents.techniques.choosing import Candidate
from quintain.agents.techniques.deciding.asking import Asker, Question, R
from quintain.agents.techniques.deciding.fuse import Fuser
from quintain.agents.techniques.deciding.plan import Component
from quintain.agents.techniques.seeds import derived
from quintain.core import TaskView
from quintain.ledger import current, purpose
from quintain.spaces import Observation


class State(NamedTuple):
    """What one layer leaves to the next."""

    candidates: tuple[Candidate, ...] = ()
    critiques: tuple[str, ...] | None = None
    """One for each candidate."""
    tests: tuple[str, ...] = ()

    def kept(self, indices: Sequence[int], *, critiques: bool = True) -> State:
        """Only these candidates, in this order."""
        criticised = tuple(self.critiques[index] for index in indices) if self.critiques is not None and critiques else None
        return State(tuple(self.candidates[index] for index in indices), criticised, self.tests)


class Scene(NamedTuple):
    """What is decided on."""

    view: TaskView
    observation: Observation
    seed: int


class Working:
    """A component at work: a model with its part. An answer that cannot be read changes nothing, and is noted."""

    def __init__(self, component: Component) -> None:
        self.component = component
        kind, rules = component.type, "Make it no longer than needed." if component.length_control else ""
        model, temperature, limit = component.named_model, component.temperature, component.max_tokens
        self.fuser = Fuser(model, temperature=temperature, max_tokens=limit, rules=rules) if kind == "fuser" else None
        self.asker = self.fuser.asker if self.fuser else Asker(model, temperature=temperature, max_tokens=limit, technique=kind)
        parts: dict[str, Callable[[State, Scene], Awaitable[State]]] = {
            "ranker": self._rank,
            "fuser": self._fuse,
            "critic": self._criticise,
            "verifier": self._verify,
            "unit_test_generator": self._write_tests,
            "unit_test_evaluator": self._test,
        }
        self._part = parts[kind]

    async def work(self, state: State, scene: Scene) -> State:
        with purpose(PURPOSES[self.component.type]):
            return await self._part(state, scene)

    async def close(self) -> None:
        await self.asker.close()

    async def _rank(self, state: State, scene: Scene) -> State:
        order = list(range(len(state.candidates)))
        Random(scene.seed).shuffle(order)  # A model favours what it sees first.
        notes = [state.critiques[index] for index in order] if state.critiques and self.component.use_critiques else None
        shown = self.asker.numbered([state.candidates[index] for index in order], notes)
        said = await self._asked(_Ranking, scene, f"{shown}\nRank them all by their numbers, the best first.")
        # A ranking with gaps is completed in the order in which they came.
        named = [order[number - 1] for number in dict.fromkeys(said.ranking) if number <= len(order)] if said else []
        ranked = [*named, *(index for index in range(len(order)) if index not in named)]
        return state.kept(ranked[: self.component.top_k])

    async def _fuse(self, state: State, scene: Scene) -> State:
        assert self.fuser is not None
        found = await asyncio.gather(*(self._fused(state, scene, number) for number in range(self.component.samples)))
        fused = tuple(each for each in found if each is not None)
        return State(fused or state.candidates[:1], None, state.tests)

    async def _fused(self, state: State, scene: Scene, number: int) -> Candidate | None:
        assert self.fuser is not None
        try:
            seed = derived(scene.seed, number)
            return await self.fuser.fuse(scene.view, scene.observation, state.candidates, seed=seed, critiques=state.critiques)
        except BadAnswer as error:
            current().note("layer failed", type="fuser", error=str(error))
            return None

    async def _criticise(self, state: State, scene: Scene) -> State:
        shown = self.asker.numbered(list(state.candidates))
        said = await self._asked(_Critiques, scene, f"{shown}\nFor each, in this order, say its strengths and its weaknesses.")
        if said is not None and len(said.critiques) != len(state.candidates):
            counts = f"{len(said.critiques)} critiques of {len(state.candidates)} candidates"
            current().note("layer failed", type="critic", error=counts)
            said = None
        return state._replace(critiques=tuple(said.critiques) if said else None)

    async def _verify(self, state: State, scene: Scene) -> State:
        enough = self.component.enough
        passed = await _passing(len(state.candidates), lambda index: self._right(state.candidates[index], scene), enough)
        return state.kept((passed or list(range(len(state.candidates))))[:enough])

    async def _right(self, candidate: Candidate, scene: Scene) -> bool:
        """First a reasoning for it is asked for, then a verdict on both."""
        shown = self.asker.shown(candidate)
        reasoning = await self._asked(_Reasoning, scene, f"{shown}\nReason step by step why this would be right.")
        if reasoning is None:
            return False
        question = f"{shown}\nReasoning for it: {reasoning.reasoning}\nIs the reasoning sound, and is this the right thing to do?"
        said = await self._asked(_Verdict, scene, question)
        return said is not None and said.correct

    async def _write_tests(self, state: State, scene: Scene) -> State:
        cap = self.component.unit_test_cap
        count = f"at most {cap} statements" if cap else "a few statements"
        question = f"Write {count} that the right next action would make true, each to be checked by reading."
        said = await self._asked(_Tests, scene, question)
        return state._replace(tests=tuple(said.tests[:cap]) if said else ())

    async def _test(self, state: State, scene: Scene) -> State:
        """Where there are no tests, all candidates passed as many."""
        passed = dict.fromkeys(range(len(state.candidates)), 0)

        async def all_of_them(index: int) -> bool:
            passed[index] = await self._passed(state.candidates[index], state.tests, scene) if state.tests else 0
            return passed[index] == len(state.tests)

        enough = self.component.enough
        full = await _passing(len(state.candidates), all_of_them, enough)
        if enough is not None and len(full) == enough:
            return state.kept(full, critiques=False)
        order = sorted(passed, key=lambda index: -passed[index])
        return state.kept(order[: self.component.top_k or enough], critiques=False)

    async def _passed(self, candidate: Candidate, tests: Sequence[str], scene: Scene) -> int:
        listed = "\n".join(f"({number}) {test}" for number, test in enumerate(tests, start=1))
        question = f"{self.asker.shown(candidate)}\nStatements:\n{listed}\nFor each, in this order: does this make it true?"
        said = await self._asked(_Results, scene, question)
        return sum(said.passed[: len(tests)]) if said else 0

    async def _asked(self, reply: type[R], scene: Scene, text: str) -> R | None:
        try:
            return await self.asker.ask(reply, Question(scene.view, scene.observation, _ROLE, text, scene.seed))
        except BadAnswer as error:
            current().note("layer failed", type=self.component.type, error=str(error))
            return None


async def _passing(count: int, passes: Callable[[int], Awaitable[bool]], enough: int | None) -> list[int]:
    """Which of so many pass; one after the other where some are enough, else all at once."""
    if enough is None:
        found = await asyncio.gather(*map(passes, range(count)))
        return [index for index, good in enumerate(found) if good]
    passed: list[int] = []
    for index in range(count):
        if len(passed) < enough and await passes(index):
            passed.append(index)
    return passed


class _Ranking(BaseModel):
    ranking: list[Annotated[int, Field(ge=1)]]


class _Critiques(BaseModel):
    critiques: list[str]


class _Reasoning(BaseModel):
    reasoning: str


class _Verdict(BaseModel):
    correct: bool


class _Tests(BaseModel):
    tests: Annotated[list[str], Field(min_length=1)]


class _Results(BaseModel):
    passed: list[bool]


PURPOSES = {
    "ranker": "judge",
    "fuser": "fuse",
    "critic": "critic",
    "verifier": "judge",
    "unit_test_generator": "test",
    "unit_test_evaluator": "test",
}
_ROLE = "You examine what an agent could do next. You see what the agent sees. Judge only how well it serves the goal."
