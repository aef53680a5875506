"""How good a branch looks to whoever sees what an agent sees."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field

from quintain.agents.llm.model import Model
from quintain.agents.techniques.choosing import Candidate
from quintain.agents.techniques.deciding.asking import Asker, ModelLike, Question
from quintain.agents.techniques.deciding.named import named
from quintain.agents.techniques.searching.attempts import waited
from quintain.core import TaskView
from quintain.errors import AgentError, UsageError
from quintain.ledger import purpose
from quintain.spaces import Action, Observation

Value = Callable[[TaskView, Observation, Sequence[Action]], float | Awaitable[float]]
"""Of the last observation of a branch, reached by these actions; more is better. `MCTS` wants it in [0, 1]."""
ValueLike = Value | ModelLike


class Grader:
    """A model's grade from 0 to 10, over 10."""

    def __init__(self, model: ModelLike) -> None:
        self._asker = Asker(model, technique="value")

    async def __call__(self, view: TaskView, observation: Observation, actions: Sequence[Action]) -> float:
        done = self._asker.shown(Candidate(actions[-1], before=tuple(actions[:-1]))) if actions else "nothing yet"
        said = await self._asker.ask(_Grade, Question(view, observation, ROLE, f"An agent did: {done}\n{ASKED}", 0))
        return said.grade / 10

    async def close(self) -> None:
        await self._asker.close()


class _Grade(BaseModel):
    reason: str = ""
    grade: Annotated[int, Field(ge=0, le=10)]


ROLE = "You judge how far an agent has come. You see what the agent sees."
ASKED = "How near is the task to being done well? Give a short reason, then a grade from 0 (hopeless) to 10 (fully done)."


def as_value(given: ValueLike) -> Value:
    """A value from a function, from ``module:function``, or from a model: ``{"model": name}`` or an object.

    Raises:
        UsageError: none of these.
    """
    if isinstance(given, (Mapping, Model)):
        return Grader(given)
    found: Any = named(given, what="value") if isinstance(given, str) else given
    if not callable(found):
        raise UsageError(f"value: {type(found).__name__} is no function of (view, observation, actions) and no model")
    return found  # type: ignore[no-any-return]


async def valued(value: Value, view: TaskView, observation: Observation, actions: Sequence[Action]) -> float:
    """What it says, booked as ``judge``.

    Raises:
        AgentError: no finite number.
    """
    with purpose("judge"):
        found = float(await waited(value(view, observation, actions)))
    if not math.isfinite(found):
        raise AgentError(f"value: {found} after {len(actions)} actions; it must be finite")
    return found
