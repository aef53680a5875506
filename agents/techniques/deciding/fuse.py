"""Several proposals merged into one action by a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quintain.agents.llm.decoding import decode
from quintain.agents.llm.model import BadAnswer
from quintain.agents.llm.tools import Offer, schema
from quintain.agents.techniques.choosing import Candidate, alike
from quintain.agents.techniques.deciding.asking import Asker, ModelLike, Question
from quintain.agents.techniques.deciding.members import Members, copies
from quintain.agents.techniques.deciding.technique import Technique, note_choice
from quintain.agents.techniques.seeds import derived
from quintain.core import TaskView
from quintain.errors import BudgetSpent, UsageError
from quintain.ledger import current, purpose
from quintain.lifting import AgentLike
from quintain.spaces import KINDS, Observation


class Fuser:
    """A model that makes one action of several, held to the kinds of action that the task takes."""

    def __init__(self, model: ModelLike, *, temperature: float | None = None, max_tokens: int = 1024, rules: str = "") -> None:
        self.asker = Asker(model, temperature=temperature, max_tokens=max_tokens, technique="Fuser")
        self.rules = rules

    async def fuse(
        self,
        view: TaskView,
        observation: Observation,
        candidates: Sequence[Candidate],
        *,
        seed: int,
        critiques: Sequence[str] | None = None,
    ) -> Candidate:
        """The merged action, by nobody.

        Raises:
            BadAnswer: no action that the task takes.
        """
        numbered = self.asker.numbered(list(candidates), None if critiques is None else list(critiques))
        lines = ["Proposed so far:", numbered, "Give the best single action, drawn from these.", self.rules]
        question = "\n".join(filter(None, lines))
        about = Question(view, observation, _FUSER, question, seed)
        offer = _offer(view, observation)
        answer = await self.asker.answer(about, schema(offer))
        try:
            decoded = decode(answer, offer.kinds)
            action = decoded.proposals[0].action
            action.model_dump_json()  # Half of a surrogate pair raises here, and could not be stored either.
        except ValueError as error:
            raise BadAnswer(f"fuser: {error}") from None
        return Candidate(action, by=NOBODY, said=decoded.extras.get("thought"))

    async def close(self) -> None:
        await self.asker.close()


class Fuse(Technique):
    """Several agents propose; a model merges what they propose and say into one action.

    Where all agree nothing is asked. An answer that is no action of the task leaves the first proposal, and is noted.
    """

    def __init__(self, agents: Sequence[AgentLike], model: ModelLike, **options: Any) -> None:
        """`agents`: at least one; `model`: the fuser's; `options`: those of `Fuser`."""
        if isinstance(agents, (str, Mapping)) or not isinstance(agents, Sequence) or not agents:
            raise UsageError(f"Fuse: agents must be a list of agents, got {agents!r:.80}")
        try:
            self.fuser = Fuser(model, **options)
        except TypeError as error:
            raise UsageError(f"Fuse: {error}") from None
        super().__init__(Members([copies(each, 1, technique="Fuse")[0] for each in agents]), self.fuser)
        self.seed = 0

    async def reset(self, task: TaskView, seed: int) -> None:
        await super().reset(task, seed)
        self.seed = derived(seed, "fuse")

    async def decide(self, observation: Observation) -> Candidate:
        candidates = await self.members.propose(observation)
        if len(alike(candidates)) == 1:
            return candidates[0]
        try:
            with purpose("fuse"):
                seed = derived(self.seed, observation.step)
                fused = await self.fuser.fuse(self.view, observation, candidates, seed=seed)
        except (BadAnswer, BudgetSpent) as error:
            current().note("fuser failed", error=str(error))
            fused = candidates[0]
        note_choice("fuse", [*candidates, fused], len(candidates))
        return fused


def _offer(view: TaskView, observation: Observation) -> Offer:
    refs = observation.elements is not None
    kinds = tuple(kind for kind in KINDS if not view.action_kinds or kind in view.action_kinds)
    # Where there are no elements, points are all that could be meant, seen or not.
    return Offer(kinds, refs=refs, points=observation.screenshot is not None or not refs, extras=("thought",))


NOBODY = -1
"""In the place of an agent's number."""
_FUSER = "You decide what an agent does next, from what several others propose. You see what the agent sees."
