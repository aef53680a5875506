"""A proposal, a critique, another proposal: Self-Refine (arXiv 2303.17651) for actions."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from quintain.agents.llm.model import BadAnswer
from quintain.agents.techniques.choosing import Candidate, plain, written
from quintain.agents.techniques.deciding.asking import Asker, ModelLike, Question
from quintain.agents.techniques.deciding.members import Members, copies
from quintain.agents.techniques.deciding.named import named
from quintain.agents.techniques.deciding.technique import Technique
from quintain.agents.techniques.seeds import derived
from quintain.core import TaskView
from quintain.errors import AgentError, BudgetSpent, UsageError
from quintain.ledger import current, purpose
from quintain.lifting import AgentLike
from quintain.spaces import Action, Message, Observation


@runtime_checkable
class Critic(Protocol):
    """Says what is wrong with an action before it is done. May have `reset(task, seed)` and `close()`."""

    def criticise(self, view: TaskView, observation: Observation, action: Action | str) -> str | Awaitable[str | None] | None:
        """What should be otherwise; None where the action will do."""
        ...


class ModelCritic:
    """A model that sees what the agent sees. An answer that cannot be read is no objection, and is noted."""

    def __init__(self, model: ModelLike, *, temperature: float | None = None, max_tokens: int = 1024) -> None:
        self.asker = Asker(model, temperature=temperature, max_tokens=max_tokens, technique="ModelCritic")
        self.seed = 0

    def reset(self, task: TaskView, seed: int) -> None:
        self.seed = seed

    async def criticise(self, view: TaskView, observation: Observation, action: Action | str) -> str | None:
        question = f"The agent is about to do this:\n{written(action)}\nWhat is wrong with it? Be satisfied if nothing is."
        seed = derived(self.seed, observation.step, written(action))
        try:
            said = await self.asker.ask(_Critique, Question(view, observation, _CRITIC, question, seed))
        except BadAnswer as error:
            current().note("critic failed", error=str(error))
            return None
        return None if said.satisfied else said.critique or "It does not serve the goal."

    async def close(self) -> None:
        await self.asker.close()


class Refine(Technique):
    """An agent proposes, a critic objects, the agent proposes again; after `rounds` critiques its last proposal is done.

    The agent gets a critique as a last message of the same observation. A revision that fails leaves the proposal as it was.
    """

    def __init__(self, agent: AgentLike, critic: str | Critic = "model", *, rounds: int = 2, **options: Any) -> None:
        """`critic`: `model` (with the options of `ModelCritic`), ``module:Class`` or a critic; `options` are its arguments."""
        if rounds < 1:
            raise UsageError(f"Refine: {rounds} rounds criticise nothing; give at least 1")
        self.critic, self.rounds = _critic(critic, options), rounds
        super().__init__(Members(copies(agent, 1, technique="Refine")), self.critic)

    async def decide(self, observation: Observation) -> Candidate:
        (candidate,) = await self.members.propose(observation, what=None)
        for _ in range(self.rounds):
            critique = await self._criticised(observation, candidate)
            if critique is None:
                break
            current().note("critique", action=plain(candidate.action), critique=critique)
            try:
                (candidate,) = await self.members.propose(_with(observation, candidate, critique), what="refine")
            except (BudgetSpent, AgentError) as error:
                current().note("revision failed", error=str(error))
                break
        return candidate

    async def _criticised(self, observation: Observation, candidate: Candidate) -> str | None:
        with purpose("critic"):
            try:
                said = self.critic.criticise(self.view, observation, candidate.action)
                return await said if inspect.isawaitable(said) else said
            except BudgetSpent as error:
                current().note("critic unheard", error=str(error))
                return None


def _with(observation: Observation, candidate: Candidate, critique: str) -> Observation:
    # Agents may show only messages that are new to them, so that no two of these may be alike.
    began = f"Step {observation.step + 1}: your proposal was not done: {written(candidate.action)}"
    text = f"{began}\nA critic says: {critique}\nPropose what to do instead."
    return observation.model_copy(update={"messages": (*observation.messages, Message(role="system", text=text))})


def _critic(critic: str | Critic, options: dict[str, Any]) -> Critic:
    if not isinstance(critic, str):
        if not isinstance(critic, Critic) or options:
            what = f"takes no further options {sorted(options)}" if options else "has no method criticise"
            raise UsageError(f"Refine: critic {type(critic).__name__} {what}")
        return critic
    try:
        made: Critic = (ModelCritic if critic == "model" else named(critic, what="Refine: critic"))(**options)
    except TypeError as error:
        raise UsageError(f"Refine: critic {critic!r} cannot be made: {error}") from None
    return made


class _Critique(BaseModel):
    critique: str = ""
    satisfied: bool


_CRITIC = "You review what an agent is about to do. You see what the agent sees. Object only to what would not serve the goal."
