"""What tells an agent whether its attempt is good: a command in the world, a model, a function, or its own word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel

from quintain.agents.llm.model import Model
from quintain.agents.techniques.choosing import Candidate
from quintain.agents.techniques.deciding.asking import Asker, ModelLike, Question
from quintain.agents.techniques.deciding.named import named
from quintain.agents.techniques.searching.attempts import Attempt, waited
from quintain.core import TaskView
from quintain.errors import UsageError
from quintain.spaces import Bash

CLIPPED = 4000
"""Characters of a command's output that are handed on."""


class Verdict(NamedTuple):
    """Whether an attempt will do, and what the next one is told where it will not."""

    good: bool
    feedback: str = ""


@runtime_checkable
class Check(Protocol):
    """Looks at an attempt, whose branch is still open; sees what an agent may see."""

    async def verdict(self, view: TaskView, attempt: Attempt) -> Verdict: ...


Function = Callable[[TaskView, Candidate], Verdict | bool | Awaitable[Verdict | bool]]
CheckLike = str | Mapping[str, Any] | Model | Check | Function


class Claim:
    """The agent's own word: an attempt that submitted will do."""

    async def verdict(self, view: TaskView, attempt: Attempt) -> Verdict:
        if attempt.submitted:
            return Verdict(True)
        return Verdict(False, f"An earlier attempt ended without submitting. {attempt.failure}".strip())


class Command:
    """A command of the world's shell, run in a branch of its own: exit code 0 will do, else its output is the feedback."""

    def __init__(self, command: str, *, timeout_s: float | None = None) -> None:
        self.command, self.timeout_s = command, timeout_s

    async def verdict(self, view: TaskView, attempt: Attempt) -> Verdict:
        if "bash" not in view.action_kinds:
            raise UsageError(f"check {self.command!r}: {view.id}: this world has no shell (action bash)")
        if attempt.branch.over:
            return Verdict(False, "An earlier attempt ended before it could be checked; do less, or submit by an action.")
        async with await attempt.branch.branch() as aside:
            seen = await aside.act(Bash(command=self.command, timeout_s=self.timeout_s))
        said = (seen.text or seen.error or "")[-CLIPPED:]
        return Verdict(seen.exit_code == 0, f"After an earlier attempt, `{self.command}` ended with {seen.exit_code}:\n{said}")


class Critic:
    """A model that sees what the agent sees in the end, and says whether that will do, and if not, what was wrong."""

    def __init__(self, model: ModelLike) -> None:
        self._asker = Asker(model, technique="serial retry")

    async def verdict(self, view: TaskView, attempt: Attempt) -> Verdict:
        asked = f"An agent did this:\n{self._asker.shown(attempt.candidate(0))}\n{CRITIC}"
        said = await self._asker.ask(_Review, Question(view, attempt.branch.observation, ROLE, asked, 0))
        return Verdict(said.good, f"A critic said of an earlier attempt: {said.feedback}")

    async def close(self) -> None:
        await self._asker.close()


class _Review(BaseModel):
    feedback: str
    good: bool


class ByFunction:
    def __init__(self, function: Function) -> None:
        self._function = function

    async def verdict(self, view: TaskView, attempt: Attempt) -> Verdict:
        found = await waited(self._function(view, attempt.candidate(0)))
        return found if isinstance(found, Verdict) else Verdict(bool(found), "An earlier attempt was not good enough.")


ROLE = "You review the work of an agent. You see what the agent sees."
CRITIC = "Say in at most five sentences what is wrong with it and what to do about that; then whether the task is fully done."


def as_check(given: CheckLike) -> Check:
    """``claim``, ``{"command": …}``, ``{"model": …}`` or a model, a check, or a function of the view and the candidate, or where
    one is found: ``module:attribute``.

    Raises:
        UsageError: none of these.
    """
    if given == "claim":
        return Claim()
    if isinstance(given, Mapping) and set(given) <= {"command", "timeout_s"} and "command" in given:
        return Command(**given)
    if isinstance(given, Model) or (isinstance(given, Mapping) and "model" in given):
        return Critic(given)
    found: Any = named(given, what="check") if isinstance(given, str) and ":" in given else given
    if isinstance(found, Check):
        return found
    if callable(found):
        return ByFunction(found)
    raise UsageError(f"check {given!r} is unknown; give 'claim', {{'command': …}}, {{'model': …}}, a check or a function")
