"""A multi-agent world as a PettingZoo AEC environment: one agent after the other."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
from numpy.typing import NDArray
from pettingzoo import AECEnv
from pettingzoo.utils.conversions import parallel_to_aec

from quintain.errors import UsageError

from .parallel import ParallelWorld


def as_aec(world: ParallelWorld) -> AECEnv[str, Any, Any]:
    """Simultaneous games collect the actions of a round first, as PettingZoo converts them; in others agents take turns."""
    return parallel_to_aec(world) if world.game.simultaneous else TurnWorld(world)


class TurnWorld(AECEnv[str, Any, Any]):
    """A game in which one agent acts at a time. `infos[agent]["action_mask"]` holds for the agent whose turn it is."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "name": "quintain", "is_parallelizable": False}

    def __init__(self, world: ParallelWorld) -> None:
        super().__init__()
        self._world = world
        self.metadata = {**type(self).metadata, "name": world.metadata["name"]}  # type: ignore[misc]
        self.possible_agents, self.render_mode = list(world.possible_agents), None
        self.observation_spaces, self.action_spaces = world.observation_spaces, world.action_spaces
        self.state_space = world.state_space
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self._seen, self.infos = self._world.reset(seed=seed, options=options)
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, False)
        self.agent_selection = self._turn()

    def step(self, action: Any) -> None:
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        if action is None:
            raise UsageError(f"{agent} plays on, and needs an action")
        self._cumulative_rewards[agent] = 0.0
        given = dict.fromkeys(self._world.agents, 0) | {agent: action}
        self._seen, self.rewards, self.terminations, self.truncations, self.infos = self._world.step(given)
        self.agent_selection = self._turn() if self._world.agents else self.agents[0]
        self._accumulate_rewards()

    def observe(self, agent: str) -> NDArray[np.float32]:
        return self._seen[agent]

    def state(self) -> NDArray[np.float32]:
        return self._world.state()

    def render(self) -> Any:
        return self._world.render()

    def close(self) -> None:
        self._world.close()

    def _turn(self) -> str:
        return self._world.acting()[0]
