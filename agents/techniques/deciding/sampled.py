"""Several proposals for one decision, of which one is done: majority, self-consistency, best-of-n by a judge or a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quintain.agents.techniques.choosing import Candidate, Selector, choose
from quintain.agents.techniques.deciding.members import Members, copies
from quintain.agents.techniques.deciding.selectors import Majority, selector
from quintain.agents.techniques.deciding.technique import Technique, note_choice
from quintain.errors import BudgetSpent
from quintain.ledger import current
from quintain.lifting import AgentLike
from quintain.spaces import Observation


class Sampled(Technique):
    """`n` copies of an agent propose, each with a seed of its own; the selector picks what is done.

    A copy that fails is left out of that decision. Where the budget is spent before the selector could ask its model, the
    majority is done.
    """

    def __init__(self, agent: AgentLike, n: int = 5, *, select: str | Selector = "majority", **options: Any) -> None:
        """`select`: `majority`, `judge`, `score`, ``module:Class`` or a selector; `options` are the selector's arguments."""
        self.selector = selector(select, **options)
        super().__init__(Members(copies(agent, n, technique="Sampled")), self.selector)

    async def decide(self, observation: Observation) -> Candidate:
        candidates = await self.members.propose(observation)
        picked = await self._pick(observation, candidates)
        note_choice("sampled", candidates, picked)
        return candidates[picked]

    async def _pick(self, observation: Observation, candidates: Sequence[Candidate]) -> int:
        try:
            return await choose(self.selector, self.view, observation, candidates)
        except BudgetSpent as error:
            current().note("selector unheard", error=str(error))
            return Majority().select(self.view, observation, candidates)
