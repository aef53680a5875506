"""Policies as PettingZoo's users write them: a function of an observation and of the name of the agent whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quintain.agents.interop.arrays import decode, encode
from quintain.core import TaskView
from quintain.lifting import AgentLike
from quintain.spaces import Action, Observation


class PettingZooAgent:
    """Calls the policy with arrays and the name of its seat: the goal's field `seat` where the world names it, else `seat`."""

    def __init__(self, agent: AgentLike, *, seat: str = "agent_0") -> None:
        self._policy: Any = agent
        self._seat = seat

    def reset(self, task: TaskView, seed: int) -> None:
        pass

    def act(self, observation: Observation) -> Action | Mapping[str, Any] | str:
        seat = observation.goal_fields.get("seat", self._seat)
        return decode(self._policy, self._policy(encode(self._policy, observation), seat))
