"""What all techniques of one decision have in common."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from quintain.agents.techniques.choosing import Candidate, plain
from quintain.agents.techniques.deciding.members import Members
from quintain.agents.techniques.seeds import derived
from quintain.core import TaskView
from quintain.ledger import current
from quintain.spaces import Action, Observation


class Technique:
    """An agent around others: they begin and end with it, and learn what was done in the place of what they proposed.

    Repeats under the seed of the episode where its agents and models do. `usage` is there where one of its agents has it.
    """

    view: TaskView

    def __init__(self, members: Members, *parts: object) -> None:
        """`parts` choose or criticise, and may have `reset` and `close`."""
        self.members, self.parts = members, parts
        self.said: str | None = None
        if members.keep_books:
            self.usage = members.usage

    async def reset(self, task: TaskView, seed: int) -> None:
        self.view, self.said = task, None
        await self.members.reset(task, derived(seed, "agents"))
        for index, part in enumerate(self.parts):
            await _optional(part, "reset", task, derived(seed, "part", index))

    async def act(self, observation: Observation) -> Action | str:
        decided = await self.decide(observation)
        self.said = decided.said
        self.members.done(decided.action)
        return decided.action

    async def decide(self, observation: Observation) -> Candidate:
        raise NotImplementedError

    def took(self, action: Action | str) -> None:
        """Whoever holds this technique did something else."""
        self.members.done(action)

    async def finish(self, observation: Observation) -> None:
        await self.members.finish(observation)

    async def close(self) -> None:
        try:
            await self.members.close()
        finally:
            for part in self.parts:
                await _optional(part, "close")


async def _optional(part: object, method: str, *arguments: Any) -> None:
    call = getattr(part, method, None)
    if callable(call):
        result = call(*arguments)
        if inspect.isawaitable(result):
            await result


def note_choice(technique: str, candidates: Sequence[Candidate], picked: int) -> None:
    """Leave in the trace what there was to choose among."""
    shown: list[JsonValue] = [{"by": each.by, "action": plain(each.action), "said": each.said} for each in candidates]
    current().note("choice", technique=technique, candidates=shown, picked=picked)
