"""Selectors: a vote, a judge, a score. They choose between attempts too: by the last action, or by what is seen after it."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from random import Random
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from quintain.agents.llm.model import BadAnswer
from quintain.agents.techniques.choosing import Candidate, Selector, alike
from quintain.agents.techniques.deciding.asking import Asker, ModelLike, Question
from quintain.agents.techniques.deciding.named import named
from quintain.agents.techniques.seeds import derived
from quintain.core import TaskView
from quintain.errors import AgentError, UsageError
from quintain.ledger import current, purpose
from quintain.spaces import Observation

Grading = Callable[[TaskView, Observation, Candidate], float | Awaitable[float]]
"""How good a candidate looks to whoever sees what the agent sees; more is better."""


class Majority:
    """The action that most agents propose; among equals, the one proposed first.

    `weights`: what the vote of each agent counts, by their order; none counts 1.
    """

    def __init__(self, weights: Sequence[float] | None = None) -> None:
        if weights is not None and not all(math.isfinite(each) and each >= 0 for each in weights):
            raise UsageError(f"Majority: weights must be finite and not negative, got {list(weights)}")
        self.weights = weights

    def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
        groups = alike(candidates)
        return max(groups, key=lambda group: sum(self._weight(candidates[index]) for index in group))[0]

    def _weight(self, candidate: Candidate) -> float:
        if self.weights is None:
            return 1.0
        if candidate.by >= len(self.weights):
            raise AgentError(f"Majority: {len(self.weights)} weights, but an agent {candidate.by}; give a weight for each")
        return self.weights[candidate.by]


class Judge:
    """A model that sees what the agent sees, and the different actions in an order drawn from the seed; it names the best.

    Where all candidates agree nothing is asked. An answer that cannot be read falls back on the majority, and is noted.
    """

    def __init__(self, model: ModelLike, *, temperature: float | None = None, max_tokens: int = 1024, criteria: str = "") -> None:
        """`criteria`: what makes an action good, in words, beside that it serves the goal."""
        self.asker = Asker(model, temperature=temperature, max_tokens=max_tokens, technique="Judge")
        self.criteria = criteria
        self.seed = 0

    def reset(self, task: TaskView, seed: int) -> None:
        self.seed = seed

    async def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
        firsts = [group[0] for group in alike(candidates, whole=True)]
        if len(firsts) == 1:
            return firsts[0]
        seed = derived(self.seed, observation.step)
        Random(seed).shuffle(firsts)
        lines = [
            "Which of these should be done? Exactly one will be.",
            self.asker.numbered([candidates[index] for index in firsts]),
        ]
        question = "\n".join(
            [*lines, *([self.criteria] if self.criteria else []), "Give a short reason, then the number of the best."]
        )
        try:
            with purpose("judge"):
                said = await self.asker.ask(_pick(len(firsts)), Question(view, observation, _JUDGE, question, seed))
        except BadAnswer as error:
            current().note("judge failed", error=str(error))
            return Majority().select(view, observation, candidates)
        best: int = said.best  # type: ignore[attr-defined]
        return firsts[best - 1]

    async def close(self) -> None:
        await self.asker.close()


class ByScore:
    """The candidate with the highest score, the first of equals; the score is a function's or, from 0 to 10, a model's.

    `votes` adds up the scores of equal actions: the weighted majority. A grade that cannot be read counts 0, and is noted.
    """

    def __init__(
        self,
        score: Grading | str | None = None,
        *,
        model: ModelLike | None = None,
        votes: bool = False,
        temperature: float | None = None,
        max_tokens: int = 512,
    ) -> None:
        """`score`: a function, which may be a coroutine function, or where it is found: ``module:function``."""
        if (score is None) == (model is None):
            raise UsageError("ByScore: give either score, a function, or model")
        self.asker = None if model is None else Asker(model, temperature=temperature, max_tokens=max_tokens, technique="ByScore")
        found = named(score, what="ByScore: score") if isinstance(score, str) else score
        if found is not None and not callable(found):
            raise UsageError(f"ByScore: score must be a function of (view, observation, candidate), got {type(found).__name__}")
        self.score: Grading = found or self._graded
        self.votes, self.seed = votes, 0

    def reset(self, task: TaskView, seed: int) -> None:
        self.seed = seed

    async def select(self, view: TaskView, observation: Observation, candidates: Sequence[Candidate]) -> int:
        groups = alike(candidates, whole=True)
        with purpose("judge"):
            found = await asyncio.gather(*(self._scored(view, observation, candidates[group[0]]) for group in groups))
        scores = {index: score for group, score in zip(groups, found, strict=True) for index in group}
        current().note("scores", scores=[scores[index] for index in range(len(candidates))])
        if self.votes:
            most = max(alike(candidates), key=lambda group: sum(scores[index] for index in group))
            return max(most, key=scores.__getitem__)
        return max(range(len(candidates)), key=scores.__getitem__)

    async def _scored(self, view: TaskView, observation: Observation, candidate: Candidate) -> float:
        found = self.score(view, observation, candidate)
        value = float(await found if inspect.isawaitable(found) else found)
        if not math.isfinite(value):
            raise AgentError(f"ByScore: the score of {candidate.action!r:.80} is {value}; it must be finite")
        return value

    async def _graded(self, view: TaskView, observation: Observation, candidate: Candidate) -> float:
        assert self.asker is not None
        question = (
            f"{self.asker.shown(candidate)}\nHow well does this serve the goal? Give a short reason, then a grade from 0 to 10."
        )
        seed = derived(self.seed, observation.step)
        try:
            return (await self.asker.ask(_Grade, Question(view, observation, _JUDGE, question, seed))).grade
        except BadAnswer as error:
            current().note("grade failed", error=str(error), action=self.asker.shown(candidate))
            return 0.0

    async def close(self) -> None:
        if self.asker is not None:
            await self.asker.close()


@cache
def _pick(count: int) -> type[BaseModel]:
    best: Any = (Annotated[int, Field(ge=1, le=count)], ...)
    return create_model("Pick", reason=(str, ""), best=best)


class _Grade(BaseModel):
    reason: str = ""
    grade: Annotated[int, Field(ge=0, le=10)]


_JUDGE = "You judge what an agent proposes to do next. You see what the agent sees. Judge only how well it serves the goal."
SELECTORS: dict[str, Callable[..., Selector]] = {"majority": Majority, "judge": Judge, "score": ByScore}


def selector(select: str | Selector = "majority", /, **options: Any) -> Selector:
    """A selector from its name (`SELECTORS`), from ``module:Class``, or as it is; `options` are its arguments.

    Raises:
        UsageError: an unknown name, or options that it does not take.
    """
    if not isinstance(select, str):
        if not isinstance(select, Selector) or options:
            what = f"takes no further options {sorted(options)}" if options else "has no method select"
            raise UsageError(f"select: {type(select).__name__} {what}")
        return select
    if select not in SELECTORS and ":" not in select:
        raise UsageError(f"select: no selector is called {select!r}; there are {', '.join(SELECTORS)}, and 'module:Class'")
    make = SELECTORS.get(select) or named(select, what="select")
    try:
        return make(**options)
    except TypeError as error:
        raise UsageError(f"select: {select!r} cannot be made: {error}") from None
