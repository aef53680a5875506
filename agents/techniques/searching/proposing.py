"""Where the moves of a search come from: samples of an agent that knows the branch's history, or a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from quintain.agents.techniques.choosing import canonical
from quintain.agents.techniques.deciding.named import named
from quintain.agents.techniques.searching.attempts import closed, seed_of, waited
from quintain.agents.techniques.searching.copies import copy_of, twin
from quintain.core import Agent, TaskView
from quintain.errors import AgentError, UsageError
from quintain.handle import EpisodeHandle
from quintain.ledger import purpose
from quintain.lifting import AgentLike, label_of
from quintain.spaces import Action, Observation, parse_action

Proposals = Callable[[TaskView, Observation], Sequence[Action]]


def as_proposals(agent: object, given: Proposals | str | None) -> Proposals | None:
    """The function that is given, or found at ``module:function``; None where an agent proposes.

    Raises:
        UsageError: neither or both of them, or no function.
    """
    if (agent is None) == (given is None):
        raise UsageError("moves come from an agent or from proposals: give one of them")
    found: Any = named(given, what="proposals") if isinstance(given, str) else given
    if found is not None and not callable(found):
        raise UsageError(f"proposals: {type(found).__name__} is no function of (view, observation)")
    return found  # type: ignore[no-any-return]


class Move(NamedTuple):
    """An action that was proposed, and by what share of the samples."""

    action: Action | str
    share: float


class Proposer(Protocol):
    """Proposes moves in one branch, whose every action it is told."""

    async def propose(self, observation: Observation) -> list[Move]:
        """Distinct moves, at least one, the most frequent first."""
        ...

    async def took(self, action: Action | str) -> None: ...

    def fork(self) -> Proposer:
        """Another with the same memory."""
        ...

    def one(self) -> Proposer:
        """Another with the same memory that proposes a single move."""
        ...

    async def close(self) -> None: ...


class SampledProposer:
    """As many samples as there are agents in it, each with a seed and a memory of its own."""

    def __init__(self, agents: Sequence[Agent]) -> None:
        self.agents = list(agents)
        self._last: list[str] = []

    @classmethod
    async def begun(cls, agent: AgentLike, samples: int, *, view: TaskView, seed: int, technique: str) -> SampledProposer:
        """Raises UsageError for an agent that owns its loop, and so proposes no single move."""
        made = []
        for number in range(samples):
            each = copy_of(agent)
            if not isinstance(each, Agent):
                raise UsageError(
                    f"{technique}: agent {label_of(agent)!r} owns its loop; moves come from agents with reset and act"
                )
            await waited(each.reset(view, seed_of(seed, number)))
            made.append(each)
        return cls(made)

    async def propose(self, observation: Observation) -> list[Move]:
        with purpose("propose"):
            actions = [_read(await waited(each.act(observation))) for each in self.agents]
        self._last = [canonical(action) for action in actions]
        return _shares(actions)

    async def took(self, action: Action | str) -> None:
        for each, mine in zip(self.agents, self._last, strict=True):
            told = getattr(each, "took", None)
            if callable(told) and mine != canonical(action):
                await waited(told(action))

    def fork(self) -> SampledProposer:
        return self._forked(len(self.agents))

    def one(self) -> SampledProposer:
        return self._forked(1)

    def _forked(self, agents: int) -> SampledProposer:
        found = SampledProposer([twin(each) for each in self.agents[:agents]])
        found._last = self._last[:agents]
        return found

    async def close(self) -> None:
        for each in self.agents:
            await closed(each)


class FunctionProposer:
    """The moves that a function of the task's view and the observation gives, all alike likely."""

    def __init__(self, function: Proposals, view: TaskView) -> None:
        self._function, self._view = function, view

    async def propose(self, observation: Observation) -> list[Move]:
        with purpose("propose"):
            moves = _shares([_read(action) for action in self._function(self._view, observation)])
        if not moves:
            raise AgentError(f"no move is proposed at step {observation.step}; give at least one")
        return [move._replace(share=1 / len(moves)) for move in moves]

    async def took(self, action: Action | str) -> None:
        pass

    def fork(self) -> FunctionProposer:
        return self

    def one(self) -> FunctionProposer:
        return self

    async def close(self) -> None:
        pass


def _shares(actions: Sequence[Action | str]) -> list[Move]:
    found: dict[str, list[Action | str]] = {}
    for action in actions:
        found.setdefault(canonical(action), []).append(action)
    moves = [Move(each[0], len(each) / len(actions)) for each in found.values()]
    return sorted(moves, key=lambda move: -move.share)


def _read(action: object) -> Action | str:
    if isinstance(action, str) and not action.lstrip().startswith("{"):
        return action
    try:
        return parse_action(action)
    except ValueError as error:
        raise AgentError(f"proposed {error!s}") from None


async def proposer_of(
    agent: AgentLike | None, proposals: Proposals | None, *, episode: EpisodeHandle, samples: int, technique: str
) -> Proposer:
    """Who proposes at the beginning of an episode."""
    if proposals is not None:
        return FunctionProposer(proposals, episode.view)
    return await SampledProposer.begun(agent, samples, view=episode.view, seed=episode.seed, technique=technique)
