"""A multi-agent world as a PettingZoo `ParallelEnv`: one environment, NumPy in and out, dead agents removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from quintain.draws import Streams, streams
from quintain.errors import UsageError
from quintain.functional import Game

from .episodes import Episodes, Played
from .spaces import action_space, fitting, observation_space, state_space

Floats = NDArray[np.float32]
Infos = dict[str, dict[str, Any]]


class Programs(NamedTuple):
    """Compiled once for a world, whoever plays it."""

    begin: Callable[[Streams], tuple[Played, tuple[Any, Any]]]
    step: Callable[[Played, Any], tuple[Any, ...]]


@lru_cache(maxsize=128)
def programs(env: Episodes) -> Programs:
    """Of episodes that stay where they end, since who holds them says when the next begins."""
    game, unending = env.game, Episodes(env.game, horizon=env.horizon, reset="never")

    def look(state: Played) -> tuple[Any, Any]:
        return unending.observe(state), unending.mask(state)

    def begin(at: Streams) -> tuple[Played, tuple[Any, Any]]:
        state = unending.init(at)
        return state, look(state)

    def step(state: Played, actions: Any) -> tuple[Any, ...]:
        state, out = unending.step(state, actions)
        return state, look(state), (out.reward, out.terminated, out.truncated, game.alive(state.game))

    return Programs(jax.jit(begin), jax.jit(step))


class ParallelWorld(ParallelEnv[str, Floats, Any]):
    """What `quintain.multiagent.make_parallel` makes.

    An agent leaves `agents` when it dies, and everybody does when the episode ends. `infos[agent]["action_mask"]` says what is
    legal (int8, one for each action). Seeds repeat whole episodes; a reset without one goes on to the next episode of the seed.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [], "name": "quintain", "is_parallelizable": True}

    def __init__(self, env: Episodes, *, name: str = "quintain") -> None:
        self.game: Game = env.game
        self.metadata = {**type(self).metadata, "name": name}  # type: ignore[misc]
        self.possible_agents = list(self.game.agents)
        self.agents: list[str] = []
        self.render_mode = None
        self.observation_spaces = {name: observation_space(self.game, at) for at, name in enumerate(self.game.agents)}
        self.action_spaces = {name: action_space(self.game, at) for at, name in enumerate(self.game.agents)}
        self.state_space = state_space(self.game)
        self._programs = programs(env)
        self._state: Played | None = None
        self._streams: Streams | None = None

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Floats], Infos]:
        if seed is not None or self._streams is None:
            drawn = int(np.random.default_rng().integers(2**32)) if seed is None else int(seed)
            self._streams = streams(drawn, 1)
        else:
            self._streams = self._streams._replace(episode=self._streams.episode + jnp.uint32(1))
        self._state, seen = self._programs.begin(self._streams)
        self.agents = list(self.possible_agents)
        return self._told(jax.device_get(seen), self.agents)

    def step(
        self, actions: Mapping[str, Any]
    ) -> tuple[dict[str, Floats], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """One step of all agents that still play; those that are not acting may give any action.

        Raises:
            UsageError: before a reset, an agent without action, or an action outside its space.
        """
        if self._state is None:
            raise UsageError("reset() comes before step()")
        if not self.agents:
            return {}, {}, {}, {}, {}
        self._state, seen, out = self._programs.step(self._state, self._joined(actions))
        seen, reward, terminated, truncated, alive = jax.device_get((seen, *out))
        playing, over = self.agents, bool(terminated[0] or truncated[0])
        gone = {agent: bool(terminated[0]) or not alive[self._place(agent), 0] for agent in playing}
        observations, infos = self._told(seen, playing)
        rewards = {agent: float(reward[self._place(agent), 0]) for agent in playing}
        cut = {agent: bool(truncated[0]) and not gone[agent] for agent in playing}
        self.agents = [] if over else [agent for agent in playing if not gone[agent]]
        return observations, rewards, gone, cut, infos

    def state(self) -> Floats:
        """float32 [features]: everything there is to know."""
        if self._state is None:
            raise UsageError("reset() comes before state()")
        return np.asarray(self.game.world_state(self._state.game))[:, 0]

    def acting(self) -> list[str]:
        """Whose actions count in the next step."""
        if self._state is None:
            raise UsageError("reset() comes before acting()")
        whose = np.asarray(self.game.acting(self._state.game))[:, 0]
        return [name for name, turn in zip(self.possible_agents, whose, strict=True) if turn]

    def close(self) -> None:
        self.agents = []

    def _place(self, agent: str) -> int:
        return self.possible_agents.index(agent)

    def _told(self, seen: tuple[Any, Any], agents: list[str]) -> tuple[dict[str, Floats], Infos]:
        observations, masks = {}, {}
        for agent in agents:
            at = self._place(agent)
            observations[agent] = np.array(seen[0][at, : self.game.observation_sizes[at], 0])
            masks[agent] = {"action_mask": np.array(seen[1][at, : self.game.action_sizes[at], 0], np.int8)}
        return observations, {agent: {} for agent in agents} if self.game.continuous else masks

    def _joined(self, actions: Mapping[str, Any]) -> Any:
        """Actions of all agents as the game takes them; those of the dead are zeros."""
        if absent := [agent for agent in self.agents if agent not in actions]:
            raise UsageError(f"step: no action of {', '.join(absent)}; each agent in `agents` gives one")
        rows = [fitting(self.game, at, actions.get(name), name) for at, name in enumerate(self.possible_agents)]
        return np.stack(rows)[..., None]
